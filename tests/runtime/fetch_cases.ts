/** Runtime suite: requests to an upstream. */

import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import type { FetchInit, Runtime } from "../../lib/runtime/runtime.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import {
  after,
  close,
  jsonAnswer,
  reset,
  stall,
  startFakeUpstream,
  streamAnswer,
} from "../fakes/upstream.ts";
import { gate, listen } from "./case.ts";
import type { Case } from "./case.ts";

/** More than the 256 that Bun runs at once unless told otherwise. */
const MANY = 1000;

function init(fields: Partial<FetchInit> = {}): FetchInit {
  return { method: "GET", headers: new Headers(), signal: new AbortController().signal, ...fields };
}

async function readAll(runtime: Runtime, url: string): Promise<string> {
  return await (await runtime.fetch(url, init())).text();
}

export const fetchCases: readonly Case[] = [
  {
    name: "a compressed response is not decoded, and none is requested",
    run: async (runtime) => {
      const compressed = gzipSync("hello");
      await using upstream = await startFakeUpstream(async (exchange) => {
        await exchange.head(200, { "content-encoding": "gzip", "content-length": String(compressed.length) });
        await exchange.write(compressed);
      });
      const response = await runtime.fetch(
        upstream.url,
        init({ headers: new Headers({ "accept-encoding": "gzip" }) }),
      );
      assert.equal(response.headers.get("content-encoding"), "gzip");
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), compressed);
      assert.equal(upstream.requests[0]?.headers.get("accept-encoding"), "identity");
    },
  },
  {
    name: "a redirect is not followed",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(jsonAnswer(302, {}, { location: "/elsewhere" }));
      const response = await runtime.fetch(upstream.url, init());
      await response.body?.cancel();
      assert.equal(response.status, 302);
      assert.equal(response.headers.get("location"), "/elsewhere");
      assert.equal(upstream.requests.length, 1);
    },
  },
  {
    name: "headers and body are sent as given, and the host is the URL's",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(jsonAnswer(200, {}));
      const headers = {
        accept: "application/json",
        authorization: "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
        "content-type": "application/json",
        "user-agent": "adit-test",
        "x-amz-date": "20260101T000000Z",
      };
      const body = encodeUtf8('{"text":"é"}');
      const given = new Headers({ ...headers, host: "elsewhere.test" });
      const response = await runtime.fetch(
        `${upstream.url}/model/a%3Ab%2Fc/invoke?x=%20`,
        init({ method: "POST", headers: given, body }),
      );
      await response.text();
      const request = await upstream.requestAt(0);
      assert.equal(request.startLine, "POST /model/a%3Ab%2Fc/invoke?x=%20 HTTP/1.1");
      assert.deepEqual(request.body, body);
      const { connection: _, "accept-language": __, ...sent } = Object.fromEntries(request.headers);
      assert.deepEqual(sent, {
        ...headers,
        "accept-encoding": "identity",
        "content-length": String(body.length),
        host: new URL(upstream.url).host,
      });
    },
  },
  {
    name: "a POST without a body says that its length is 0",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(jsonAnswer(200, {}));
      await (await runtime.fetch(upstream.url, init({ method: "POST" }))).text();
      assert.equal(upstream.requests[0]?.headers.get("content-length"), "0");
    },
  },
  {
    name: `${MANY} requests run at once`,
    run: async (runtime) => {
      const all = gate();
      await using upstream = await startFakeUpstream();
      upstream.always(after(all.opened, jsonAnswer(200, "done")));
      const answers = Array.from({ length: MANY }, () => readAll(runtime, upstream.url));
      await upstream.requestAt(MANY - 1);
      all.open();
      assert.deepEqual(new Set(await Promise.all(answers)), new Set(['"done"']));
      assert.equal(upstream.connections, MANY);
    },
  },
  {
    name: "a connection is used again once its body has been read or cancelled, also that of an error",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream();
      upstream.always(jsonAnswer(503, { message: "x".repeat(1000) }));
      for (let round = 0; round < 3; round++) await readAll(runtime, upstream.url);
      assert.equal(upstream.connections, 1);
      const cancelled = await runtime.fetch(upstream.url, init());
      await cancelled.body?.cancel();
      await readAll(runtime, upstream.url);
      assert.ok(upstream.connections <= 2);
    },
  },
  {
    name: "a pooled connection that the upstream has closed is not used again",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(
        async (exchange) => {
          await jsonAnswer(200, "first")(exchange);
          exchange.close();
        },
        jsonAnswer(200, "second"),
      );
      assert.equal(await readAll(runtime, upstream.url), '"first"');
      await upstream.idle();
      assert.equal(await readAll(runtime, upstream.url), '"second"');
    },
  },
  {
    name: "aborting before the answer closes the upstream connection and rejects",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(stall);
      const leaving = new AbortController();
      const answer = runtime.fetch(upstream.url, init({ signal: leaving.signal }));
      const rejected = assert.rejects(answer, { name: "AbortError" });
      await upstream.requestAt(0);
      leaving.abort();
      await rejected;
      await upstream.idle();
    },
  },
  {
    name: "cancelling the body, then aborting, closes the upstream connection",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(streamAnswer([encodeUtf8("first")], { then: stall }));
      const leaving = new AbortController();
      const { body } = await runtime.fetch(upstream.url, init({ signal: leaving.signal }));
      assert.ok(body !== null);
      const reader = runtime.openBody(body);
      assert.deepEqual((await reader.read()).value, encodeUtf8("first"));
      await reader.cancel();
      leaving.abort();
      await upstream.idle();
    },
  },
  {
    name: "an opened body returns all bytes, whatever the chunk size, and releases its connection",
    run: async (runtime) => {
      const sizes = [1, 16_383, 16_384, 16_385, 1, 100_000, 7];
      const pieces = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
      await using upstream = await startFakeUpstream();
      upstream.always(streamAnswer(pieces));
      for (let round = 0; round < 2; round++) {
        const { body } = await runtime.fetch(upstream.url, init());
        assert.ok(body !== null);
        const reader = runtime.openBody(body);
        const read: Uint8Array[] = [];
        for (let next = await reader.read(); !next.done; next = await reader.read()) read.push(next.value);
        assert.deepEqual(Buffer.concat(read), Buffer.concat(pieces));
      }
      assert.equal(upstream.connections, 1);
    },
  },
  {
    name: "an opened body that breaks off rejects and never looks complete",
    run: async (runtime) => {
      for (const breakOff of [reset, close]) {
        await using upstream = await startFakeUpstream(streamAnswer([encodeUtf8("one")], { then: breakOff }));
        await assert.rejects(async () => {
          const { body } = await runtime.fetch(upstream.url, init());
          assert.ok(body !== null);
          const reader = runtime.openBody(body);
          while (!(await reader.read()).done);
        }, { name: "TypeError" });
      }
    },
  },
  {
    name: "a connection that breaks before the answer rejects",
    run: async (runtime) => {
      for (const breakOff of [reset, close]) {
        await using upstream = await startFakeUpstream();
        upstream.always(breakOff);
        await assert.rejects(readAll(runtime, upstream.url));
        assert.equal(upstream.requests.length, 1, "the request was sent again");
      }
    },
  },
  {
    name: "a body that breaks off rejects and never looks complete",
    run: async (runtime) => {
      for (const breakOff of [reset, close]) {
        await using upstream = await startFakeUpstream(
          streamAnswer([encodeUtf8("first")], { then: breakOff }),
          async (exchange) => {
            await exchange.head(200, { "content-length": "100" });
            await exchange.write("less than that");
            await breakOff(exchange);
          },
        );
        await assert.rejects(readAll(runtime, upstream.url), "chunked");
        await assert.rejects(readAll(runtime, upstream.url), "with a length");
      }
    },
  },
  {
    name: "an upstream that refuses connections rejects",
    run: async (runtime) => {
      const upstream = await startFakeUpstream();
      await upstream.close();
      await assert.rejects(readAll(runtime, upstream.url));
    },
  },
  {
    name: "TLS asks for HTTP/1.1 alone",
    run: async (runtime) => {
      const { certificate, key } = selfSignedCertificate();
      const offered: string[][] = [];
      const server = createServer({
        cert: certificate,
        key,
        ALPNCallback: ({ protocols }) => {
          offered.push(protocols);
          return undefined;
        },
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      await assert.rejects(readAll(runtime, `https://127.0.0.1:${port}`));
      server.close();
      assert.deepEqual(offered.flat().filter((protocol) => protocol !== "http/1.1"), []);
    },
  },
  {
    name: "a client that leaves a relayed stream closes the upstream connection",
    run: async (runtime) => {
      await using upstream = await startFakeUpstream(streamAnswer([encodeUtf8("first")], { then: stall }));
      await using listener = listen(runtime, async (_, { clientGone }) => {
        const { body } = await runtime.fetch(upstream.url, init({ signal: clientGone }));
        const reader = body?.getReader();
        return new Response(
          new ReadableStream({
            pull: async (controller) => {
              const chunk = await reader?.read();
              if (chunk === undefined || chunk.done) controller.close();
              else controller.enqueue(chunk.value);
            },
            cancel: () => reader?.cancel(),
          }),
        );
      });
      const client = await connectRaw(listener.url);
      client.send(requestText("GET /"));
      await client.through("first");
      await client.close();
      await upstream.idle();
    },
  },
];
