/** The team's rules as a plugin of `deno lint`; `lint_plugin_test.ts` shows what each refuses and accepts. */

import { repositoryPath } from "../repository.ts";

/** Path from the repository's root, such as `lib/base/clock.ts`. */
type Path = string;
type Reporter = (node: { range: Deno.lint.Range }, message: string) => void;

interface TeamRule {
  /** Whether the rule holds in the file. */
  readonly appliesTo: (path: Path) => boolean;
  /** Shown under each finding: why the rule is there, or what to do instead. */
  readonly hint: string;
  readonly visit: (report: Reporter, context: Deno.lint.RuleContext) => Deno.lint.LintVisitor;
}

const under = (...folders: readonly string[]) => (path: Path) =>
  folders.some((folder) => path.startsWith(folder));
const isProgram = (path: Path) => path === "main.ts" || path.startsWith("lib/");
/** Runs in the operator's browser, whose network and clock are all that it has; tests replace them there. */
const isPage = under("lib/admin/page/");
const isTest = (path: Path) => path.startsWith("tests/");
const everywhere = () => true;

/** Names of globals that the walker finds used as values, not as property names. */
const isPropertyName = (node: Deno.lint.Identifier): boolean => {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return parent.key === node;
    default:
      return false;
  }
};

const isDocComment = (comment: Deno.lint.LineComment | Deno.lint.BlockComment | undefined): boolean =>
  comment?.type === "Block" && comment.value.startsWith("*");

