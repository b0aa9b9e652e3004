import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";

import { check } from "../../lib/cli/check.ts";
import { config } from "../../lib/cli/config.ts";
import { findConfig, missingAdvice } from "../../lib/cli/config_path.ts";
import { explain } from "../../lib/cli/explain/explain.ts";
import { keygen } from "../../lib/cli/keygen.ts";
import { schema } from "../../lib/cli/schema.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { run } from "./run.ts";

const ROOT = join(import.meta.dirname ?? "", "../..");
const GOLDEN = join(ROOT, "tests/golden/config");

Deno.test("check prints ok and the number of entries for a valid configuration", async () => {
  const path = join(ROOT, "config/adit.yaml");
  const { code, out, err } = await run(check, "--config", path);
  equal(code, 0);
  equal(out, `${path}: ok (providers: 1, models: 6, routes: 1, callers: 1)\n`);
  equal(err, "");
});

Deno.test("check prints every problem on standard error and fails", async () => {
  const path = join(GOLDEN, "sections/unknown-keys/adit.yaml");
  const { code, out, err } = await run(check, "--config", path);
  equal(code, 1);
  equal(out, "");
  equal(err.trim().split("\n").length, 5);
  ok(err.startsWith(`${path}:7:1: admn: unknown key "admn"; did you mean "admin"?\n`));
});

Deno.test("warnings are printed by check, and do not make it fail", async () => {
  const { code, out, err } = await run(check, "--config", join(GOLDEN, "listen/admin-exposed/adit.yaml"));
  equal(code, 0);
  match(out, /: ok \(/);
  match(err, /\(warning\)\n$/);
});

Deno.test("check --format json prints problems and warnings as one list, whether there are any or not", async () => {
  const path = join(GOLDEN, "listen/admin-exposed/adit.yaml");
  const doubtful = await run(check, "--format", "json", "--config", path);
  equal(doubtful.code, 0);
  deepEqual(JSON.parse(doubtful.out), [{
    file: path,
    line: 7,
    column: 8,
    path: "admin",
    message:
      "other hosts can reach the admin address, so without admin_tls and admin_api it serves only /healthz, /-/ready and, with metrics_key, /metrics",
    severity: "warning",
  }]);
  const broken = await run(check, "--format", "json", "--config", join(GOLDEN, "callers/models/adit.yaml"));
  equal(broken.code, 1);
  deepEqual(JSON.parse(broken.out).map(({ severity }: { severity: string }) => severity), [
    ...["error", "error", "error", "error"],
    "warning",
  ]);
  equal(broken.err, "");
  const good = await run(check, "--format", "json", "--config", join(ROOT, "config/adit.yaml"));
  deepEqual([good.code, JSON.parse(good.out)], [0, []]);
});

Deno.test("check refuses a format that it does not know", async () => {
  const { code, err } = await run(check, "--format", "jsn");
  equal(code, 2);
  match(err, /^Unknown format "jsn"; did you mean "json"\?\n/);
});

for (const [name, command] of Object.entries({ check, config, explain, keygen, schema })) {
  Deno.test(`${name} --help prints help on standard output`, async () => {
    const { code, out, err } = await run(command, "--help");
    equal(code, 0);
    match(out, new RegExp(`Usage: adit ${name}\\b`));
    equal(err, "");
  });

  for (const args of [["--nonsense"], ["unexpected", "unexpected"], ["--config"], ["--name"]]) {
    Deno.test(`${name} ${args.join(" ")} is wrong usage`, async () => {
      const { code, out, err } = await run(command, ...args);
      equal(code, 2);
      equal(out, "");
      match(err, new RegExp(`Usage: adit ${name}\\b`));
    });
  }
}

Deno.test("what keygen prints fits into a configuration, and finds the caller by the hash of the key", async () => {
  const { code, out } = await run(keygen, "--name", "search-team");
  equal(code, 0);
  const key = /^adit_[A-Za-z0-9_-]{43}$/m.exec(out)?.[0];
  ok(key !== undefined);
  const lines = out.slice(out.indexOf("  search-team:\n"));
  const text = `providers: { local: { type: emulator } }\ncallers:\n${lines}`;
  const loaded = await loadConfig("adit.yaml", {
    readFile: () => Promise.resolve(new TextEncoder().encode(text)),
    env: {},
  });
  ok(loaded.ok);
  const hash = createHash("sha256").update(key).digest("hex");
  equal(loaded.snapshot.callersByKeyHash.get(hash)?.name, "search-team");
});

Deno.test("keygen creates a new key each time", async () => {
  const [first, second] = [await run(keygen), await run(keygen)];
  ok(first.out !== second.out);
});

Deno.test("keygen refuses a name that the configuration would refuse", async () => {
  const { code, out, err } = await run(keygen, "--name", "my team");
  equal(code, 2);
  equal(out, "");
  match(err, /"my team"/);
});

Deno.test("the configuration is the one given, or the first of the usual places", () => {
  equal(findConfig("given.yaml", { ADIT_CONFIG: "other.yaml" }), "given.yaml");
  const before = Deno.cwd();
  try {
    Deno.chdir(ROOT);
    equal(findConfig(undefined, {}), "config/adit.yaml");
    equal(findConfig(undefined, { ADIT_CONFIG: "other.yaml" }), "other.yaml");
    equal(findConfig(undefined, { ADIT_CONFIG: "" }), "config/adit.yaml");
    Deno.chdir("/");
    equal(findConfig(undefined, {}), "/etc/adit/adit.yaml");
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("a missing default configuration is reported with the ways to name another", () => {
  equal(missingAdvice("/etc/adit/adit.yaml", () => false), "; use --config FILE, or set ADIT_CONFIG");
  equal(missingAdvice("/etc/adit/adit.yaml", () => true), "");
  equal(missingAdvice("mine.yaml", () => false), "");
});

Deno.test("the demo key of the configuration that comes with Adit is adit-demo-key", async () => {
  const loaded = await loadConfig(join(ROOT, "config/adit.yaml"), { readFile, env: {} });
  ok(loaded.ok);
  const hash = createHash("sha256").update("adit-demo-key").digest("hex");
  equal(loaded.snapshot.callersByKeyHash.get(hash)?.name, "demo");
});
