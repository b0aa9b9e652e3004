/** Mistakes that show in the text of a YAML file, and that the parser reports elsewhere, as something else, or not at all. */

import { quote } from "../../base/problems.ts";
import type { SyntaxProblem } from "./syntax.ts";

interface Slip {
  /** Its first group is where the mistake is; matched against single lines. */
  readonly pattern: RegExp;
  readonly message: (match: RegExpExecArray) => string;
  /** Whether the line is a mistake by itself. Other slips are one only where the parser reports an error on the line. */
  readonly isAlwaysWrong: boolean;
}

const SLIPS: readonly Slip[] = [
  {
    // As indentation, or after the colon of a key.
    pattern: /^(?: *|[ -]*[\w.\/-]+: *)([\u00a0\u2000-\u200b\u202f\u205f\u3000])/d,
    message: ([, space = ""]) =>
      `the character U+${
        space.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")
      } looks like a space, but is ` +
      "none in YAML; replace it with a space",
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

/** The mistakes in the text, given where the parser found errors; what they explain need not be reported again. */
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
