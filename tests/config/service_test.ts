/** The systemd unit: systemd's own checks, and the needs of the example configuration. */

import assert from "node:assert/strict";
import { WEAKENING } from "../../lib/runtime/weakening.ts";
import { readRepositoryFile } from "../meta/sources.ts";
import { reportSkipped } from "../skipped.ts";

const unit = readRepositoryFile("config/adit.service");

/** systemd rates anything below 5 as "OK"; below 2, the program keeps only the permissions that it uses. */
const MAX_EXPOSURE = 2.0;

/** The unit followed by a drop-in from the documentation, in the order in which systemd reads them. */
function withDropIn(page: string): string {
  const [, dropIn] = /^```ini\n\[Service\]\n([^`]+)```$/m.exec(readRepositoryFile(page)) ?? [];
  assert.ok(dropIn !== undefined, `${page} has no drop-in`);
  return unit.replace("[Install]", `${dropIn}\n[Install]`);
}

const variants: Readonly<Record<string, string>> = {
  "as it is": unit,
  "with its credentials": unit.replace(/^#(?=LoadCredential=)/gm, ""),
  "with the drop-in of docs/operations.md": withDropIn("docs/operations.md"),
  "with the drop-in of docs/admin-api.md": withDropIn("docs/admin-api.md"),
};

/** Runs systemd-analyze on the unit, with an existing program instead of Adit. */
async function analyze(text: string, args: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "adit-unit-" });
  const path = `${folder}/adit.service`;
  await Deno.writeTextFile(path, text.replaceAll("/usr/local/bin/adit", Deno.execPath()));
  try {
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args: [...args, path] })
      .output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, output);
    return output;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

if (!await isInstalled("systemd-analyze")) {
  reportSkipped("the unit as systemd-analyze judges it", "it is not installed");
} else {
  for (const [variant, text] of Object.entries(variants)) {
    Deno.test(`systemd finds nothing to complain of in the unit ${variant}`, async () => {
      assert.equal(await analyze(text, ["verify", "--man=no"]), "");
    });
  }

  Deno.test(`systemd rates the unit's exposure at ${MAX_EXPOSURE} or less`, async () => {
    const report = await analyze(unit, ["security", "--offline=true", "--no-pager"]);
    const [, exposure] = /Overall exposure level for adit\.service: (\d+\.\d+)/.exec(report) ?? [];
    assert.ok(Number(exposure) <= MAX_EXPOSURE, `the exposure is ${exposure}`);
  });
}

Deno.test("the unit offers every credential that the example configuration names, and no other", () => {
  const example = readRepositoryFile("config/adit.production.yaml").replace(/^\s*#.*$/gm, "");
  const named = [...example.matchAll(/\$\{credential:(\w+)\}/g)].map(([, name]) => name);
  const offered = [...unit.matchAll(/^#?LoadCredential=(\w+):\/etc\/adit\/credentials\/(\w+)$/gm)];
  assert.deepEqual(offered.map(([, name]) => name).sort(), named.sort());
  for (const [line, name, file] of offered) assert.equal(name, file, line);
});

Deno.test("the unit creates the folders that the admin API's page uses", () => {
  const page = readRepositoryFile("docs/admin-api.md");
  for (const [parent, key] of [["/run", "RuntimeDirectory"], ["/var/lib", "StateDirectory"]] as const) {
    const [, name] = new RegExp(`^${key}=(\\w+)$`, "m").exec(unit) ?? [];
    const used = new Set(
      [...page.matchAll(new RegExp(`${parent}/(\\w+)/`, "g"))].map(([, folder]) => folder),
    );
    assert.deepEqual([...used], [name], key);
  }
});

Deno.test("systemd's timeouts are longer than Adit's watchdog interval and default drain", () => {
  const seconds = (key: string) => Number(new RegExp(`^${key}=(\\d+)s$`, "m").exec(unit)?.[1]);
  assert.ok(seconds("WatchdogSec") >= 10);
  const [, drain] = /^ {2}drain: (\d+)s/m.exec(readRepositoryFile("config/adit.production.yaml")) ?? [];
  assert.ok(seconds("TimeoutStopSec") > Number(drain));
});

Deno.test("the unit unsets every variable that weakens the program", () => {
  const unset = [...unit.matchAll(/^UnsetEnvironment=(.*)$/gm)].flatMap(([, names = ""]) => names.split(" "));
  // systemd has no patterns for names; the program itself drops the variables that match one.
  const expected = ["BUN_BE_BUN", ...WEAKENING.filter((name) => !name.endsWith("*"))];
  assert.deepEqual(unset.toSorted(), expected.toSorted());
});

Deno.test("the unit does not restart after an invalid configuration or wrong usage, but after other failures", () => {
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";
  assert.equal(value("RestartPreventExitStatus"), "78 2");
  assert.equal(value("Restart"), "on-failure");
  const [interval, burst, pause] = ["StartLimitIntervalSec", "StartLimitBurst", "RestartSec"].map((key) =>
    Number.parseInt(value(key))
  );
  assert.ok((burst ?? 0) * (pause ?? 0) < (interval ?? 0), "restarts can reach the limit");
});

Deno.test("the page on operations explains each way in which the unit fails to start", () => {
  const page = readRepositoryFile("docs/operations.md");
  for (
    const sign of [
      "status=78/CONFIG",
      "status=217/USER",
      "status=243/CREDENTIALS",
      "start-limit-hit",
      "reset-failed",
    ]
  ) {
    assert.ok(page.includes(sign), sign);
  }
});
