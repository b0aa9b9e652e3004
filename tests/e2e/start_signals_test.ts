/** Signals that come before the gateway runs. */

import assert from "node:assert/strict";
import { emulatorConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type RuntimeName, spawnAdit } from "./program.ts";

/** Bits of SIGHUP, SIGINT and SIGTERM in the set of signals that a process catches. */
const CAUGHT = 0x4003n;

/**
 * Starts the program and resolves when it, and no longer the system, decides about these signals. Deno 2.9.6 catches them a
 * moment before it knows who listens, so the program must have run on for two ticks of its processor time.
 */
async function starting(runtime: RuntimeName, folder: string): Promise<Deno.ChildProcess> {
  await Deno.writeTextFile(`${folder}/adit.yaml`, onFreePorts(emulatorConfig()));
  const child = await spawnAdit(runtime, ["serve", "--config", `${folder}/adit.yaml`], {});
  const proc = (file: string) => Deno.readTextFile(`/proc/${child.pid}/${file}`);
  const catchesSignals = async () => {
    const [, caught = "0"] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await proc("status")) ?? [];
    return (BigInt(`0x${caught}`) & CAUGHT) === CAUGHT;
  };
  const userTicks = async () => Number((await proc("stat")).split(") ")[1]?.split(" ")[11]);
  while (!await catchesSignals());
  const ticks = await userTicks();
  while (await userTicks() < ticks + 2);
  return child;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-start-" });
  await test(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

forEachRuntime(
  "a SIGHUP while the program starts is a reload, not its end",
  (runtime) =>
    inFolder(async (folder) => {
      const child = await starting(runtime, folder);
      child.kill("SIGHUP");
      let log = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        log += text;
        if (log.includes('"configuration reloaded"')) break;
      }
      assert.match(log, /"message":"configuration reloaded","reason":"SIGHUP"/);
      child.kill("SIGTERM");
      await child.stderr.cancel();
      assert.equal((await child.status).code, 0);
    }),
);

forEachRuntime("a SIGINT while the program starts ends it quietly", (runtime) =>
  inFolder(async (folder) => {
    const child = await starting(runtime, folder);
    child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  }));
