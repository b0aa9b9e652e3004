/** The English in a source text: what its comments, strings and test names say, with line numbers. */

export interface Prose {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** The comments of a TypeScript source, and those of its strings that have several words. */
export function proseOf(path: string, source: string): readonly Prose[] {
  const found: Prose[] = [];
  walk(path, source, (text, offset) => {
    if (/\S\s+\S/.test(text)) found.push(...proseAt(text, offset, source));
  }, (text, offset) => found.push(...proseAt(text, offset, source)));
  return found;
}

/** The comments of a test's TypeScript source, and the names of its tests: its other strings are data. */
export function testProseOf(path: string, source: string): readonly Prose[] {
  const names = /(?:Deno\.test|t\.step)\(\s*(["'`])|\bname: (["'`])/g;
  const starts = new Set([...source.matchAll(names)].map((match) => match.index + match[0].length - 1));
  const found: Prose[] = [];
  walk(path, source, (text, offset) => {
    if (starts.has(offset) || starts.has(offset - 1)) found.push(...proseAt(text, offset, source));
  }, (text, offset) => found.push(...proseAt(text, offset, source)));
  return found;
}

function proseAt(text: string, offset: number, source: string): readonly Prose[] {
  const { length } = source.slice(0, offset).split("\n");
  return text.split("\n").map((part, index) => ({ text: part, line: length + index }));
}

/** The lines of a text that is prose throughout, such as Markdown. */
export function linesOf(text: string): readonly Prose[] {
  return text.split("\n").map((line, index) => ({ text: line, line: index + 1 }));
}

type Visit = (text: string, offset: number) => void;

function walk(path: string, source: string, onString: Visit, onComment: Visit = () => {}): void {
  const plugin: Deno.lint.Plugin = {
    name: "prose",
    rules: {
      collect: {
        create: (context) => {
          for (const comment of context.sourceCode.getAllComments()) {
            onComment(comment.value, comment.range[0]);
          }
          return {
            Literal: (node) => {
              if (typeof node.value === "string") onString(node.value, node.range[0]);
            },
            JSXText: (node) => onString(node.value, node.range[0]),
            TemplateElement: (node) => onString(node.cooked, node.range[0]),
          };
        },
      },
    },
  };
  Deno.lint.runPlugin(plugin, path, source);
}
