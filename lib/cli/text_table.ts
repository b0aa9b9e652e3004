/** Tables on the command line: names on the left, numbers on the right of their columns. */

/** Lines with aligned columns, of which the first `names` are aligned to the left. */
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
