/** "Did you mean": the nearest of a few known names. */

/**
 * Edits that turn one text into the other: insert, delete, replace a character, or swap two neighbours (optimal string
 * alignment, the restricted Damerau-Levenshtein distance).
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

/** The known name nearest to `text`, if a slip of the pen explains the difference: one edit for each three characters. */
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

/** `, did you mean "east"`, or nothing where no known name is near. */
export function didYouMean(text: string, known: Iterable<string>): string {
  const name = nearest(text, known);
  return name === undefined ? "" : `, did you mean ${JSON.stringify(name)}`;
}

const MAX_LISTED = 12;

/** `, did you mean "east"` or else `, known are east, west`, as far as that helps. */
export function suggestion(text: string, known: readonly string[]): string {
  const guess = didYouMean(text, known);
  if (guess !== "" || known.length === 0 || known.length > MAX_LISTED) return guess;
  return `, known ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`;
}
