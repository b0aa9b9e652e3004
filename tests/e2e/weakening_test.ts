/** Variables with which the runtime weakens the program are removed before it reads anything, or it does not run. */

import assert from "node:assert/strict";
import { WEAKENING } from "../../lib/runtime/weakening.ts";
import { freePort, repositoryPath } from "../repository.ts";
import { emulatorConfig } from "./configs.ts";
import { runProgram, startProgram } from "./program.ts";

const CONFIG = repositoryPath("config/adit.yaml");

Deno.test("bun: the program restarts itself without settings that weaken it, such as an inspector", async () => {
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "adit-weakening-" });
  await Deno.writeTextFile(`${folder}/first.js`, "globalThis.fetch = undefined; console.log('loaded');");
  const env = {
    BUN_BYTECODE_DIGEST_OUT: `${folder}/digests`,
    BUN_BYTECODE_ORDER_OUT: `${folder}/order`,
    BUN_CONFIG_VERBOSE_FETCH: "curl",
    BUN_FEATURE_FLAG_INTERNAL_FOR_TESTING: "1",
    BUN_INSPECT: `127.0.0.1:${port}`,
    BUN_JSC_useJIT: "1",
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
    SSLKEYLOGFILE: `${folder}/keys`,
  };
  await using program = await startProgram("bun", emulatorConfig(), { env });
  const found = (await Deno.readTextFile(`/proc/${program.pid}/environ`)).split("\0").map((each) =>
    each.split("=")[0]
  );
  assert.deepEqual(found.filter((name) => name !== undefined && Object.hasOwn(env, name)), []);
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
  assert.equal(program.stderr, "");

  const preloaded = await runProgram("bun", ["check", "--config", CONFIG], {
    env: { BUN_OPTIONS: `--preload=${folder}/first.js` },
  });
  // The runtime has loaded it before the program; the process that reads the configuration is one without it.
  assert.equal(preloaded.code, 0);
  assert.match(preloaded.stdout, /^loaded\n[^\n]*: ok [^\n]*\n$/);
  await Deno.remove(folder, { recursive: true });
});

const REFUSED = {
  DENO_LOG: "error",
  DENO_SERVE_ADDRESS: "duplicate,tcp:127.0.0.1:0",
  DENO_SERVE_AUTOMATIC_COMPRESSION: "1",
  DENO_TRUST_PROXY_HEADERS: "1",
  DENO_V8_FLAGS: "--stack-size=900",
  NODE_TLS_REJECT_UNAUTHORIZED: "0",
  OTEL_DENO_CONSOLE: "ignore",
  OTEL_DENO_TRACING: "false",
  SSLKEYLOGFILE: "/dev/null",
};

for (const [name, value] of Object.entries(REFUSED)) {
  Deno.test(`deno: the program does not run with ${name}`, async () => {
    assert.ok(WEAKENING.includes(name));
    const { code, stdout, stderr } = await runProgram("deno", ["check", "--config", CONFIG], {
      env: { [name]: value },
    });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`^Cannot run: the environment variable ${name} [^\n]*; unset it\n$`));
  });
}
