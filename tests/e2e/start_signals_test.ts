/** Signals that come before the gateway runs. */

import assert from "node:assert/strict";
import { builtAdit, repositoryPath } from "../repository.ts";
import { emulatorConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type RuntimeName, spawnAdit } from "./program.ts";

/** Bits of SIGHUP and SIGINT in the set of signals that a process catches. */
const CAUGHT = 0b11n;

/** Deno 2.9.6 catches these signals before it knows who listens, so nothing outside shows when the program decides. */
const ON_BUN = { except: ["deno"] } as const;

/** Starts the program and resolves when it has installed its own handlers of SIGHUP and SIGINT. */
async function starting(runtime: RuntimeName, folder: string): Promise<Deno.ChildProcess> {
  await Deno.writeTextFile(`${folder}/adit.yaml`, onFreePorts(emulatorConfig()));
  const child = await spawnAdit(runtime, ["serve", "--config", `${folder}/adit.yaml`], {});
  const catchesSignals = async () => {
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
    const [, caught = "0"] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? [];
    return (BigInt(`0x${caught}`) & CAUGHT) === CAUGHT;
  };
  while (!await catchesSignals());
  return child;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-start-" });
  await test(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

forEachRuntime(
  "a SIGHUP during the start reloads the configuration and does not end the program",
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
  ON_BUN,
);

forEachRuntime("a SIGINT while the program starts ends it quietly", (runtime) =>
  inFolder(async (folder) => {
    const child = await starting(runtime, folder);
    child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  }), ON_BUN);

Deno.test('Ctrl-C in a terminal with the task of "make run" ends it quietly', () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/adit.yaml`, onFreePorts(emulatorConfig()));
    const { tasks } = JSON.parse(await Deno.readTextFile(repositoryPath("deno.json")));
    const command = String(tasks.run.command).replace("dist/adit", await builtAdit())
      .replace("config/adit.yaml", `${folder}/adit.yaml`);
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ tasks: { run: command } }));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "run"],
      cwd: folder,
      stdout: "piped",
      stderr: "piped",
      // In its own process group, because a terminal sends the signal to the whole group.
      detached: true,
    }).spawn();
    const written = new Response(child.stderr).text();
    let log = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const listened = log.includes('"listener":"admin"');
      log += text;
      if (!listened && log.includes('"listener":"admin"')) Deno.kill(-child.pid, "SIGINT");
    }
    assert.equal((await child.status).code, 0);
    assert.equal(await written, "");
    assert.deepEqual(log.trimEnd().split("\n").filter((line) => !line.startsWith('{"time":')), []);
  }));
