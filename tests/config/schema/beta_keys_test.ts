/** The file of beta flags: it overrides the built-in table, and is watched. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { builtInBetaTable } from "../../../lib/facts/beta_table.ts";

const CONFIG = `
providers: { local: { type: emulator } }
data: { beta_flags: tables/betas.yaml }
`;

function load(table: string | undefined) {
  const files = new Map([["/etc/adit/adit.yaml", CONFIG], ["/etc/adit/tables/betas.yaml", table]]);
  return loadConfig("/etc/adit/adit.yaml", {
    env: {},
    readFile: (path) => {
      const text = files.get(path);
      if (text !== undefined) return Promise.resolve(encodeUtf8(text));
      return Promise.reject(Object.assign(new Error("missing"), { code: "ENOENT" }));
    },
  });
}

Deno.test("a file of beta flags overrides the built-in table", async () => {
  const loaded = await load("pass: [memory-2025-08-18]\nfields: [{ flags: [new-1], remove: [new] }]");
  ok(loaded.ok);
  const { betaFlags } = loaded.snapshot;
  ok(betaFlags.pass.includes("memory-2025-08-18"));
  ok(betaFlags.pass.includes("context-1m-2025-08-07"));
  equal(betaFlags.drop.includes("memory-2025-08-18"), false);
  equal(betaFlags.fields.length, builtInBetaTable().fields.length + 1);
});

Deno.test("a file of beta flags is watched with the configuration, good, bad or missing", async () => {
  for (const table of ["{}", "pass: 5", "pass: [", undefined]) {
    const loaded = await load(table);
    deepEqual([...loaded.files.keys()], ["/etc/adit/adit.yaml", "/etc/adit/tables/betas.yaml"]);
    equal(loaded.ok, table === "{}");
  }
});
