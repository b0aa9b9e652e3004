/** Listen addresses: several of them, IPv6, and addresses that are not available. */

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { emulatorConfig, tlsConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type Program, runProgram, RUNTIMES, startProgram } from "./program.ts";
import { ask, MODELS, statusOf, statusReport } from "./requests.ts";

/** Containers may have none. */
const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((each) => each?.address === "::1");

/** Addresses of the public listeners, in the order in which they were opened. */
function publicUrls({ logs }: Program): string[] {
  return logs.filter(({ message, listener }) => message === "listening" && listener === "public")
    .map(({ address }) => String(address));
}

forEachRuntime("every address of a list responds", async (runtime) => {
  const config = `listen: ["127.0.0.1:0", "127.0.0.2:0", "localhost:0"]\n${emulatorConfig()}`;
  await using program = await startProgram(runtime, config);
  const urls = publicUrls(program);
  assert.deepEqual((await statusReport(program)).listeners.public, urls);
  assert.equal(urls.length, 3);
  assert.match(urls[1] ?? "", /^http:\/\/127\.0\.0\.2:/);
  for (const url of urls) assert.equal(statusOf(await ask(url, MODELS)), 200);
});

forEachRuntime("an IPv6 address is written with brackets and responds", async (runtime) => {
  await using program = await startProgram(runtime, `listen: "[::1]:0"\n${emulatorConfig()}`);
  assert.match(program.url, /^http:\/\/\[::1\]:\d+$/);
  assert.equal(statusOf(await ask(program.url, MODELS)), 200);
}, { except: HAS_IPV6 ? [] : RUNTIMES });

forEachRuntime("without an admin address there is no admin listener", async (runtime) => {
  await using program = await startProgram(runtime, `admin: off\n${emulatorConfig()}`);
  assert.equal(statusOf(await ask(program.url, MODELS)), 200);
  assert.equal(statusOf(await ask(program.url, { line: "GET /-/status" })), 404);
  await program.stop();
  assert.deepEqual(program.logs.filter(({ listener }) => listener === "admin"), []);
});

forEachRuntime("an address in use ends the start with 1 and an error", async (runtime) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const problem = `Cannot listen on "${address}": the address is already in use`;
  for (const keys of [`listen: ${address}\n`, `admin: ${address}\n`]) {
    const { code, stdout } = await serveToItsEnd(runtime, keys + emulatorConfig());
    assert.equal(code, 1);
    assert.equal(startError(stdout), problem);
  }
});

forEachRuntime(
  "a second program at the same address does not start, with or without TLS",
  async (runtime) => {
    const tls = tlsConfig(selfSignedCertificate());
    await using program = await startProgram(runtime, emulatorConfig({}, tls));
    const listen = `listen: ${new URL(program.url).host}\n`;
    for (const extra of ["", tls]) {
      const { code, stdout } = await serveToItsEnd(runtime, listen + emulatorConfig({}, extra));
      assert.equal(code, 1);
      assert.match(String(startError(stdout)), /already in use/);
    }
  },
);

/** The reason in the last line of the log. */
function startError(stdout: string): unknown {
  const { level, message, error } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  assert.deepEqual([level, message], ["error", "cannot start"]);
  return error;
}

async function serveToItsEnd(runtime: "bun" | "deno", config: string) {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, onFreePorts(config));
    return await runProgram(runtime, ["serve", "--config", path]);
  } finally {
    await Deno.remove(path);
  }
}
