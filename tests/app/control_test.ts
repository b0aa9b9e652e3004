/** The running gateway keeps its configuration where the thread that checks the next one fails, and merges reloads. */

import { deepEqual, equal } from "node:assert/strict";

import { Control } from "../../lib/app/control.ts";
import { type CheckedConfig, summaryOf } from "../../lib/app/check_messages.ts";
import { digestsOf } from "../../lib/config/changes.ts";
import { toPieces } from "../../lib/base/pieces.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { LogTail } from "../../lib/base/log/log_tail.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { denoRuntime } from "../../lib/runtime/deno.ts";
import type { StartWorker, WorkerOptions } from "../../lib/runtime/workers.ts";
import { emulatorConfig } from "../e2e/configs.ts";
import { onFreePorts } from "../e2e/program.ts";
import { SILENT } from "../fakes/log.ts";

interface RunningControl extends AsyncDisposable {
  readonly control: Control;
  readonly result: CheckedConfig;
}

async function startControl(startWorker: StartWorker): Promise<RunningControl> {
  const folder = await Deno.makeTempDir({ prefix: "adit-control-" });
  const configPath = `${folder}/adit.yaml`;
  const config = onFreePorts(emulatorConfig({}, "timeouts: { drain: 0s }\n")).replace(
    /^admin:.*/m,
    "admin: off",
  );
  await Deno.writeTextFile(configPath, config);
  const loaded = await loadConfig(configPath, { readFile, env: {} });
  if (!loaded.ok) throw new Error("The configuration has problems");
  const control = await Control.start(loaded, {
    configPath,
    version: "1.0.0",
    runtime: { ...denoRuntime, startWorker },
    clock: systemClock,
    logTail: new LogTail(),
    logger: SILENT,
    env: {},
  });
  return {
    control,
    result: await summaryOf(loaded, {
      before: digestsOf({}),
      copies: () => Promise.resolve(new Map()),
    }),
    [Symbol.asyncDispose]: async () => {
      await control.drain();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Counts the checks that a fake thread is asked for. */
class Checks {
  count = 0;
  #began = Promise.withResolvers<void>();

  readonly send = (message: unknown): void => {
    if (message === "next") return;
    this.count++;
    this.#began.resolve();
  };

  /** Resolves when one has been requested since the last call. */
  async next(): Promise<void> {
    await this.#began.promise;
    this.#began = Promise.withResolvers<void>();
  }
}

const end = () => Promise.resolve();

Deno.test("a thread that ends is a failed reload, and the next reload works", async () => {
  let fails = true;
  await using running = await startControl((_name, { onEnd, onMessage }) => ({
    send: () => {
      if (fails) onEnd("out of memory");
      else for (const piece of toPieces(running.result)) onMessage(piece);
    },
    end,
  }));
  deepEqual(await running.control.reload("test"), [
    "the reload failed: the thread that checks the configuration ended: out of memory",
  ]);
  fails = false;
  deepEqual(await running.control.reload("test"), []);
});

Deno.test("a thread that cannot be started is a failed reload", async () => {
  await using running = await startControl(() => {
    throw new Error("too many threads");
  });
  deepEqual(await running.control.reload("test"), ["the reload failed: too many threads"]);
});

Deno.test("reloads that are requested during a check become one more", async () => {
  const checks = new Checks();
  let thread: WorkerOptions | undefined;
  await using running = await startControl((_name, options) => {
    thread = options;
    return { send: checks.send, end };
  });
  const reloads = [running.control.reload("test")];
  await checks.next();
  for (let count = 0; count < 20; count++) reloads.push(running.control.reload("test"));
  const answer = () => toPieces(running.result).forEach((piece) => thread?.onMessage(piece));
  answer();
  deepEqual(await reloads[0], []);
  await checks.next();
  answer();
  deepEqual((await Promise.all(reloads)).flat(), []);
  equal(checks.count, 2);
});
