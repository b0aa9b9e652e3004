/** The built-in table of beta flags, and problems of other tables. */

import assert from "node:assert/strict";
import { betaTable } from "../../lib/config/schema/beta_keys.ts";
import { builtInBetaTable, compileBetaTable, KEEP } from "../../lib/facts/beta_table.ts";

Deno.test("the built-in table names no flag twice and renames to and adds flags that pass", () => {
  const { pass, drop, rename, fields, replace } = builtInBetaTable();
  const names = [...pass, ...drop, ...rename.keys()];
  assert.equal(new Set(names).size, names.length);
  for (const name of rename.values()) assert.ok(pass.includes(name), name);
  const added = [...fields.map(({ alone }) => alone), ...replace.map(({ flag }) => flag)];
  for (const name of added) assert.ok(name === undefined || name === KEEP || pass.includes(name), name);
});

const TABLE = { unknown: "drop", pass: [], drop: [], rename: {}, fields: [], replace: [], tools: [] };

Deno.test("a table of the wrong shape is refused", () => {
  const faults = [
    { ...TABLE, unknown: "maybe" },
    { ...TABLE, dropped: [] },
    { ...TABLE, pass: ["*-in-front"] },
    { ...TABLE, fields: [{ flags: ["a"], removes: [] }] },
  ];
  for (const fault of faults) assert.equal(betaTable.safeParse(fault).success, false);
});

const WRITTEN = { pass: [], drop: [], rename: {}, fields: [], replace: [], tools: [] };

Deno.test("an invalid path is reported", () => {
  for (const path of ["a[b", "a..b", "", "a[b*]c", "[]"]) {
    const table = { ...WRITTEN, fields: [{ flags: ["a"], remove: [path] }] };
    assert.throws(() => compileBetaTable(table), { message: new RegExp("^Cannot read path ") });
  }
});

Deno.test("a table's entry for a flag overrides the table below", () => {
  const below = compileBetaTable({
    unknown: "drop",
    pass: ["a-1", "b-1", "b-2"],
    drop: ["c-1", "d-1"],
    rename: { "e-1": "a-1", "f-1": "a-1" },
    fields: [{ flags: ["c-*"], remove: ["c"] }],
    replace: [{ field: "r", flag: "a-1" }],
    tools: ["bash_*"],
  });
  const over = {
    ...WRITTEN,
    pass: ["c-1"],
    drop: ["b-*", "e-1"],
    rename: { "d-1": "a-1" },
    tools: ["web_*"],
  };
  const { fields, replace, rename, tools, ...flags } = compileBetaTable(over, below);
  assert.deepEqual(flags, { unknown: "drop", pass: ["a-1", "c-1"], drop: ["b-*", "e-1"] });
  assert.deepEqual([...rename], [["f-1", "a-1"], ["d-1", "a-1"]]);
  assert.deepEqual([fields, replace], [below.fields, below.replace]);
  assert.deepEqual(tools, ["bash_*", "web_*"]);
});

Deno.test("an empty table changes nothing; a table with unknown changes how unknown flags are treated", () => {
  const below = builtInBetaTable();
  assert.deepEqual(compileBetaTable(WRITTEN, below), below);
  assert.equal(compileBetaTable({ ...WRITTEN, unknown: "pass" }, below).unknown, "pass");
});
