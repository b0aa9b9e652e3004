/** The reader of the log stalls or leaves: requests are still answered, and the program still ends at a signal. */

import assert from "node:assert/strict";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, ownOutput, spawnAdit } from "./program.ts";

/** So many requests, with a log line each, that their lines exceed the buffer of a pipe. */
const REQUESTS = 600;

interface LogReading {
  /** The reader's action once it knows the address. */
  readonly then: (reader: ReadableStreamDefaultReader<Uint8Array>) => Promise<void>;
}

async function codeAfterRequests(runtime: "bun" | "deno", { then }: LogReading): Promise<number> {
  const configPath = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(configPath, onFreePorts(endpointConfig("http://127.0.0.1:9")));
  const child = await spawnAdit(runtime, ["serve", "--config", configPath], {});
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  try {
    const url = await publicUrl(reader);
    await then(reader);
    for (let request = 0; request < REQUESTS; request++) {
      const answer = await fetch(`${url}/v1/models/${"x".repeat(200)}`);
      await answer.body?.cancel();
      assert.equal(answer.status, 401);
    }
    child.kill("SIGTERM");
    const { code } = await child.status;
    return code;
  } finally {
    await reader.cancel();
    await kill(child);
    assert.equal(ownOutput(await stderr), "");
    await Deno.remove(configPath);
  }
}

/** Reads the log up to the line with the program's address. */
async function publicUrl(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  for (let log = "";;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The program ended before it listened: ${log}`);
    log += decoder.decode(value, { stream: true });
    const [, url] = /"address":"([^"]+)","listener":"public"}\n/.exec(log) ?? [];
    if (url !== undefined) return url;
  }
}

async function kill(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself, as it should.
  }
  await child.status;
}

forEachRuntime("a log that is no longer read delays neither requests nor the end", async (runtime) => {
  assert.equal(await codeAfterRequests(runtime, { then: () => Promise.resolve() }), 0);
});

forEachRuntime("a log whose reader has gone delays neither requests nor the end", async (runtime) => {
  assert.equal(await codeAfterRequests(runtime, { then: (reader) => reader.cancel() }), 0);
});