const RULES: Readonly<Record<string, TeamRule>> = {
  "runtime-globals": {
    appliesTo: (path) => isProgram(path) && !under("lib/runtime/")(path),
    hint: "The program runs on Deno and on Bun; what differs is behind lib/runtime/runtime.ts",
    visit: (report) => ({
      Identifier: (node) => {
        if (["Deno", "Bun"].includes(node.name) && !isPropertyName(node)) {
          report(node, `The global "${node.name}"`);
        }
      },
    }),
  },
  "fetch-as-parameter": {
    appliesTo: (path) =>
      isProgram(path) && !under("lib/runtime/", "lib/providers/", "lib/aws/")(path) && !isPage(path),
    hint: "Requests leave the program through lib/providers and lib/aws, which take a Fetch",
    visit: (report) => ({
      'CallExpression[callee.name="fetch"]': (node: Deno.lint.CallExpression) =>
        report(node, "A call of fetch"),
      'MemberExpression[object.name="globalThis"][property.name="fetch"]': (
        node: Deno.lint.MemberExpression,
      ) => report(node, "The global fetch"),
    }),
  },
  "clock-as-parameter": {
    appliesTo: (path) => isProgram(path) && path !== "lib/base/clock.ts" && !isPage(path),
    hint: "Take a Clock, so that tests decide what time it is",
    visit: (report) => ({
      'MemberExpression[object.name=/^(Date|performance)$/][property.name="now"]': (
        node: Deno.lint.MemberExpression,
      ) => report(node, "The time of the system"),
      'NewExpression[callee.name="Date"][arguments.length=0]': (node: Deno.lint.NewExpression) =>
        report(node, "The time of the system"),
    }),
  },
  "randomness-from-base": {
    appliesTo: (path) => isProgram(path) && !under("lib/base/")(path),
    hint: "lib/base/ids.ts makes what must be unique or secret",
    visit: (report) => ({
      'MemberExpression[object.name="Math"][property.name="random"]': (node: Deno.lint.MemberExpression) =>
        report(node, "Math.random"),
      "MemberExpression[property.name=/^(randomUUID|getRandomValues)$/]": (
        node: Deno.lint.MemberExpression,
      ) => report(node, "Randomness"),
    }),
  },
  "named-exports": {
    // `deno lint` demands a default export of its plugins.
    appliesTo: (path) => path !== "tests/meta/lint_plugin.ts",
    hint: "A named export has the same name in every file, and can be searched for",
    visit: (report) => ({
      ExportDefaultDeclaration: (node) => report(node, "A default export"),
      'ExportSpecifier[exported.name="default"]': (node: Deno.lint.ExportSpecifier) =>
        report(node, "A default export"),
    }),
  },
  "no-double-cast": {
    appliesTo: everywhere,
    hint: "A cast over unknown silences the compiler; parse the value, or narrow its type",
    visit: (report) => ({
      'TSAsExpression > TSAsExpression[typeAnnotation.type="TSUnknownKeyword"]': (
        node: Deno.lint.TSAsExpression,
      ) => report(node, "A cast over unknown"),
    }),
  },
  "file-header": {
    appliesTo: (path) => !path.endsWith("_test.ts"),
    hint: "A file begins with /** and one sentence that says its purpose",
    visit: (report, { sourceCode }) => ({
      Program: (node) => {
        if (!/^(?:#!.*\n)?\/\*\*\s/.test(sourceCode.text)) {
          report({ range: [node.range[0], node.range[0]] }, "No header");
        }
      },
    }),
  },
  "documented-exports": {
    appliesTo: (path) => path.startsWith("lib/"),
    hint: "One sentence that says what it gives, with shapes, units and errors where they matter",
    visit: (report, { sourceCode }) => {
      const check = (node: Deno.lint.ExportNamedDeclaration): void => {
        const { declaration } = node;
        if (declaration?.type !== "FunctionDeclaration" && declaration?.type !== "ClassDeclaration") return;
        // Deno 2.9.6 lists all comments of the file that precede the node, its header included.
        const comment = sourceCode.getCommentsBefore(node).at(-1);
        const isDirectlyBefore = comment !== undefined &&
          sourceCode.text.slice(comment.range[1], node.range[0]).trim() === "";
        if (isDocComment(comment) && isDirectlyBefore) return;
        report(
          { range: [node.range[0], node.range[0] + "export".length] },
          `"${declaration.id?.name}" is not described`,
        );
      };
      return { ExportNamedDeclaration: check };
    },
  },
  "no-unfinished": {
    appliesTo: everywhere,
    hint: "What is left to do is not written into the code",
    visit: (report, { sourceCode }) => ({
      "Program:exit": () => {
        for (const comment of sourceCode.getAllComments()) {
          if (/\b(?:TODO|FIXME|XXX|HACK)\b/.test(comment.value)) {
            report(comment, "A note of something unfinished");
          }
        }
      },
    }),
  },
  "no-skipped-tests": {
    appliesTo: isTest,
    hint: "A test that does not run is no test",
    visit: (report) => ({
      'MemberExpression[object.object.name="Deno"][object.property.name="test"][property.name=/^(only|ignore)$/]':
        (
          node: Deno.lint.MemberExpression,
        ) => report(node, "A test that does not run, or keeps others from running"),
      'CallExpression[callee.object.name="Deno"][callee.property.name="test"] Property[key.name=/^(only|ignore)$/]':
        (
          node: Deno.lint.Property,
        ) => report(node, "A test that does not run, or keeps others from running"),
    }),
  },
  "no-excuses": {
    appliesTo: isProgram,
    hint: "The program obeys the team's rules without exception; change the rule if it is wrong",
    visit: (report, { sourceCode }) => ({
      "Program:exit": () => {
        for (const comment of sourceCode.getAllComments()) {
          if (/deno-lint-ignore.*\badit\/|@ts-(?:ignore|expect-error|nocheck)/.test(comment.value)) {
            report(comment, "A rule switched off");
          }
        }
      },
    }),
  },
};

function toLintRule({ appliesTo, hint, visit }: TeamRule): Deno.lint.Rule {
  return {
    create: (context) => {
      const path = context.filename.replace(repositoryPath("."), "");
      if (!appliesTo(path)) return {};
      return visit(({ range }, message) => context.report({ range, message, hint }), context);
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "adit",
  rules: Object.fromEntries(Object.entries(RULES).map(([name, rule]) => [name, toLintRule(rule)])),
};

export default plugin;
