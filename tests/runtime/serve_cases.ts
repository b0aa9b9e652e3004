/** Runtime suite: requests, answers, protocols. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session, ClientSessionOptions, SecureClientSessionOptions } from "node:http2";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import type { Handler, Runtime } from "../../lib/runtime/runtime.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { acceptsSuite } from "../fakes/client_hello.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { fedStream, listen } from "./case.ts";
import type { Case } from "./case.ts";

const ok = () => Promise.resolve(new Response("ok"));

async function answerTo(
  runtime: Runtime,
  request: string | readonly (string | Uint8Array)[],
): Promise<string> {
  await using listener = listen(runtime, async (incoming) => {
    const body = new Uint8Array(await incoming.arrayBuffer());
    return new Response(
      `${incoming.method} ${body.length} ${createHash("sha256").update(body).digest("hex")}`,
    );
  });
  await using client = await connectRaw(listener.url);
  for (const part of typeof request === "string" ? [request] : request) client.send(part);
  const answer = await client.answer();
  return `${answer?.startLine.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3)} ${
    new TextDecoder().decode(answer?.body)
  }`;
}

interface Http2Answer {
  readonly status: number;
  readonly protocol: string;
  readonly body: string;
}

async function getOverHttp2(
  url: string,
  options: ClientSessionOptions | SecureClientSessionOptions = {},
): Promise<Http2Answer> {
  const session = connectHttp2(url, options);
  try {
    const stream = session.request({ ":path": "/over-http2", ":method": "POST" });
    stream.end("ping");
    const [headers] = await once(stream, "response");
    let body = "";
    for await (const chunk of stream) body += String(chunk);
    return { status: headers[":status"], protocol: session.alpnProtocol ?? "", body };
  } finally {
    await closeSession(session);
  }
}

function closeSession(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => session.close(resolve));
}

const TARGETS: readonly (readonly [target: string, host: string])[] = [
  ["/model/us.anthropic.claude-v1%3A0/invoke", "adit.test"],
  ["/model/arn%3Aaws%3Abedrock%2Fx/converse-stream", "adit.test:8080"],
  ["/a//b/", "adit.test"],
  ["//a", "adit.test"],
  ["/a?b=c%20d&e=/f?g", "[::1]:80"],
  ["/healthz", "adit.test/admin?"],
  ["/healthz", "adit.test#"],
  ["/healthz", "two words"],
  ["/healthz", ""],
];

export const serveCases: readonly Case[] = [
  {
    name: "port 0 selects a free port and reports it",
    run: async (runtime) => {
      const server = runtime.serve({ hostname: "127.0.0.1", port: 0, handle: ok });
      assert.ok(server.port > 0);
      assert.equal(server.hostname, "127.0.0.1");
      await server.close();
    },
  },
  {
    name: "an address in use is an error that names it",
    run: async (runtime) => {
      const first = runtime.serve({ hostname: "127.0.0.1", port: 0, handle: ok });
      assert.throws(
        () => runtime.serve({ hostname: "127.0.0.1", port: first.port, handle: ok }),
        { message: `Cannot listen on "127.0.0.1:${first.port}": the address is already in use` },
      );
      await first.close();
    },
  },
  {
    name: "a server takes over from another on the same address, or on one that includes it",
    run: async (runtime) => {
      const answering = (text: string): Handler => () => Promise.resolve(new Response(text));
      const old = runtime.serve({ hostname: "127.0.0.1", port: 0, handle: answering("old") });
      const { port } = old;
      await using kept = await connectRaw(`http://127.0.0.1:${port}`);
      const same = runtime.serve({ hostname: "127.0.0.1", port, replaces: old, handle: answering("new") });
      kept.send(requestText("GET /"));
      assert.match(await kept.through("old") ?? "", /^HTTP\/1\.1 200/);
      await old.drain();
      const wider = runtime.serve({ hostname: "0.0.0.0", port, replaces: same, handle: answering("wider") });
      await same.drain();
      await using next = await connectRaw(`http://127.0.0.1:${port}`);
      next.send(requestText("GET /"));
      assert.ok(await next.through("wider") !== undefined);
      assert.throws(
        () => runtime.serve({ hostname: "127.0.0.1", port, handle: ok }),
        { message: `Cannot listen on "127.0.0.1:${port}": the address is already in use` },
      );
      await wider.close();
    },
  },
  {
    name: "an address of another machine is an error that names it",
    run: (runtime) => {
      assert.throws(
        () => runtime.serve({ hostname: "192.0.2.1", port: 8080, handle: ok }),
        { message: 'Cannot listen on "192.0.2.1:8080": the address does not belong to this host' },
      );
      return Promise.resolve();
    },
  },
  {
    name: "an IPv6 address is passed and reported without brackets",
    run: async (runtime) => {
      const handle: Handler = (_, { remoteAddress }) => Promise.resolve(new Response(remoteAddress));
      const serve = () => runtime.serve({ hostname: "::1", port: 0, handle });
      const hasIpv6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === "::1");
      if (!hasIpv6) return assert.throws(serve, { message: /^Cannot listen on "\[::1\]:0": / });
      const server = serve();
      assert.equal(server.hostname, "::1");
      await using client = await connectRaw(`http://[::1]:${server.port}`);
      client.send(requestText("GET /"));
      assert.equal(new TextDecoder().decode((await client.answer())?.body), "::1");
      await server.close();
    },
  },
  {
    name: "the target is what the request line says, whatever the Host header says",
    run: async (runtime) => {
      await using listener = listen(runtime, (_, { target }) => Promise.resolve(new Response(target)));
      for (const [target, host] of TARGETS) {
        await using client = await connectRaw(listener.url);
        client.send(requestText(`GET ${target}`, { Host: host }));
        const answer = await client.answer();
        assert.equal(new TextDecoder().decode(answer?.body), target, `with Host: ${host}`);
      }
    },
  },
  {
    name: "the target of an HTTP/1.0 request without a Host header is found",
    run: async (runtime) => {
      await using listener = listen(runtime, (_, { target }) => Promise.resolve(new Response(target)));
      await using client = await connectRaw(listener.url);
      client.send("GET /healthz?x HTTP/1.0\r\n\r\n");
      assert.equal(new TextDecoder().decode((await client.answer())?.body), "/healthz?x");
    },
  },
  {
    name: "the remote address can be read after the answer",
    run: async (runtime) => {
      const addresses: (() => string)[] = [];
      await using listener = listen(runtime, (_, connection) => {
        addresses.push(() => connection.remoteAddress);
        return ok();
      });
      await using client = await connectRaw(listener.url);
      client.send(requestText("GET /1"));
      await client.answer();
      client.send(requestText("GET /2"));
      await client.answer();
      assert.deepEqual(addresses.map((read) => read()), ["127.0.0.1", "127.0.0.1"]);
    },
  },
  {
    name: "GET and HEAD answers carry the date and the same headers, HEAD no body",
    run: async (runtime) => {
      const text = JSON.stringify({ text: "x".repeat(5000) });
      await using listener = listen(
        runtime,
        () => Promise.resolve(new Response(text, { headers: { "content-type": "application/json" } })),
      );
      await using client = await connectRaw(listener.url);
      const earliest = Math.floor(Date.now() / 1000) - 1;
      client.send(requestText("GET /", { "Accept-Encoding": "gzip, br, zstd" }));
      const get = await client.answer();
      client.send(requestText("HEAD /"));
      const head = await client.through("\r\n\r\n");
      client.send(requestText("GET /"));
      const latest = Math.ceil(Date.now() / 1000) + 1;
      assert.equal((await client.answer())?.startLine, "HTTP/1.1 200 OK", "HEAD sent a body");
      assert.equal(new TextDecoder().decode(get?.body), text, "the answer was compressed");
      const dates = [get?.headers.get("date"), /^date: (.*)$/im.exec(head ?? "")?.[1]];
      for (const date of dates) {
        const seconds = Date.parse(date ?? "") / 1000;
        assert.ok(seconds >= earliest && seconds <= latest, `the date is ${date}`);
      }
      assert.match(head ?? "", /^content-type: application\/json\r$/im);
      assert.match(head ?? "", /^content-length: 5011\r$/im);
    },
  },
  {
    name: "a client that waits for 100-continue gets it, then the answer",
    run: async (runtime) => {
      await using listener = listen(runtime, async (request) => new Response(await request.text()));
      await using client = await connectRaw(listener.url);
      client.send(requestText("POST /", { "Content-Length": "5", Expect: "100-continue" }));
      assert.match(await client.through("\r\n\r\n") ?? "closed", /^HTTP\/1\.1 100 /);
      client.send("hello");
      assert.equal(new TextDecoder().decode((await client.answer())?.body), "hello");
    },
  },
  {
    name: "a body of 25 MiB arrives whole",
    run: async (runtime) => {
      const body = randomBytes(25 * 1024 * 1024);
      const head = requestText("POST /", { "Content-Length": String(body.length) });
      const digest = createHash("sha256").update(body).digest("hex");
      assert.equal(await answerTo(runtime, [head, body]), `200 POST ${body.length} ${digest}`);
    },
  },
  {
    name: "a chunked body arrives whole",
    run: async (runtime) => {
      const head = requestText("POST /", { "Transfer-Encoding": "chunked" });
      const digest = createHash("sha256").update("hello").digest("hex");
      assert.equal(
        await answerTo(runtime, `${head}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`),
        `200 POST 5 ${digest}`,
      );
    },
  },
  {
    name: "a request with both a length and chunked framing is refused",
    run: async (runtime) => {
      const head = requestText("POST /", { "Content-Length": "3", "Transfer-Encoding": "chunked" });
      assert.match(await answerTo(runtime, `${head}0\r\n\r\n`), /^400/);
    },
  },
  {
    name: "15 KiB of headers pass, 100 KiB are refused",
    run: async (runtime) => {
      const withHeader = (length: number) => requestText("GET /", { "X-Long": "a".repeat(length) });
      assert.match(await answerTo(runtime, withHeader(15 * 1024)), /^200/);
      assert.match(await answerTo(runtime, withHeader(100 * 1024)), /^4(?:00|31)/);
    },
  },
  {
    name: "a chunk is sent when it is written, not when the next one comes",
    run: async (runtime) => {
      const { stream, controller } = fedStream();
      await using listener = listen(runtime, () => Promise.resolve(new Response(stream)));
      await using client = await connectRaw(listener.url);
      client.send(requestText("GET /"));
      for (const text of ["one", "two", "three"]) {
        controller.enqueue(encodeUtf8(text));
        await client.through(`${text}\r\n`);
      }
      controller.close();
    },
  },
  {
    name: "HTTP/2 with prior knowledge and HTTP/1.1 share a plain port",
    run: async (runtime) => {
      await using listener = listen(
        runtime,
        async (request, { target }) => new Response(`${target} ${await request.text()}`),
      );
      const answer = await getOverHttp2(listener.url);
      assert.equal(`${answer.status} ${answer.body}`, "200 /over-http2 ping");
      await using client = await connectRaw(listener.url);
      client.send(requestText("POST /over-http1", {}, "ping"));
      assert.equal(new TextDecoder().decode((await client.answer())?.body), "/over-http1 ping");
    },
  },
  {
    name: "a body over HTTP/2 is never longer than it says",
    run: async (runtime) => {
      const read = Promise.withResolvers<number>();
      await using listener = listen(runtime, async (request) => {
        read.resolve(await request.bytes().then(({ length }) => length, () => 0));
        return new Response();
      });
      const session = connectHttp2(listener.url);
      const stream = session.request({ ":method": "POST", "content-length": "5" });
      stream.on("error", () => {});
      stream.end("x".repeat(1_000_000));
      assert.ok(await read.promise <= 5);
      await closeSession(session);
    },
  },
  {
    name: "TLS offers HTTP/2 and HTTP/1.1",
    run: async (runtime) => {
      const tls = selfSignedCertificate();
      await using listener = listen(
        runtime,
        async (request, { target }) => new Response(`${target} ${await request.text()}`),
        { tls },
      );
      const answer = await getOverHttp2(listener.url, { ca: tls.certificate });
      assert.deepEqual(answer, { status: 200, protocol: "h2", body: "/over-http2 ping" });
      const { hostname, port } = new URL(listener.url);
      const socket = connectTls({
        host: hostname,
        port: Number(port),
        ca: tls.certificate,
        ALPNProtocols: ["http/1.1"],
      });
      await once(socket, "secureConnect");
      assert.equal(socket.alpnProtocol, "http/1.1");
      socket.write(requestText("GET /over-http1", { Connection: "close" }));
      let text = "";
      for await (const chunk of socket) text += String(chunk);
      assert.match(text, /\/over-http1 $/);
    },
  },
  {
    name: "TLS 1.2 is only spoken with forward secrecy and authenticated encryption",
    run: async (runtime) => {
      await using listener = listen(runtime, ok, { tls: selfSignedCertificate() });
      const suites: readonly (readonly [suite: number, accepted: boolean])[] = [
        [0xc02b, true], // ECDHE_ECDSA, AES-128-GCM
        [0xcca9, true], // ECDHE_ECDSA, ChaCha20-Poly1305
        [0xc009, false], // ECDHE_ECDSA, AES-128-CBC
        [0x009c, false], // RSA, AES-128-GCM
        [0x002f, false], // RSA, AES-128-CBC
      ];
      for (const [suite, accepted] of suites) {
        assert.equal(await acceptsSuite(listener.url, suite), accepted, suite.toString(16));
      }
    },
  },
];
