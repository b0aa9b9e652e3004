/** Data files are reloaded while the program runs, like the configuration that names them. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, replaceFile, startProgram } from "./program.ts";

forEachRuntime(
  "a changed table of models applies to the next request, and an invalid one changes nothing",
  async (runtime) => {
    const folder = await Deno.makeTempDir({ prefix: "adit-data-" });
    const table = join(folder, "models.yaml");
    await Deno.writeTextFile(table, "[]\n");
    try {
      await using program = await startProgram(runtime, emulatorConfig({}, `data: { models: ${table} }\n`));
      const ignored = async () => {
        const response = await fetch(`${program.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
          body: JSON.stringify({
            model: "nova",
            messages: [{ role: "user", content: "Hi" }],
            reasoning_effort: "low",
          }),
        });
        await response.body?.cancel();
        assert.equal(response.status, 200);
        return response.headers.get("x-adit-ignored");
      };
      assert.equal(await ignored(), "reasoning_effort");

      await replaceFile(table, '- { match: "amazon.*", reasoning_effort: { low: {} } }\n');
      await program.waitForLog(({ message }) => message === "configuration reloaded");
      assert.equal(await ignored(), null);

      await replaceFile(table, '- { match: "amazon.*", reasoning: {} }\n');
      const refused = await program.waitForLog(({ message }) => message.startsWith("configuration rejected"));
      const shown = join(dirname(table), "models.yaml");
      assert.match(JSON.stringify(refused), new RegExp(`${RegExp.escape(shown)}:1:24: .*unknown key`));
      assert.equal(await ignored(), null);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
