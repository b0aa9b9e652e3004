/** Threads of the program: what they are sent, what they answer, and how they end. */

import assert from "node:assert/strict";
import type { CheckedConfig, CheckerData, CheckMessage } from "../../lib/app/check_messages.ts";
import { type Piece, PieceReader } from "../../lib/base/pieces.ts";
import { digestsOf } from "../../lib/config/changes.ts";
import { openSnapshot } from "../../lib/snapshot/packed_callers.ts";
import { sealingKey } from "../../lib/base/seal.ts";
import type { Runtime } from "../../lib/runtime/runtime.ts";
import type { RunningWorker } from "../../lib/runtime/workers.ts";
import { repositoryPath } from "../repository.ts";
import type { Case } from "./case.ts";

const DATA: CheckerData = {
  configPath: repositoryPath("config/adit.yaml"),
  env: {},
  sealingKey: sealingKey(),
};

interface Thread {
  readonly worker: RunningWorker;
  readonly ended: Promise<string>;
  /** The next result. */
  readonly check: () => Promise<CheckedConfig>;
}

function startChecks(runtime: Runtime, data: unknown = DATA): Thread {
  const ended = Promise.withResolvers<string>();
  let result = Promise.withResolvers<CheckedConfig>();
  let reader = new PieceReader();
  const send = (message: CheckMessage) => worker.send(message);
  const worker = runtime.startWorker("configuration", {
    data,
    onMessage: (message) => {
      reader.add(message as Piece);
      if (reader.value === undefined) send("next");
      else result.resolve(reader.value as CheckedConfig);
    },
    onEnd: ended.resolve,
  });
  return {
    worker,
    ended: ended.promise,
    check: () => {
      result = Promise.withResolvers<CheckedConfig>();
      reader = new PieceReader();
      send({ check: digestsOf({}) });
      return result.promise;
    },
  };
}

export const workerCases: readonly Case[] = [
  {
    name: "a thread checks a configuration again and again",
    run: async (runtime) => {
      const { worker, check } = startChecks(runtime);
      for (let round = 0; round < 3; round++) {
        const checked = await check();
        assert.ok(checked.ok);
        assert.equal(openSnapshot(checked.snapshot).callers.get("demo")?.name, "demo");
      }
      await worker.end();
    },
  },
  {
    name: "a thread that throws says why it ended",
    run: async (runtime) => {
      const { ended } = startChecks(runtime, { ...DATA, sealingKey: new Uint8Array(3) });
      assert.match(await ended, /Cannot use sealing key/);
    },
  },
  {
    name: "a thread that fails while it checks says why it ended",
    run: async (runtime) => {
      const { check, ended } = startChecks(runtime, { ...DATA, configPath: 7 });
      void check();
      assert.match(await ended, /path/);
    },
  },
  {
    name: "a thread that is ended says nothing more, even in the middle of a check",
    run: async (runtime) => {
      const { worker, check, ended } = startChecks(runtime);
      void check();
      await worker.end();
      const said = await Promise.race([ended, Promise.resolve("nothing")]);
      assert.equal(said, "nothing");
    },
  },
];
