/** Rows of the table of prices as YAML, one row per line. */

import type { WrittenPrice } from "./price_table.ts";

/** One line for each row, without anchors and folding. */
export function priceTableText(rows: readonly WrittenPrice[], indent = ""): string {
  return rows.map((row) => `${indent}- ${flow(row)}\n`).join("");
}

/** A value in flow style; strings that YAML would not read as strings are quoted. */
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
