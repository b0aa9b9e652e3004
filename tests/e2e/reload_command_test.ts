/** `adit reload`: the running gateway is found and asked to reload, and its answer is printed. */

import assert from "node:assert/strict";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { freePort } from "../repository.ts";
import { emulatorConfig, keyHash, tlsConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, replaceFile, runProgram, startProgram } from "./program.ts";

const BROKEN = "models: 3\n";

forEachRuntime(
  "the result of a reload is printed, and a refused configuration is exit code 1",
  async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig());
    const address = program.adminUrl.replace("http://", "");
    const reload = () => runProgram(runtime, ["reload", "--admin", address, "--config", program.configPath]);
    assert.deepEqual(await reload(), { code: 0, stdout: "reloaded\n", stderr: "" });
    await replaceFile(program.configPath, onFreePorts(BROKEN));
    const { code, stdout, stderr } = await reload();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^.*adit\.yaml:\d+:\d+: models: .*$/m);
    assert.match(stderr, /\nThe configuration is rejected; the running one stays in use\n$/);
  },
);

forEachRuntime(
  "the address is the one that the service has written, or the configuration's",
  async (runtime) => {
    const folder = await Deno.makeTempDir();
    try {
      const port = freePort();
      const env = { RUNTIME_DIRECTORY: folder };
      const permissions = { denoPermissions: ["--allow-write"] };
      const config = `admin: 127.0.0.1:${port} # here\n${emulatorConfig()}`;
      await using program = await startProgram(runtime, config, { env, ...permissions });
      const reload = (variables: Record<string, string>) =>
        runProgram(runtime, ["reload", "--config", program.configPath], { env: variables });
      assert.equal((await reload({})).code, 0, "by the configuration");
      await replaceFile(program.configPath, `admin: 127.0.0.1:${port} # here\nmodels: [\n`);
      assert.match((await reload({})).stderr, /rejected/, "by a configuration that is not even YAML");
      await replaceFile(program.configPath, `admin: 127.0.0.1:1\n${emulatorConfig()}models: 3\n`);
      assert.match((await reload({})).stderr, /^Cannot ask the gateway at http:\/\/127\.0\.0\.1:1: /);
      assert.equal((await Deno.readTextFile(`${folder}/admin`)).trim(), program.adminUrl);
      assert.match((await reload(env)).stderr, /rejected/, "by what the service has written");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

forEachRuntime(
  "with TLS, the configured certificate is used; the key is in a variable",
  async (runtime) => {
    const key = "adit-admin-key-0123456789";
    const tls = tlsConfig(selfSignedCertificate(), "admin_tls");
    const admin = `admin: 0.0.0.0:0\nadmin_api: { key: "${keyHash(key)}" }\n`;
    await using program = await startProgram(runtime, admin + emulatorConfig({}, tls));
    const reload = (env: Record<string, string>) =>
      runProgram(runtime, ["reload", "--admin", program.adminUrl, "--config", program.configPath], { env });
    const { code, stderr } = await reload({});
    assert.equal(code, 1);
    assert.match(stderr, /needs a key: set ADIT_ADMIN_KEY/);
    assert.deepEqual(await reload({ ADIT_ADMIN_KEY: key }), { code: 0, stdout: "reloaded\n", stderr: "" });
    const broken = `${await Deno.readTextFile(program.configPath)}\nrate_limits: 3\n`;
    await replaceFile(program.configPath, broken);
    assert.match((await reload({ ADIT_ADMIN_KEY: key })).stderr, /The configuration is rejected/);
  },
);

Deno.test("a gateway without an admin address gets a signal if its process is given", async () => {
  await using program = await startProgram("bun", `admin: off\n${emulatorConfig()}`);
  const args = ["reload", "--config", program.configPath];
  const refused = await runProgram("bun", args);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /admin is off/);
  const { code } = await runProgram("bun", [...args, "--pid", String(program.pid)]);
  assert.equal(code, 0);
  const line = await program.waitForLog(({ message }) => message === "configuration reloaded");
  assert.equal(line["reason"], "SIGHUP");
});
