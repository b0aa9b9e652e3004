/** Problems in a configuration, and where they are. */

/** Keys and list indexes from the root to a value. */
export type Path = readonly (string | number)[];

export interface Problem {
  readonly file: string;
  /** Starts at 1; the line of the key or value with the problem. */
  readonly line: number;
  /** Starts at 1, in UTF-16 code units. */
  readonly column: number;
  /** `providers.east.region`; empty for a problem with the whole file. */
  readonly path: string;
  /** Never contains a secret or a value from outside the file. */
  readonly message: string;
}

/** `file:line:column: path: message`, which editors turn into a link. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.path === ""
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.path}: ${problem.message}`;
}

/** `providers.east.region`, `listen[0]`, `models["claude-3.5"].id`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z0-9_-]+$/.test(step)) text += `[${quote(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

const MAX_QUOTED_LENGTH = 80;

/** The text in double quotes, with control characters escaped and truncated if long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text);
}

const MAX_PROBLEMS = 100;

/**
 * Grouped by file in order of first occurrence, by position within a file, without duplicates, at most 100.
 */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  const files = [...new Set(problems.map(({ file }) => file))];
  return [...unique.values()].sort((a, b) =>
    files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column
  ).slice(0, MAX_PROBLEMS);
}
