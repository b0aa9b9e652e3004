/** Where the program listens: several addresses, IPv6, TLS, and what happens when an address is not to be had. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { networkInterfaces } from "node:os";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Certificate, selfSignedCertificate } from "../fakes/certificate.ts";
import { converseFrames } from "../fakes/frames.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { after, type Answer, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { emulatorConfig, endpointConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type Program, runProgram, RUNTIMES, startProgram } from "./program.ts";
import { ask, AUTHORIZED, CHAT_STREAM, MODELS, statusOf, statusReport } from "./requests.ts";

/** Containers may have none. */
const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((each) => each?.address === "::1");

/** Addresses of the public listeners, in the order in which they were opened. */
function publicUrls({ logs }: Program): string[] {
  return logs.filter(({ message, listener }) => message === "listening" && listener === "public")
    .map(({ address }) => String(address));
}

forEachRuntime("every address of a list answers", async (runtime) => {
  const config = `listen: ["127.0.0.1:0", "127.0.0.2:0", "localhost:0"]\n${emulatorConfig()}`;
  await using program = await startProgram(runtime, config);
  const urls = publicUrls(program);
  assert.deepEqual((await statusReport(program)).listeners.public, urls);
  assert.equal(urls.length, 3);
  assert.match(urls[1] ?? "", /^http:\/\/127\.0\.0\.2:/);
  for (const url of urls) assert.equal(statusOf(await ask(url, MODELS)), 200);
});

forEachRuntime("an IPv6 address is spelt with brackets and answers", async (runtime) => {
  await using program = await startProgram(runtime, `listen: "[::1]:0"\n${emulatorConfig()}`);
  assert.match(program.url, /^http:\/\/\[::1\]:\d+$/);
  assert.equal(statusOf(await ask(program.url, MODELS)), 200);
}, { except: HAS_IPV6 ? [] : RUNTIMES });

forEachRuntime("without an admin listener there is none", async (runtime) => {
  await using program = await startProgram(runtime, `admin: off\n${emulatorConfig()}`);
  assert.equal(statusOf(await ask(program.url, MODELS)), 200);
  assert.equal(statusOf(await ask(program.url, { line: "GET /-/status" })), 404);
  await program.stop();
  assert.deepEqual(program.logs.filter(({ listener }) => listener === "admin"), []);
});

forEachRuntime("an address in use ends the start with 1 and says so", async (runtime) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const problem = new RegExp(`^Cannot listen on "${address}": the address is already in use\n$`);
  for (const keys of [`listen: ${address}\n`, `admin: ${address}\n`]) {
    const { code, stderr } = await serveToItsEnd(runtime, keys + emulatorConfig());
    assert.equal(code, 1);
    assert.match(stderr, problem);
  }
});

forEachRuntime(
  "a second program on the same address does not start, with TLS or without",
  async (runtime) => {
    const tls = tlsConfig(selfSignedCertificate());
    await using program = await startProgram(runtime, emulatorConfig({}, tls));
    const listen = `listen: ${new URL(program.url).host}\n`;
    for (const extra of ["", tls]) {
      const { code, stderr } = await serveToItsEnd(runtime, listen + emulatorConfig({}, extra));
      assert.equal(code, 1);
      assert.match(stderr, /already in use/);
    }
  },
);

async function serveToItsEnd(runtime: "bun" | "deno", config: string) {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, onFreePorts(config));
    return await runProgram(runtime, ["serve", "--config", path]);
  } finally {
    await Deno.remove(path);
  }
}

/** The PEM texts in the file itself; both are also taken as paths. */
function tlsConfig({ certificate, key }: Certificate): string {
  return `tls: { certificate: ${JSON.stringify(certificate)}, key: ${JSON.stringify(key)} }\n`;
}

/** A TLS connection that trusts this certificate alone, and speaks one protocol. */
async function connectTrusting(
  url: string,
  { certificate }: Certificate,
  protocol: string,
): Promise<TLSSocket> {
  const { port } = new URL(url);
  const socket = connectTls({
    host: "127.0.0.1",
    port: Number(port),
    ca: certificate,
    servername: "localhost",
    ALPNProtocols: [protocol],
  });
  await once(socket, "secureConnect");
  return socket;
}

