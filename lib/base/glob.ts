/** Globs over names: `*` matches any run of characters, every other character itself. */

export interface Glob {
  readonly pattern: string;
  matches(text: string): boolean;
}

/** Compiles a pattern. Matching never backtracks: it is linear in the text for each `*`. */
export function compileGlob(pattern: string): Glob {
  if (!isGlob(pattern)) return { pattern, matches: (text) => text === pattern };
  const pieces = pattern.split("*");
  const head = pieces.shift() ?? "";
  const tail = pieces.pop() ?? "";

  function matches(text: string): boolean {
    if (text.length < head.length + tail.length) return false;
    if (!text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let from = head.length;
    // The earliest match of each piece leaves the most room for the next, so the first attempt decides.
    for (const piece of pieces) {
      const at = text.indexOf(piece, from);
      if (at === -1 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  }
  return { pattern, matches };
}

/** Whether the text has a wildcard. */
export function isGlob(text: string): boolean {
  return text.includes("*");
}
