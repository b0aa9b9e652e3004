/** The file is rewritten many times, alternately valid and invalid, while requests and streams run continuously. */

import assert from "node:assert/strict";
import { emulatorConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type Program, startProgram } from "./program.ts";
import { answerOf, begin, chat, eventsOf, jsonOf, MODELS, send, statusOf, statusReport } from "./requests.ts";

/** Each takes effect when the file has been still for a while. */
const REWRITES = 24;
const CONNECTIONS = 16;
const STREAMS = 16;

/** Streams that last over several rewrites. */
const SLOW = "amazon.nova-lite-v1:0.fault-slow-tokens:50";

/** A valid configuration that is recognised by its list of models. */
function good(version: number): string {
  return onFreePorts(
    emulatorConfig(
      { slow: SLOW, [`version-${version}`]: "amazon.nova-pro-v1:0" },
      "log: { requests: false }",
    ),
  );
}

/** Invalid configurations, with parts that would be noticed if they were used. */
const BAD: readonly ((version: number) => string)[] = [
  (version) => good(version).replace("version-", "bad-").replace("provider: local,", "provider: nobody,"),
  (version) => good(version).replace("version-", "bad-").replace("models:", "models: ["),
  (version) => good(version).replace("version-", "bad-").replace("sha256:", "md5:"),
  () => "",
];

/** The state of the rewrites; `version` is the last valid one that has been written. */
class Load {
  version = 0;
  requests = 0;
  streams = 0;
  #over = false;
  readonly #running: Promise<unknown>;

  constructor(private readonly program: Program) {
    this.#running = Promise.all([
      ...Array.from({ length: CONNECTIONS }, () => this.#list()),
      ...Array.from({ length: STREAMS }, () => this.#stream()),
    ]);
    // The caller of `end` gets it.
    this.#running.catch(() => this.#over = true);
  }

  /** Waits for everything that runs; rejects with the first failure. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  /** Requests the models over one connection: the version never decreases, and is never newer than the file. */
  async #list(): Promise<void> {
    await using client = await begin(this.program.url, MODELS);
    for (let last = 0; !this.#over;) {
      const answer = await answerOf(client);
      assert.equal(statusOf(answer), 200);
      const names = jsonOf(answer).data.map(({ id }: { id: string }) => id);
      assert.deepEqual(names.slice(0, 3), ["claude", "nova", "slow"]);
      const version = Number(/^version-(\d+)$/.exec(names[3])?.[1]);
      assert.ok(
        last <= version && version <= this.version,
        `${names} after version ${last} of ${this.version}`,
      );
      last = version;
      this.requests++;
      send(client, MODELS);
    }
  }

  async #stream(): Promise<void> {
    while (!this.#over) {
      await using client = await begin(this.program.url, chat({ model: "slow", stream: true }));
      const answer = await answerOf(client);
      assert.equal(statusOf(answer), 200);
      assert.equal(eventsOf(answer).at(-1), "[DONE]");
      this.streams++;
    }
  }
}

forEachRuntime(
  "rewrites under load do not fail a request, and no request is served from an invalid file",
  async (runtime) => {
    await using program = await startProgram(runtime, good(0));
    const load = new Load(program);
    let generation = 1;
    for (let rewrite = 0; rewrite < REWRITES; rewrite++) {
      const from = program.logs.length;
      const isGood = rewrite % 2 === 0;
      if (isGood) load.version++;
      const bad = BAD[(rewrite >> 1) % BAD.length] ?? good;
      const text = isGood ? good(load.version) : bad(load.version);
      // By turns as editors replace files, and as a shell writes into them.
      const path = rewrite % 4 < 2 ? `${program.configPath}.new` : program.configPath;
      await Deno.writeTextFile(path, text);
      if (path !== program.configPath) await Deno.rename(path, program.configPath);
      if (isGood) generation++;
      await program.waitForLog(
        (line) =>
          isGood
            ? line.message === "configuration reloaded" && line["generation"] === generation
            : line.message.startsWith("configuration rejected"),
        from,
      );
    }
    await load.end();
    assert.equal((await statusReport(program)).config.generation, 1 + REWRITES / 2);
    assert.equal(program.stderr, "");
    assert.ok(
      load.requests > REWRITES && load.streams > STREAMS,
      `${load.requests} requests, ${load.streams} streams`,
    );
  },
);
