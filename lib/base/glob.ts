/** Globs over names: `*` matches any run of characters, any other character only itself. */

/** Whether the pattern matches the whole text. Never backtracks; linear in the text for each `*`. */
export function matchesGlob(pattern: string, text: string): boolean {
  const first = pattern.indexOf("*");
  if (first === -1) return text === pattern;
  const last = pattern.lastIndexOf("*");
  const end = text.length - (pattern.length - last - 1);
  if (end < first) return false;
  if (!text.startsWith(pattern.slice(0, first)) || !text.endsWith(pattern.slice(last + 1))) return false;
  if (first === last) return true;
  let from = first;
  // The earliest match of each piece leaves the most room for the next, so the first attempt decides.
  for (const piece of pattern.slice(first + 1, last).split("*")) {
    const at = text.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}

/** Whether the text has a wildcard, so that it names a set rather than one thing. */
export function isGlob(text: string): boolean {
  return text.includes("*");
}

/** The prefix of every text that the pattern matches. */
export function globPrefix(pattern: string): string {
  const first = pattern.indexOf("*");
  return first === -1 ? pattern : pattern.slice(0, first);
}
