/** "Did you mean": the closest of a few known names. */

/**
 * Number of edits between two strings: insert, delete or replace a character, or swap two adjacent ones (optimal
 * string alignment, the restricted Damerau-Levenshtein distance).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

const MAX_COMPARED_LENGTH = 64;

/**
 * The known name closest to `text`, if it is a plausible misspelling: at most one edit per three characters.
 */
export function nearest(text: string, known: Iterable<string>): string | undefined {
  if (text.length > MAX_COMPARED_LENGTH) return undefined;
  const wanted = text.toLowerCase();
  let best: string | undefined;
  const mostEdits = Math.min(Math.max(1, Math.floor(text.length / 3)), text.length - 1);
  let bestDistance = mostEdits + 1;
  for (const name of known) {
    if (Math.abs(name.length - text.length) >= bestDistance) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** `; did you mean "east"?`, or an empty string if no known name is close. */
export function didYouMean(text: string, known: Iterable<string>): string {
  const name = nearest(text, known);
  return name === undefined ? "" : `; did you mean ${JSON.stringify(name)}?`;
}

const MAX_LISTED = 12;

/** `; did you mean "east"?` or else `; known: east, west`, if that is short enough. */
export function suggestion(text: string, known: readonly string[]): string {
  const guess = didYouMean(text, known);
  if (guess !== "" || known.length === 0 || known.length > MAX_LISTED) return guess;
  return `; known: ${known.join(", ")}`;
}
