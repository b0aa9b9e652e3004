/** Text on the command line: tables, with names aligned to the left and numbers to the right, and counts. */

/** Lines with aligned columns: the first `names` columns to the left, the others to the right. */
export function textTable(
  lines: readonly (readonly string[])[],
  { names }: { readonly names: number },
): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0))
  );
  return lines.map((line) =>
    line.map((cell, column) =>
      column < names ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd() + "\n"
  ).join("");
}

/** `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
