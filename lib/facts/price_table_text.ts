/** Rows of the table of prices as YAML, one row a line. */

import type { WrittenPrice } from "./price_table.ts";

/** One line for each row, readable and without an anchor or a fold. */
export function priceTableText(rows: readonly WrittenPrice[], indent = ""): string {
  return rows.map((row) => `${indent}- ${flow(row)}\n`).join("");
}

/** Flow style: strings that YAML would read as something else are quoted. */
function flow(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") {
    return /^[A-Za-z][\w.-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value)
      ? value
      : JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((each) => flow(each)).join(", ")}]`;
  const members = Object.entries(value ?? {}).map(([key, each]) => `${key}: ${flow(each)}`);
  return `{ ${members.join(", ")} }`;
}
