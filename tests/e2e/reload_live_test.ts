/** The configuration changes while requests run: each keeps its configuration and its listener. */

import assert from "node:assert/strict";
import { converseAnswer, converseFrames } from "../fakes/frames.ts";
import { connectRaw } from "../fakes/raw_client.ts";
import {
  after,
  type Answer,
  type FakeUpstream,
  jsonAnswer,
  startFakeUpstream,
  streamAnswer,
} from "../fakes/upstream.ts";
import { freePort } from "../repository.ts";
import { emulatorConfig, endpointConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type Program, replaceFile, startProgram } from "./program.ts";
import {
  answerOf,
  ask,
  askNew,
  begin,
  CHAT,
  CHAT_STREAM,
  CONVERSE,
  eventsOf,
  MODELS,
  refused,
  statusOf,
  statusReport,
} from "./requests.ts";

const FRAMES = converseFrames("Hello", " there");

/** A stream that pauses, then a whole response that is withheld, until the returned function is called. */
function holdAnswers(upstream: FakeUpstream): () => void {
  const release = Promise.withResolvers<void>();
  const finish: Answer = async (exchange) => {
    for (const frame of FRAMES.slice(2)) await exchange.chunk(frame);
    await exchange.end();
  };
  const hold = (answer: Answer) => after(release.promise, answer);
  upstream.script(
    streamAnswer(FRAMES.slice(0, 2), { then: hold(finish) }),
    hold(jsonAnswer(200, converseAnswer("Hello"))),
  );
  return release.resolve;
}

/** Writes the configuration and resolves when it has been loaded. */
async function configure(program: Program, config: string): Promise<void> {
  const from = program.logs.length;
  await replaceFile(program.configPath, onFreePorts(config));
  await program.waitForLog(({ message }) => message === "configuration reloaded", from);
}

forEachRuntime(
  "a stream whose model, provider and caller are removed continues unchanged",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    const release = holdAnswers(upstream);
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    await using chat = await begin(program.url, CHAT_STREAM);
    assert.ok(await chat.seen("Hello"));
    await using waiting = await begin(program.url, CONVERSE);
    await upstream.requestAt(1);

    const others = emulatorConfig().replaceAll(/claude|demo/g, "other").replace(
      /sha256:\w{8}/,
      "sha256:00000000",
    );
    await configure(program, others);
    assert.equal(statusOf(await ask(program.url, CHAT)), 401);
    release();
    assert.equal(eventsOf(await answerOf(chat)).at(-1), "[DONE]");
    assert.equal(statusOf(await answerOf(waiting)), 200);
    assert.deepEqual((await statusReport(program)).config.models, ["other", "nova"]);
  },
);

forEachRuntime(
  "a changed listen address serves new requests, and those at the old one finish",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    const release = holdAnswers(upstream);
    const config = endpointConfig(upstream.url);
    const next = freePort();
    await using program = await startProgram(runtime, config);
    await using chat = await begin(program.url, CHAT_STREAM);
    assert.ok(await chat.seen("Hello"));
    await using waiting = await begin(program.url, CHAT);
    await upstream.requestAt(1);

    await configure(program, `listen: 127.0.0.1:${next}\n${config}`);
    const moved = `http://127.0.0.1:${next}`;
    assert.equal(statusOf(await ask(moved, MODELS)), 200);
    assert.deepEqual((await statusReport(program)).listeners.public, [moved]);
    await refused(program.url);
    release();
    assert.equal(eventsOf(await answerOf(chat)).at(-1), "[DONE]");
    assert.equal(statusOf(await answerOf(waiting)), 200);
  },
);

forEachRuntime("addresses are added and removed without affecting the others", async (runtime) => {
  const config = emulatorConfig();
  const [stays, goes] = [freePort(), freePort()];
  const listen = (...ports: number[]) =>
    `listen: [${ports.map((port) => `"127.0.0.1:${port}"`).join(", ")}]\n${config}`;
  await using program = await startProgram(runtime, listen(stays, goes));
  await using kept = await connectRaw(`http://127.0.0.1:${stays}`);
  await configure(program, listen(stays));
  await refused(`http://127.0.0.1:${goes}`);
  await configure(program, `listen: "0.0.0.0:${stays}"\n${config}`);
  assert.deepEqual((await statusReport(program)).listeners.public, [`http://0.0.0.0:${stays}`]);
  assert.equal(statusOf(await askNew(`http://127.0.0.1:${stays}`, MODELS)), 200);
  await kept.close();
});

forEachRuntime("an address that cannot be opened changes nothing", async (runtime) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await using program = await startProgram(runtime, emulatorConfig());
  const config = emulatorConfig({ another: "amazon.nova-pro-v1:0" });
  await replaceFile(program.configPath, onFreePorts(`listen: 127.0.0.1:${port}\n${config}`));
  const line = await program.waitForLog(({ message }) => message.startsWith("configuration rejected"));
  assert.deepEqual(line["problems"], [`Cannot listen on "127.0.0.1:${port}": the address is already in use`]);
  const { config: report, listeners } = await statusReport(program);
  assert.deepEqual([report.generation, report.models, listeners.public], [1, ["claude", "nova"], [
    program.url,
  ]]);
});

forEachRuntime("the admin listener moves, is removed and is added again", async (runtime) => {
  const config = emulatorConfig();
  const next = freePort();
  await using program = await startProgram(runtime, config);
  await configure(program, `admin: 127.0.0.1:${next}\n${config}`);
  const moved = { ...program, adminUrl: `http://127.0.0.1:${next}` };
  assert.equal((await statusReport(moved)).config.generation, 2);
  await refused(program.adminUrl);
  await configure(program, `admin: off\n${config}`);
  await refused(moved.adminUrl);
  assert.equal(statusOf(await ask(program.url, MODELS)), 200);
  await configure(program, `admin: 127.0.0.1:${next}\n${config}`);
  assert.equal((await statusReport(moved)).config.generation, 4);
});
