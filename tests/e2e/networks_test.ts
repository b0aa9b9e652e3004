/** Providers with their own proxy and certificate authority, on loopback: requests, credentials and checks. */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { certificateAuthority } from "../fakes/certificate.ts";
import { startFakeProxy } from "../fakes/proxy.ts";
import { ask, reload, ROLE, setUp, statusOf, statusText } from "./aws_host.ts";
import { KEY, keyHash } from "./configs.ts";
import { forEachRuntime, type Program, runProgram, startProgram } from "./program.ts";

const AUTHORITY = certificateAuthority();
const HOSTS = { STS: "sts.test", BEDROCK: "bedrock.test" };

/** Bedrock and STS over TLS, with certificates of a private authority, behind a proxy with a password. */
async function world() {
  const aws = await setUp();
  const forward = async (request: Request): Promise<Response> => {
    if (request.headers.get("host") !== HOSTS.STS) return await aws.bedrock.answer(request);
    const { pathname, search } = new URL(request.url);
    return await fetch(aws.identity.url + pathname + search, {
      method: request.method,
      headers: request.headers,
      body: await request.bytes(),
    });
  };
  const { certificate: cert, key } = AUTHORITY.server;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, forward);
  const proxy = await startFakeProxy({ to: server.addr.port });
  await aws.write("ca.pem", AUTHORITY.certificate);
  const base = aws.identity.know("AKIDBASE");
  return {
    aws,
    proxy,
    env: { ...aws.env, AWS_ENDPOINT_URL_STS: `https://${HOSTS.STS}` },
    config: (network: string, endpoint = `https://${HOSTS.BEDROCK}`) =>
      `providers:
  east:
    type: bedrock
    region: us-east-1
    endpoint: ${endpoint}
${network}    credentials:
      access_key_id: ${base.accessKeyId}
      secret_access_key: ${base.secretAccessKey}
      role: { arn: "${ROLE}" }
models:
  nova: { provider: east, id: amazon.nova-lite-v1:0 }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"] }
`,
    network: (url = `http://user:hunter2-proxy@127.0.0.1:${proxy.port}`) =>
      `    proxy: ${url}\n    ca: ${aws.home}/ca.pem\n`,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.shutdown();
      await aws[Symbol.asyncDispose]();
    },
  };
}

/** Asserts that the program's output contains no password. */
async function assertSilent(program: Program): Promise<void> {
  const said = JSON.stringify(program.logs) + program.stderr + await statusText(program);
  assert.doesNotMatch(said, /hunter2/);
}

forEachRuntime("requests and the role's credentials go through the provider's proxy", async (runtime) => {
  await using here = await world();
  await using program = await startProgram(runtime, here.config(here.network()), { env: here.env });
  const { status, text } = await ask(program);
  assert.equal(status, 200, text);
  const user = `Basic ${btoa("user:hunter2-proxy")}`;
  assert.deepEqual([...new Set(here.proxy.asked)].toSorted(), [
    `CONNECT ${HOSTS.BEDROCK}:443 ${user}`,
    `CONNECT ${HOSTS.STS}:443 ${user}`,
  ]);
  await reload(program);
  assert.equal((await ask(program)).status, 200, "a reload keeps the network");
  await assertSilent(program);
});

forEachRuntime("check --online uses the provider's proxy and shows no password", async (runtime) => {
  await using here = await world();
  await here.aws.write("adit.yaml", here.config(here.network()));
  const args = ["check", "--online", "--config", `${here.aws.home}/adit.yaml`];
  const { code, stdout, stderr } = await runProgram(runtime, args, { env: here.env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /providers\.east: signs as .*\nmodels\.nova: answers\n/);
  assert.doesNotMatch(stdout + stderr, /hunter2-proxy/);
});

forEachRuntime(
  "without the authority, the certificate is refused, also by STS's clients",
  async (runtime) => {
    await using here = await world();
    const network = here.network().replace(/ *ca: .*\n/, "");
    await using program = await startProgram(runtime, here.config(network), { env: here.env });
    await program.waitForLog(({ message }) => message === "no credentials found");
    assert.match((await statusOf(program))?.last_error ?? "", /^STS AssumeRole: /);
    assert.equal((await ask(program)).status, 502);
    await assertSilent(program);
  },
);

forEachRuntime("a change of the authority takes effect with the reload", async (runtime) => {
  await using here = await world();
  await here.aws.write("ca.pem", certificateAuthority().certificate);
  await using program = await startProgram(runtime, here.config(here.network()), { env: here.env });
  await program.waitForLog(({ message }) => message === "no credentials found");
  await here.aws.write("ca.pem", AUTHORITY.certificate);
  await program.waitForLog(({ message }) => message === "credentials found");
  const { status, text } = await ask(program);
  assert.equal(status, 200, text);
});

forEachRuntime(
  "a proxy that does not respond ends the request after the connect timeout",
  async (runtime) => {
    await using here = await world();
    const silent = createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    await using stalling = await startFakeProxy({ to: port, stalls: true });
    try {
      const urls = [
        `http://127.0.0.1:${stalling.port}`,
        `http://127.0.0.1:${port}`,
        `https://127.0.0.1:${port}`,
      ];
      for (const url of urls) {
        const config = here.config(here.network(url)).replace(/\n *role: .*/, "") +
          "timeouts: { connect: 100ms }\n";
        await using program = await startProgram(runtime, config, { env: here.env });
        const { status, text } = await ask(program);
        assert.equal(status, 502, url);
        assert.match(text, /upstream_unreachable/);
      }
    } finally {
      silent.close();
    }
  },
);
