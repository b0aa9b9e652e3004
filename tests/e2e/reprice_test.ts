/** `adit usage reprice` of the real program, while a gateway writes the same ledger. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { awayFromMidnight } from "../fakes/midnight.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, replaceFile, runProgram, startProgram } from "./program.ts";

const PERMISSIONS = { denoPermissions: ["--allow-write"] };

async function chat(program: Program, model = "nova"): Promise<void> {
  const response = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
  });
  await response.text();
  assert.equal(response.status, 200);
}

const row = (input: string) =>
  `- { match: "amazon.nova-lite*", usd_per_million: { input: "${input}", output: "${input}" } }\n`;

forEachRuntime("reprice takes the new prices while the gateway runs and writes", async (runtime) => {
  await awayFromMidnight();
  const folder = await Deno.makeTempDir({ prefix: "adit-reprice-" });
  try {
    const prices = join(folder, "prices.yaml");
    await Deno.writeTextFile(prices, row("1"));
    const config = emulatorConfig({}, `state: { path: ${folder}/state }\nprices: { file: ${prices} }\n`);
    await using program = await startProgram(runtime, config, PERMISSIONS);
    const usage = async (query = "") =>
      (await (await fetch(`${program.adminUrl}/admin/v1/usage${query}`)).json()).total;
    const reprice = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await runProgram(
        runtime,
        ["usage", "reprice", "--format", "json", "--config", program.configPath, ...args],
        PERMISSIONS,
      );
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    await Promise.all([..."nnnc"].map((each) => chat(program, each === "n" ? "nova" : "claude")));
    const before = await usage();
    assert.equal(before.requests, 4);

    const same = await reprice();
    assert.equal(same.requests, 4);
    assert.deepEqual(same.total, {
      changed_requests: 0,
      cost_usd_before: before.cost_usd,
      cost_usd_after: before.cost_usd,
    });

    await replaceFile(prices, row("2"));
    await program.waitForLog(({ message }) => message === "configuration reloaded");
    const dry = await reprice("--dry-run");
    assert.equal(dry.total.changed_requests, 3);
    assert.deepEqual(await usage(), before);

    let isDone = false;
    let sent = 4;
    const load = async () => {
      do {
        await chat(program);
        sent++;
      } while (!isDone);
    };
    const loads = [load(), load()];
    const first = await reprice();
    isDone = true;
    await Promise.all(loads);
    assert.deepEqual(first.rows.map((each: { readonly model: string }) => each.model), ["nova"]);
    assert.equal(first.total.changed_requests, 3);
    assert.equal(Number(first.rows[0].cost_usd_after), 2 * Number(first.rows[0].cost_usd_before));

    const after = await usage();
    assert.equal(after.requests, sent);
    const second = await reprice();
    assert.equal(second.requests, sent);
    assert.deepEqual(second.total, {
      changed_requests: 0,
      cost_usd_before: after.cost_usd,
      cost_usd_after: after.cost_usd,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
