/** Takes out of AWS's wording what a caller is not to see. */

/** Each kind of identifier and what stands in its place. */
const IDENTIFIERS: readonly (readonly [RegExp, string])[] = [
  [/arn:[^\s"',;)\]}]+/gi, "[arn]"],
];

export function scrub(text: string): string {
  return IDENTIFIERS.reduce((scrubbed, [pattern, name]) => scrubbed.replace(pattern, name), text);
}
