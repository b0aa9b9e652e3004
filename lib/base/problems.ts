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
  for (const [index, step] of path.entries()) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z0-9_-]+$/.test(step) || looksLikeSecret(step)) {
      text += `[${isFreeName(path, index) ? quote(step) : quoteKey(step)}]`;
    } else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** Names of models and paths of routes may contain any character. */
function isFreeName([section]: Path, index: number): boolean {
  return index === 1 && (section === "models" || section === "routes");
}

/**
 * A key in double quotes, cut at a colon or an equals sign: if the space after the colon is missing, the key includes
 * the value, which may be a secret.
 */
export function quoteKey(key: string): string {
  const [name = ""] = key.split(/[:=]/, 1);
  if (looksLikeSecret(name)) return '"…"';
  return quote(name === key ? key : `${name}…`);
}

/** A path in double quotes, unless it looks like text pasted into the wrong field. */
export function quotePath(path: string): string {
  return looksLikeSecret(path) || path.length > MAX_PATH_LENGTH || /[\n\r]/.test(path)
    ? "(not shown, because it is not a path)"
    : quote(path);
}

const MAX_PATH_LENGTH = 1024;

/** Patterns of keys and tokens; names and paths do not match them. */
const SECRETS: readonly RegExp[] = [
  /-----BEGIN/,
  // AWS access key ids, Bedrock API keys, caller keys, OpenAI and Anthropic keys.
  /^(?:A[KS]IA[A-Z0-9]{16}|ABSK[\w+/=-]{16,}|bedrock-api-key-.+|adit_[\w-]{20,}|sk-[\w-]{16,})$/,
  // Base64, such as the body of a PEM file or a secret access key.
  /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+/=]{32,}$/,
];

/** Whether the text looks like a secret in the wrong place. */
export function looksLikeSecret(text: string): boolean {
  return SECRETS.some((pattern) => pattern.test(text));
}

const MAX_QUOTED_LENGTH = 80;

/** The text in double quotes, with control characters escaped and truncated if long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text);
}

const MAX_PROBLEMS = 100;

/** Sorted by file, in order of first occurrence, and by position; without duplicates, and at most 100. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  const files = [...new Set(problems.map(({ file }) => file))];
  return [...unique.values()].sort((a, b) =>
    files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column
  ).slice(0, MAX_PROBLEMS);
}
