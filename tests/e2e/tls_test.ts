/** TLS with configured files: protocols, a renewed certificate, and the change from plain HTTP to TLS and back. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Certificate, selfSignedCertificate } from "../fakes/certificate.ts";
import { converseFrames } from "../fakes/frames.ts";
import { after, type Answer, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { emulatorConfig, endpointConfig, tlsConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, replaceFile, startProgram } from "./program.ts";
import { askNew, AUTHORIZED, CHAT_STREAM, MODELS, statusOf, statusReport } from "./requests.ts";
import { requestText } from "../fakes/raw_client.ts";

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

forEachRuntime("TLS supports HTTP/1.1 and HTTP/2, as the client chooses", async (runtime) => {
  const tls = selfSignedCertificate();
  await using program = await startProgram(runtime, emulatorConfig({}, tlsConfig(tls)));
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
});

async function textOf(socket: TLSSocket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

forEachRuntime(
  "a renewed certificate is used at the same address, and old connections finish",
  async (runtime) => {
    const folder = await Deno.makeTempDir({ prefix: "adit-tls-" });
    const files = { certificate: `${folder}/cert.pem`, key: `${folder}/key.pem` };
    const install = async ({ certificate, key }: Certificate) => {
      await Deno.writeTextFile(files.key, key);
      await Deno.writeTextFile(files.certificate, certificate);
    };
    await using upstream = await startFakeUpstream();
    const frames = converseFrames("Hello", " there");
    const release = Promise.withResolvers<void>();
    const finish: Answer = async (exchange) => {
      for (const frame of frames.slice(2)) await exchange.chunk(frame);
      await exchange.end();
    };
    upstream.always(streamAnswer(frames.slice(0, 2), { then: after(release.promise, finish) }));
    const [old, renewed] = [selfSignedCertificate(), selfSignedCertificate()];
    await install(old);
    await using program = await startProgram(runtime, endpointConfig(upstream.url, tlsConfig(files)));
    const { url } = program;
    const running = await connectTrusting(url, old, "http/1.1");
    running.write(requestText(CHAT_STREAM.line, { ...AUTHORIZED, Connection: "close" }, CHAT_STREAM.body));
    const answer = textOf(running);
    await upstream.requestAt(0);

    const from = program.logs.length;
    // While only one file is replaced, the key does not match: the reload is refused, and succeeds a moment later.
    await install(renewed);
    await program.waitForLog(({ message }) => message === "configuration reloaded", from);
    assert.deepEqual((await statusReport(program)).listeners.public, [url]);
    // The old listener closes shortly after the new one has opened; the system resets connections that it has not accepted.
    const shown = await untilTrusted(url, renewed);
    shown.write(requestText(MODELS.line, { ...AUTHORIZED, Connection: "close" }));
    assert.match(await textOf(shown), /^HTTP\/1\.1 200 /);
    await assert.rejects(connectTrusting(url, old, "http/1.1"), /self.signed|certificate|unknown/i);

    release.resolve();
    assert.match(await answer, /data: \[DONE\]/);
    await Deno.remove(folder, { recursive: true });
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
    await replaceFile(program.configPath, onFreePorts(emulatorConfig({}, extra)));
    await program.waitForLog(({ message }) => message === "configuration reloaded", from);
    const expected = extra === "" ? url : url.replace("http:", "https:");
    assert.deepEqual((await statusReport(program)).listeners.public, [expected]);
  }
  assert.equal(statusOf(await askNew(url, MODELS)), 200);
});
