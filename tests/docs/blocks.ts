/**
 * Reads the commands in a document. A fenced block marked `sh` is run; a `text` block directly below it is its expected
 * output, in which `…` matches anything. `sh` may be followed by:
 *
 * - `background`: the block keeps running while later blocks run, which start once it has printed its `text`;
 * - `exits 1`: the block ends with that exit code;
 * - `needs PROGRAM`: the block is run where the program is installed;
 * - `ignore (reason)`: the block is not run.
 */

export interface Block {
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly code: string;
  readonly mode: Mode;
  /** Expected output without the final newline; undefined where the document shows none. */
  readonly expected: string | undefined;
}

export type Mode =
  | { readonly kind: "run"; readonly exitCode: number; readonly program?: string }
  | { readonly kind: "background" }
  | { readonly kind: "ignore"; readonly reason: string };

interface Fence {
  readonly line: number;
  readonly language: string;
  readonly rest: string;
  readonly text: string;
  /** Whether only empty lines separate this fence from the previous one. */
  readonly followsFence: boolean;
}

/** The commands of a Markdown text, in order. Throws with the line of a block whose mark is unknown. */
export function parseBlocks(markdown: string): readonly Block[] {
  const fences = parseFences(markdown);
  return fences.flatMap((fence, index) => {
    if (fence.language !== "sh") return [];
    const next = fences[index + 1];
    const expected = next?.language === "text" && next.followsFence ? next.text : undefined;
    const mode = parseMode(fence);
    if (mode.kind === "background" && expected === undefined) {
      throw new Error(
        `line ${fence.line}: a background block needs a text block that shows when it has started`,
      );
    }
    return [{ line: fence.line, code: fence.text, mode, expected }];
  });
}

function parseMode({ line, rest }: Fence): Mode {
  if (rest === "") return { kind: "run", exitCode: 0 };
  if (rest === "background") return { kind: "background" };
  const [, exitCode] = /^exits (\d+)$/.exec(rest) ?? [];
  if (exitCode !== undefined) return { kind: "run", exitCode: Number(exitCode) };
  const [, program] = /^needs (\S+)$/.exec(rest) ?? [];
  if (program !== undefined) return { kind: "run", exitCode: 0, program };
  const [, reason] = /^ignore \((.+)\)$/.exec(rest) ?? [];
  if (reason !== undefined) return { kind: "ignore", reason };
  throw new Error(
    `line ${line}: "sh ${rest}" is not "background", "exits CODE", "needs PROGRAM" or "ignore (reason)"`,
  );
}

function parseFences(markdown: string): readonly Fence[] {
  const fences: Fence[] = [];
  let open:
    | { line: number; language: string; rest: string; lines: string[]; followsFence: boolean }
    | undefined;
  let onlySpaceSinceFence = false;
  for (const [index, text] of markdown.split("\n").entries()) {
    const [, language, rest] = /^```(\S*)\s*(.*)$/.exec(text) ?? [];
    if (open !== undefined && text === "```") {
      const { lines, ...fence } = open;
      fences.push({ ...fence, text: lines.join("\n") });
      open = undefined;
      onlySpaceSinceFence = true;
    } else if (open !== undefined) {
      open.lines.push(text);
    } else if (language !== undefined && rest !== undefined) {
      open = { line: index + 1, language, rest, lines: [], followsFence: onlySpaceSinceFence };
    } else if (text.trim() !== "") {
      onlySpaceSinceFence = false;
    }
  }
  return fences;
}

/** Whether the output matches the document: `…` is anything within a line, and a line `…` is any number of lines. */
export function isAsShown(output: string, expected: string): boolean {
  return new RegExp(`^${patternOf(expected)}$`).test(output.trimEnd() + "\n");
}

/** Whether the output starts with what the document shows. */
export function beginsAsShown(output: string, expected: string): boolean {
  return new RegExp(`^${patternOf(expected)}`).test(output + "\n");
}

function patternOf(expected: string): string {
  const lines = expected.trimEnd().split("\n");
  return lines.map((line) =>
    line === "…" ? "(?:.*\\n)*?" : line.split("…").map(RegExp.escape).join(".*") + "\\n"
  )
    .join("");
}
