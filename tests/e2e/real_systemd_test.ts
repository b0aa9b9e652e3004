/** The unit under a real systemd: it starts in its sandbox, reloads and stops, and fails as documented. */

import assert from "node:assert/strict";
import { reportSkipped } from "../skipped.ts";
import { emulatorConfig } from "./configs.ts";
import { type Machine, startMachine, whyNoMachine } from "./fixtures/systemd/machine.ts";

const CONFIG = "/etc/adit/adit.yaml";

async function properties(machine: Machine): Promise<Readonly<Record<string, string>>> {
  const names = "ActiveState,Result,NRestarts,ExecMainStatus,StatusText,MainPID";
  const { stdout } = await machine.run("systemctl", "show", "adit", "-p", names);
  return Object.fromEntries(stdout.trim().split("\n").map((line) => line.split(/=(.*)/s, 2)));
}

async function journal(machine: Machine): Promise<string> {
  await machine.run("journalctl", "--sync");
  // The whole journal: the last lines of a process may arrive too late to be attributed to the unit.
  return (await machine.run("journalctl", "-o", "cat", "--no-pager")).stdout;
}

const start = (machine: Machine) => machine.run("systemctl", "start", "adit");

const reason = await whyNoMachine();
if (reason !== undefined) {
  reportSkipped("the unit under systemd", reason);
} else {
  Deno.test("systemd starts the service in its sandbox, reloads it and stops it", async () => {
    await using machine = await startMachine();
    await machine.write(CONFIG, emulatorConfig());
    await machine.write(
      "/etc/adit/environment",
      "BUN_INSPECT=127.0.0.1:6499\nNODE_TLS_REJECT_UNAUTHORIZED=0\nKEPT=1\n",
    );
    const started = await start(machine);
    assert.equal(started.code, 0, started.stderr + await journal(machine));
    const running = await properties(machine);
    assert.equal(running["ActiveState"], "active");
    assert.equal(running["StatusText"], "serving on http://127.0.0.1:8080, models: 2");
    const health = await machine.run("curl", "-s", "http://127.0.0.1:8080/healthz");
    assert.equal(health.stdout, '{"status":"ok"}');
    const environment = (await machine.run("cat", `/proc/${running["MainPID"]}/environ`)).stdout.split("\0");
    assert.deepEqual(environment.filter((each) => /^(?:BUN_INSPECT|NODE_TLS|KEPT)/.test(each)), ["KEPT=1"]);

    await machine.write(CONFIG, emulatorConfig({ micro: "amazon.nova-micro-v1:0" }));
    const reload = ["curl", "-s", "-X", "POST", "http://127.0.0.1:9090/-/reload"];
    assert.deepEqual(JSON.parse((await machine.run(...reload)).stdout), { status: "reloaded" });
    assert.equal((await machine.run("systemctl", "reload", "adit")).code, 0);
    await machine.write(CONFIG, `${emulatorConfig()}limits: { bodyy: 1MiB }\n`);
    assert.equal((await machine.run("systemctl", "reload", "adit")).code, 1);
    assert.match(await journal(machine), /limits\.bodyy: .*\nThe configuration is rejected/);
    await machine.write(CONFIG, emulatorConfig());
    assert.equal((await machine.run("systemctl", "reload", "adit")).code, 0);
    assert.equal((await machine.run("systemctl", "stop", "adit")).code, 0);
    const stopped = await properties(machine);
    assert.deepEqual([stopped["ActiveState"], stopped["Result"]], ["inactive", "success"]);
    assert.match(await journal(machine), /"message":"stopped"/);
  });

  /** Reasons for which the service does not start, with the lines in the journal and the state in systemd. */
  const FAILURES: Readonly<
    Record<string, readonly [prepare: (machine: Machine) => Promise<void>, shown: RegExp]>
  > = {
    "an invalid configuration": [
      (machine) => machine.write(CONFIG, "models: 3\n"),
      /adit\.yaml:1:9: models: [^]*status=78\/CONFIG/,
    ],
    "a configuration that only root can read": [
      (machine) => machine.write(CONFIG, emulatorConfig(), "600"),
      /cannot read the file: permission denied[^]*status=78\/CONFIG/,
    ],
    "a user that does not exist": [
      async (machine) => {
        await machine.write(CONFIG, emulatorConfig());
        await machine.write(
          "/etc/systemd/system/adit.service.d/user.conf",
          "[Service]\nDynamicUser=no\nUser=nobody-here\nRestart=no\n",
        );
        await machine.run("systemctl", "daemon-reload");
      },
      /Failed to determine user credentials[^]*status=217\/USER/,
    ],
    "a credential that does not exist": [
      async (machine) => {
        await machine.write(CONFIG, emulatorConfig());
        await machine.write(
          "/etc/systemd/system/adit.service.d/credential.conf",
          "[Service]\nLoadCredential=key:/etc/adit/nowhere\nRestart=no\n",
        );
        await machine.run("systemctl", "daemon-reload");
      },
      /Failed to set up credentials[^]*status=243\/CREDENTIALS/,
    ],
  };

  for (const [name, [prepare, shown]] of Object.entries(FAILURES)) {
    Deno.test(`with ${name}, the service fails once, and systemd shows why`, async () => {
      await using machine = await startMachine();
      await prepare(machine);
      assert.notEqual((await start(machine)).code, 0);
      const failed = await properties(machine);
      assert.deepEqual([failed["ActiveState"], failed["NRestarts"]], ["failed", "0"]);
      assert.match(await journal(machine), shown);
    });
  }

  Deno.test("after many starts with an invalid configuration, a valid one starts without reset-failed", async () => {
    await using machine = await startMachine();
    await machine.write(CONFIG, "models: 3\n");
    for (let count = 0; count < 6; count++) assert.notEqual((await start(machine)).code, 0);
    await machine.write(CONFIG, emulatorConfig());
    assert.equal((await start(machine)).code, 0, await journal(machine));
  });
}
