/** The table of beta flags: the one that the program carries, and what is wrong with others. */

import assert from "node:assert/strict";
import { betaTableSchema, builtInBetaTable, compileBetaTable } from "../../lib/data/beta_flags.ts";

Deno.test("the built-in table names no flag twice and renames to flags that pass", () => {
  const { pass, drop, rename } = builtInBetaTable();
  const names = [...pass, ...drop, ...rename.keys()];
  assert.equal(new Set(names).size, names.length);
  for (const name of rename.values()) assert.ok(pass.includes(name), name);
});

const TABLE = { unknown: "drop", pass: [], drop: [], rename: {}, fields: [] };

Deno.test("a table of the wrong shape is refused", () => {
  const faults = [
    { ...TABLE, unknown: "maybe" },
    { ...TABLE, dropped: [] },
    { ...TABLE, pass: ["*-in-front"] },
    { ...TABLE, fields: [{ flags: ["a"], removes: [] }] },
  ];
  for (const fault of faults) assert.equal(betaTableSchema.safeParse(fault).success, false);
});

Deno.test("a path that cannot be read is named", () => {
  for (const path of ["a[b", "a..b", "", "a[b*]c", "[]"]) {
    const table = betaTableSchema.parse({ ...TABLE, fields: [{ flags: ["a"], remove: [path] }] });
    assert.throws(() => compileBetaTable(table), { message: new RegExp("^Cannot read path ") });
  }
});
