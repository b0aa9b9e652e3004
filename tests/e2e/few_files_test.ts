/** A program that may open few files, and clients that open as many connections as they can. */

import assert from "node:assert/strict";
import { after, jsonAnswer, startFakeUpstream } from "../fakes/upstream.ts";
import { connectRaw, type RawClient } from "../fakes/raw_client.ts";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";
import { admin, answerOf, ask, begin, CHAT, statusOf } from "./requests.ts";

const FILES = 1024;

const HELLO = jsonAnswer(200, {
  output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
}, { connection: "close", "x-amzn-requestid": "00000000-0000-4000-8000-000000000000" });

/** Connects until the program refuses, or logs that it does. */
async function crowd(program: Program): Promise<readonly RawClient[]> {
  const clients: RawClient[] = [];
  let isRefusing = false;
  void program.waitForLog(({ message }) => message.startsWith("refusing new connections"))
    .then(() => isRefusing = true);
  while (!isRefusing && clients.length < 2 * FILES) {
    const client = await connectRaw(program.url).catch(() => undefined);
    if (client === undefined) break;
    clients.push(client);
    // No faster than the program looks.
    if (clients.length % 2 === 0) await admin(program, "GET /healthz");
  }
  return clients;
}

for (const [what, head] of [["say nothing", ""], ["send half a head", "POST /v1/chat"]] as const) {
  forEachRuntime(
    `clients that ${what} leave descriptors for the admin listener and for Bedrock`,
    async (runtime) => {
      await using upstream = await startFakeUpstream();
      const release = Promise.withResolvers<void>();
      upstream.script(after(release.promise, HELLO));
      upstream.always(HELLO);
      const config = endpointConfig(upstream.url, "rate_limits: { one: { concurrent: 1, wait: 1m } }\n");
      await using program = await startProgram(runtime, config, { files: FILES });
      await using first = await begin(program.url, CHAT);
      await upstream.requestAt(0);
      // It waits for its turn, and its connection to Bedrock is still to be made.
      await using second = await begin(program.url, CHAT);
      for (let i = 0; i < 10; i++) await ask(program.url, { line: "GET /healthz" });
      const clients = await crowd(program);
      if (head !== "") { for (const client of clients) client.send(head); }
      const refusal = await program.waitForLog(({ message }) =>
        message.startsWith("refusing new connections")
      );
      assert.equal(refusal.level, "warn");
      assert.equal(refusal["limit"], FILES);
      assert.equal((await admin(program, "GET /healthz")).status, 200);
      assert.equal((await admin(program, "GET /-/status")).status, 200);
      release.resolve();
      assert.equal(statusOf(await answerOf(first)), 200);
      assert.equal(statusOf(await answerOf(second)), 200);
      assert.equal(upstream.connections, 2);
      await Promise.all(clients.map((client) => client.close()));
      await program.waitForLog(({ message }) => message === "accepting connections again");
      assert.equal(statusOf(await ask(program.url, CHAT)), 200);
      assert.equal((await program.stop()).code, 0);
    },
  );
}

forEachRuntime(
  "a reload while connections are refused keeps the addresses, which open again later",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    upstream.always(HELLO);
    await using program = await startProgram(runtime, endpointConfig(upstream.url), { files: FILES });
    const clients = await crowd(program);
    await program.waitForLog(({ message }) => message.startsWith("refusing new connections"));
    assert.equal((await admin(program, "POST /-/reload")).status, 200);
    await Promise.all(clients.map((client) => client.close()));
    await program.waitForLog(({ message }) => message === "accepting connections again");
    assert.equal(statusOf(await ask(program.url, CHAT)), 200);
    assert.equal((await program.stop()).code, 0);
  },
);
