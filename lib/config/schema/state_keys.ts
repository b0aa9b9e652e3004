/** The keys of the data that the gateway keeps on disk. */

import { flag, mapping, parsed, size, text } from "./fields.ts";

const MIB = 1024 * 1024;
const TIB = 1024 * 1024 * MIB;

function days(max: number) {
  return parsed({
    expected: `a number of days from 1d to ${max}d`,
    pattern: /^\d{1,5}d$/,
    parse: (value) => {
      const count = Number(value.slice(0, -1));
      return count >= 1 && count <= max ? count : undefined;
    },
  });
}

/** `state`. */
export const state = mapping(() => ({
  path: text({ expected: "the absolute path of a folder", pattern: /^\/[^\0]*$/ })
    .describe("Folder of the usage ledger; created with access for its owner only."),
  requests: days(3650).prefault("30d").describe("How long single requests are kept."),
  hours: days(3650).prefault("400d").describe("How long hourly sums are kept."),
  max_size: size({ min: 16 * MIB, max: TIB }).prefault("2GiB")
    .describe("Maximum size of the ledger; beyond it, the oldest requests are removed."),
  required: flag().prefault(false)
    .describe("Whether the gateway starts, and reports that it is ready, only if the ledger can be written."),
}));
