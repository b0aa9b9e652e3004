/**
 * Runtime suite: bytes that follow a request. Bun 1.4.4 parses them while the answer is in flight and gives up the
 * connection, so each case says on which runtime it is known to fail.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import type { Handler } from "../../lib/runtime/runtime.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { fedStream, gate, type KnownFailure, listen } from "./case.ts";

/** Answers with the target and the body, once the loop has been free. */
const echo: Handler = async (request, { target }) => {
  const body = await request.text();
  await new Promise((resolve) => setTimeout(resolve, 0));
  return new Response(`${target} ${body}`);
};

const textOf = (body: Uint8Array | undefined) => new TextDecoder().decode(body);

export const afterRequestCases: readonly KnownFailure[] = [
  {
    name: "two requests in one write are answered in order",
    failsOn: ["bun"],
    run: async (runtime) => {
      await using listener = listen(runtime, echo);
      await using client = await connectRaw(listener.url);
      client.send(requestText("POST /1", {}, "a") + requestText("POST /2", {}, "b"));
      assert.equal(textOf((await client.answer())?.body), "/1 a");
      assert.equal(textOf((await client.answer())?.body), "/2 b");
    },
  },
  {
    name: "an empty line after a request leaves the answer in flight whole",
    failsOn: ["bun"],
    run: async (runtime) => {
      const arrived = gate();
      const { stream, controller } = fedStream();
      await using listener = listen(runtime, (_, { target }) => {
        if (target === "/other") return Promise.resolve(new Response("other"));
        arrived.open();
        return Promise.resolve(new Response(stream));
      });
      await using client = await connectRaw(listener.url);
      client.send(requestText("GET /"));
      await arrived.opened;
      controller.enqueue(encodeUtf8("first"));
      assert.ok(await client.seen("first"));
      client.send("\r\n");
      // By the time another client has its answer, the empty line has been read.
      await using other = await connectRaw(listener.url);
      other.send(requestText("GET /other"));
      await other.answer();
      controller.enqueue(encodeUtf8("second"));
      controller.close();
      assert.equal(textOf((await client.answer())?.body), "firstsecond");
    },
  },
  {
    name: "a client that has closed its own side still gets the answer",
    failsOn: ["bun", "deno"],
    run: async (runtime) => {
      const mayAnswer = gate();
      await using listener = listen(runtime, async (request, connection) => {
        if (connection.target === "/1") await mayAnswer.opened;
        return echo(request, connection);
      });
      await using client = await connectRaw(listener.url);
      client.socket.end(requestText("POST /1", {}, "a"));
      await once(client.socket, "finish");
      // By the time another client has its answer, the end has been read.
      await using other = await connectRaw(listener.url);
      other.send(requestText("POST /other", {}, "b"));
      await other.answer();
      mayAnswer.open();
      assert.equal(textOf((await client.answer())?.body), "/1 a");
    },
  },
  {
    name: "trailers after a body in chunks are accepted",
    failsOn: ["bun"],
    run: async (runtime) => {
      await using listener = listen(runtime, echo);
      await using client = await connectRaw(listener.url);
      const head = requestText("POST /1", { "Transfer-Encoding": "chunked", Trailer: "X-Sum" });
      client.send(`${head}1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n`);
      assert.equal(textOf((await client.answer())?.body), "/1 a");
    },
  },
];
