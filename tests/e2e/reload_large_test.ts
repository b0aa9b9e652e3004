/**
 * A large configuration is reloaded while streams run: it is checked in a thread, and no request waits for the check.
 */

import assert from "node:assert/strict";
import { emulatorConfig, keyHash } from "./configs.ts";
import { forEachRuntime, onFreePorts, type Program, replaceFile, startProgram } from "./program.ts";
import { answerOf, begin, chat, eventsOf, statusReport } from "./requests.ts";

const CALLERS = 6_000;
const SLOW = "amazon.nova-lite-v1:0.fault-slow-tokens:20";

/** Requests that must be answered while the file is checked; the main thread could answer a handful in between. */
const MIN_ANSWERS = 25;

function largeConfig(models: Readonly<Record<string, string>> = {}): string {
  const callers = Array.from(
    { length: CALLERS },
    (_, index) => `  caller-${index}: { key: "${keyHash(`key-${index}`)}", models: [claude, "nov*"] }\n`,
  );
  return onFreePorts(emulatorConfig({ slow: SLOW, ...models })) + callers.join("");
}

/** Counts the answers of the public listener, one after the other, until the promise settles. */
async function answersDuring(program: Program, task: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = () => isOver = true;
  void task.then(over, over);
  let answers = 0;
  for (; !isOver; answers++) await (await fetch(`${program.url}/healthz`)).body?.cancel();
  return answers;
}

forEachRuntime("requests and streams continue while a large configuration is checked", async (runtime) => {
  await using program = await startProgram(runtime, largeConfig());
  await using client = await begin(program.url, chat({ model: "slow", stream: true }));
  const from = program.logs.length;
  await replaceFile(program.configPath, largeConfig({ another: "amazon.nova-pro-v1:0" }));
  const reload = fetch(`${program.adminUrl}/-/reload`, { method: "POST" });
  const answers = await answersDuring(program, reload);
  assert.equal((await reload).status, 200);
  await (await reload).body?.cancel();
  assert.ok(answers >= MIN_ANSWERS, `${answers} answers while the configuration was checked`);
  assert.equal(eventsOf(await answerOf(client)).at(-1), "[DONE]");
  const { config } = await statusReport(program);
  assert.deepEqual(config.models, ["claude", "nova", "slow", "another"]);
  assert.equal(config.callers.length, CALLERS + 1);
  assert.ok(program.logs.slice(from).every(({ level }) => level === "info"));
  assert.equal((await program.stop()).code, 0);
});

forEachRuntime(
  "a large configuration that becomes invalid is rejected while streams run",
  async (runtime) => {
    await using program = await startProgram(runtime, largeConfig());
    await using client = await begin(program.url, chat({ model: "slow", stream: true }));
    const last = `caller-${CALLERS - 1}`;
    const valid = largeConfig({ another: "amazon.nova-pro-v1:0" });
    const reload = () => fetch(`${program.adminUrl}/-/reload`, { method: "POST" });
    await Deno.writeTextFile(program.configPath, valid.replace(new RegExp(`(${last}: .*)sha256:`), "$1md5:"));
    const rejected = reload();
    const answers = await answersDuring(program, rejected);
    assert.ok(answers >= MIN_ANSWERS, `${answers} answers while the configuration was checked`);
    const { problems } = await (await rejected).json();
    assert.equal(problems.length, 1);
    assert.match(problems[0], new RegExp(`: callers\\.${last}\\.key: `));
    assert.equal(eventsOf(await answerOf(client)).at(-1), "[DONE]");
    const { config } = await statusReport(program);
    assert.deepEqual(config.models, ["claude", "nova", "slow"]);
    await Deno.writeTextFile(program.configPath, valid);
    const accepted = await reload();
    assert.equal(accepted.status, 200, await accepted.text());
    assert.ok((await statusReport(program)).config.models.includes("another"));
  },
);

forEachRuntime("the program shuts down cleanly while it checks a configuration", async (runtime) => {
  await using program = await startProgram(runtime, largeConfig());
  const reload = fetch(`${program.adminUrl}/-/reload`, { method: "POST" }).then(
    (response) => response.text(),
    () => "",
  );
  await (await fetch(`${program.url}/healthz`)).body?.cancel();
  const { code } = await program.stop();
  await reload;
  assert.equal(code, 0);
  assert.equal(program.stderr, "");
});
