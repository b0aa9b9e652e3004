/** Common mistakes in YAML that the parser reports in another place, unclearly, or not at all. */

import { quote } from "../../base/problems.ts";
import type { SyntaxProblem } from "./syntax.ts";

interface Slip {
  /** Matched against single lines; the first group is the place of the mistake. */
  readonly pattern: RegExp;
  readonly message: (match: RegExpExecArray) => string;
  /** Whether a match is always a mistake. Other patterns are only tried on lines where the parser reports an error. */
  readonly isAlwaysWrong: boolean;
}

const SLIPS: readonly Slip[] = [
  {
    // As indentation, or after the colon of a key.
    pattern: /^(?: *|[ -]*[\w.\/-]+: *)([\u00a0\u2000-\u200b\u202f\u205f\u3000])/d,
    message: ([, space = ""]) =>
      `the character U+${
        space.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")
      } looks like a space but is not one in YAML; replace it`,
    isAlwaysWrong: true,
  },
  {
    pattern: /(?:: *|^ *- *)(\{\{ *-? *(?:env\.|\.Env\.|\.Values\.|os\.environ)?[\w.]* *-? *\}\})/d,
    message: () => "templates such as {{env.NAME}} are not supported; write ${env:NAME}",
    isAlwaysWrong: false,
  },
  {
    pattern: /[{[,:] *(\$\{(?:env|file|credential):[^}]*\})/d,
    message: () => 'put a reference inside { } or [ ] in quotes, such as "${env:NAME}"',
    isAlwaysWrong: false,
  },
  {
    pattern: /^ *(?:- +)?(([A-Za-z_][\w-]*):)[^\s:\/]/d,
    message: ([, , name = ""]) => `expected ${quote(`${name}: VALUE`)}, with a space after the colon`,
    isAlwaysWrong: false,
  },
];

/** The mistakes in the text, which explain errors of the parser at these offsets. */
export function findSlips(text: string, errorOffsets: readonly number[]): readonly SyntaxProblem[] {
  const found: SyntaxProblem[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    const end = start + line.length;
    const hasError = errorOffsets.some((offset) => offset >= start && offset <= end);
    for (const { pattern, message, isAlwaysWrong } of SLIPS) {
      const match = isAlwaysWrong || hasError ? pattern.exec(line) : null;
      if (match === null) continue;
      found.push({ offset: start + (match.indices?.[1]?.[0] ?? 0), path: [], message: message(match) });
      break;
    }
    start = end + 1;
  }
  return found;
}
