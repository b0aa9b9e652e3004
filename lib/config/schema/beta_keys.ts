/** The schema of a beta flags file, with its error messages. */

import { z } from "zod";
import { FLAG_NAMES } from "../../facts/beta_table.ts";
import { JSON_PATH } from "../../facts/json_paths.ts";
import { about, list, mapping, text } from "./fields.ts";

const flag = () =>
  text({
    expected: "a beta flag, optionally ending in * for any characters",
    pattern: FLAG_NAMES,
    maxLength: 129,
  });
const flags = () => list(flag(), { min: 0, max: 1000 });
const toolType = () =>
  text({
    expected: "the type of a tool, optionally ending in * for any characters",
    pattern: FLAG_NAMES,
    maxLength: 129,
  });
const path = () =>
  text({
    expected: "a path such as a.b, a[].b or tools[web_search*].b",
    pattern: JSON_PATH,
    maxLength: 256,
  });

/** The file of `data.beta_flags`. */
export const betaTable = mapping(() => ({
  unknown: z.enum(["drop", "pass"]).optional(),
  pass: flags().prefault([]),
  drop: flags().prefault([]),
  rename: z.record(z.string(), flag()).register(about, { expected: "a mapping from flags to flags" })
    .prefault(
      {},
    ),
  fields: list(
    mapping(() => ({ flags: flags(), remove: list(path(), { min: 0, max: 100 }), alone: flag().optional() })),
    { min: 0, max: 1000 },
  ).prefault([]),
  replace: list(mapping(() => ({ field: path(), flag: flag() })), { min: 0, max: 1000 }).prefault([]),
  tools: list(toolType(), { min: 0, max: 1000 }).prefault([]),
}));
