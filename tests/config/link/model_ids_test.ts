/** Warnings about model ids: every id that the built-in tables know is accepted as it is. */

import { deepEqual } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { MODELS } from "../../../lib/emulator/model/catalog.ts";
import prices from "../../../lib/facts/prices.json" with { type: "json" };

Deno.test("no id in the built-in tables is reported as unknown", async () => {
  const ids = new Set([
    ...MODELS.map(({ id }) => id),
    ...prices.rows.flatMap(({ match }) => match).filter((id) => !id.includes("*") && id.includes(".")),
  ]);
  const entries = [...ids].map((id, index) => `  m${index}: { provider: a, id: "${id}" }`);
  const text = `providers: { a: { type: bedrock, region: us-east-1 } }\nmodels:\n${entries.join("\n")}\n`;
  const loaded = await loadConfig("/adit.yaml", {
    env: {},
    readFile: () => Promise.resolve(encodeUtf8(text)),
  });
  deepEqual(loaded.ok ? [] : loaded.problems, []);
  deepEqual(loaded.warnings.map(({ message }) => message).filter((text) => /unknown model/.test(text)), []);
});