forEachRuntime("TLS by given files speaks HTTP/1.1 and HTTP/2, as the client asks", async (runtime) => {
  const folder = await Deno.makeTempDir({ prefix: "adit-tls-" });
  try {
    const tls = selfSignedCertificate();
    await Deno.writeTextFile(`${folder}/cert.pem`, tls.certificate);
    await Deno.writeTextFile(`${folder}/key.pem`, tls.key);
    const files = `tls: { certificate: ${folder}/cert.pem, key: ${folder}/key.pem }\n`;
    await using program = await startProgram(runtime, emulatorConfig({}, files));
    assert.match(program.url, /^https:/);

    const socket = await connectTrusting(program.url, tls, "http/1.1");
    assert.equal(socket.alpnProtocol, "http/1.1");
    socket.write(requestText(MODELS.line, { ...AUTHORIZED, Connection: "close" }));
    assert.match(await textOf(socket), /^HTTP\/1\.1 200 /);

    const session = connectHttp2(program.url, { ca: tls.certificate, servername: "localhost" });
    const stream = session.request({ ":path": "/v1/models", authorization: AUTHORIZED.Authorization });
    const [headers] = await once(stream, "response");
    assert.deepEqual([session.alpnProtocol, headers[":status"]], ["h2", 200]);
    stream.resume();
    await once(stream, "end");
    session.close();
    await once(session, "close");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function textOf(socket: TLSSocket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

forEachRuntime(
  "a renewed certificate is shown at the same address, and the old connections finish",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    const frames = converseFrames("Hello", " there");
    const release = Promise.withResolvers<void>();
    const finish: Answer = async (exchange) => {
      for (const frame of frames.slice(2)) await exchange.chunk(frame);
      await exchange.end();
    };
    upstream.always(streamAnswer(frames.slice(0, 2), { then: after(release.promise, finish) }));
    const [old, renewed] = [selfSignedCertificate(), selfSignedCertificate()];
    await using program = await startProgram(runtime, endpointConfig(upstream.url, tlsConfig(old)));
    const { url } = program;
    const running = await connectTrusting(url, old, "http/1.1");
    running.write(requestText(CHAT_STREAM.line, { ...AUTHORIZED, Connection: "close" }, CHAT_STREAM.body));
    const answer = textOf(running);
    await upstream.requestAt(0);

    const from = program.logs.length;
    await Deno.writeTextFile(
      program.configPath,
      onFreePorts(endpointConfig(upstream.url, tlsConfig(renewed))),
    );
    await program.waitForLog(({ message }) => message === "configuration reloaded", from);
    assert.deepEqual((await statusReport(program)).listeners.public, [url]);
    // The old socket closes just after the new one has opened, and the system resets what had not been accepted by then.
    const shown = await untilTrusted(url, renewed);
    shown.write(requestText(MODELS.line, { ...AUTHORIZED, Connection: "close" }));
    assert.match(await textOf(shown), /^HTTP\/1\.1 200 /);
    await assert.rejects(connectTrusting(url, old, "http/1.1"), /self.signed|certificate|unknown/i);

    release.resolve();
    assert.match(await answer, /data: \[DONE\]/);
  },
);

async function untilTrusted(url: string, certificate: Certificate): Promise<TLSSocket> {
  for (;;) {
    const socket = await connectTrusting(url, certificate, "http/1.1").catch(() => undefined);
    if (socket !== undefined) return socket;
  }
}

forEachRuntime("TLS and plain HTTP take turns at the same address", async (runtime) => {
  const certificate = selfSignedCertificate();
  await using program = await startProgram(runtime, emulatorConfig());
  const { url } = program;
  for (const extra of [tlsConfig(certificate), ""]) {
    const from = program.logs.length;
    await Deno.writeTextFile(program.configPath, onFreePorts(emulatorConfig({}, extra)));
    await program.waitForLog(({ message }) => message === "configuration reloaded", from);
    const expected = extra === "" ? url : url.replace("http:", "https:");
    assert.deepEqual((await statusReport(program)).listeners.public, [expected]);
  }
  await using client = await connectRaw(url);
  client.send(requestText(MODELS.line, AUTHORIZED));
  assert.equal(statusOf((await client.answer()) ?? assert.fail("closed")), 200);
});
