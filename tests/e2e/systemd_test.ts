import assert from "node:assert/strict";
import { listenForNotifications, type Notification } from "../fakes/notify_socket.ts";
import { freePort } from "../repository.ts";
import { emulatorConfig } from "./configs.ts";
import {
  forEachRuntime,
  onFreePorts,
  type ProgramOptions,
  replaceFile,
  runProgram,
  startProgram,
} from "./program.ts";

/** The variables that systemd sets, and Deno's permission for the C library. */
function underSystemd(socket: string, env: Readonly<Record<string, string>> = {}): ProgramOptions {
  return { env: { NOTIFY_SOCKET: socket, ...env }, denoPermissions: ["--allow-ffi"] };
}

/** Microseconds since the machine started, without the time it slept: CLOCK_MONOTONIC. */
function uptimeUs(): number {
  return Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]) * 1e6;
}

/** The file says hundredths of a second. */
const PRECISION_US = 20_000;

for (const kind of ["path", "abstract"] as const) {
  forEachRuntime(
    `systemd hears of start, good reload, refused reload and stop, in order, by a socket's ${kind} name`,
    async (runtime) => {
      await using systemd = await listenForNotifications(kind);
      const address = `127.0.0.1:${freePort()}`;
      const starting = startProgram(
        runtime,
        `listen: ${address}\n${emulatorConfig()}`,
        underSystemd(systemd.name),
      );

      assert.deepEqual(await systemd.next({ READY: /^1$/ }), {
        READY: "1",
        STATUS: `serving on http://${address}, models: 2`,
      });
      // The service is used the moment it says that it is ready.
      const health = await fetch(`http://${address}/healthz`);
      await health.body?.cancel();
      assert.equal(health.status, 200);
      await using program = await starting;

      const before = uptimeUs();
      const three = emulatorConfig({ micro: "amazon.nova-micro-v1:0" });
      await replaceFile(program.configPath, onFreePorts(`listen: ${address}\n${three}`));
      const reloading = await systemd.next({ RELOADING: /^1$/, MONOTONIC_USEC: /^\d+$/ });
      const reloadedAt = Number(reloading["MONOTONIC_USEC"]);
      assert.ok(before - PRECISION_US <= reloadedAt && reloadedAt <= uptimeUs() + PRECISION_US);
      await systemd.next({ READY: /^1$/, STATUS: new RegExp(`^serving on http://${address}, models: 3$`) });

      await replaceFile(program.configPath, onFreePorts(`listen: ${address}\nmodels: 3\n`));
      await systemd.next({
        READY: /^1$/,
        STATUS:
          /^serving on \S+, models: 3, with the previous configuration; problems in the new one: \d+, first: \S+adit\.yaml:\d+/,
      });

      assert.equal((await program.stop()).code, 0);
      // The default drain time of 30 s, and what comes after it.
      await systemd.next({ STOPPING: /^1$/, EXTEND_TIMEOUT_USEC: /^36000000$/ });
      const states = systemd.received.map((message) => Object.keys(message)[0]);
      assert.match(states.join(" "), /^READY(?: RELOADING READY){2,} STOPPING$/);
      assert.deepEqual(program.logs.filter(({ message }) => message === "cannot notify systemd"), []);
    },
  );
}

forEachRuntime("the event loop pings systemd's watchdog as long as it runs", async (runtime) => {
  await using systemd = await listenForNotifications("path");
  const options = underSystemd(systemd.name, { WATCHDOG_USEC: "100000" });
  await using program = await startProgram(runtime, emulatorConfig(), options);
  await systemd.next({ READY: /^1$/ });
  const pings: Notification[] = [];
  for (let count = 0; count < 3; count++) pings.push(await systemd.next({ WATCHDOG: /^1$/ }));
  assert.deepEqual(pings, [{ WATCHDOG: "1" }, { WATCHDOG: "1" }, { WATCHDOG: "1" }]);
  await program.stop();
});

forEachRuntime("a configuration that cannot be run is never reported as ready", async (runtime) => {
  await using systemd = await listenForNotifications("path");
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/adit.yaml`, "models: 3\n");
  const args = ["serve", "--config", `${folder}/adit.yaml`];
  const { code } = await runProgram(runtime, args, underSystemd(systemd.name));
  await Deno.remove(folder, { recursive: true });
  assert.equal(code, 78);
  assert.deepEqual(systemd.received, []);
});

forEachRuntime(
  "a systemd that does not listen causes one warning, and the gateway serves",
  async (runtime) => {
    const options = underSystemd("/nowhere/notify", { WATCHDOG_USEC: "2000" });
    await using program = await startProgram(runtime, emulatorConfig(), options);
    const warning = await program.waitForLog(({ message }) => message === "cannot notify systemd");
    assert.equal(
      warning["error"],
      'Cannot send to the socket "/nowhere/notify": nobody is listening, or the socket is full',
    );
    for (let count = 0; count < 10; count++) {
      const health = await fetch(`${program.url}/healthz`);
      await health.body?.cancel();
      assert.equal(health.status, 200);
    }
    await program.stop();
    assert.equal(program.logs.filter(({ message }) => message === "cannot notify systemd").length, 1);
  },
);

Deno.test("deno: without its permission, the warning names it", async () => {
  await using systemd = await listenForNotifications("path");
  await using program = await startProgram("deno", emulatorConfig(), {
    env: { NOTIFY_SOCKET: systemd.name },
  });
  const warning = await program.waitForLog(({ message }) => message === "cannot notify systemd");
  assert.match(String(warning["error"]), /^Cannot open the C library: .*--allow-ffi/);
});
