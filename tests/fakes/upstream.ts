/** A fake Bedrock on a bare socket: it records every byte of its requests, and misbehaves as scripted. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { HttpReader } from "./http_reader.ts";
import type { HttpMessage } from "./http_reader.ts";

/** Handles one request of the upstream; returns when it has nothing more to do. */
export type Answer = (exchange: Exchange) => void | Promise<void>;

/** One request, and the socket to answer it on. */
export interface Exchange {
  readonly request: HttpMessage;
  /** Number of the connection, from 1, in the order they were opened. */
  readonly connection: number;
  /** Resolves when the client closes its connection or loses it. */
  readonly clientClosed: Promise<void>;
  /** Writes bytes as they are; resolves when the operating system has taken them, or the client is gone. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Writes status line and headers. */
  head(status: number, headers: Readonly<Record<string, string>>): Promise<void>;
  /** Writes one chunk of a chunked body. */
  chunk(bytes: Uint8Array | string): Promise<void>;
  /** Ends a chunked body. */
  end(): Promise<void>;
  /** Closes the connection in the orderly way (FIN). */
  close(): void;
  /** Breaks the connection off (RST). */
  reset(): void;
}

export interface FakeUpstream extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`, for a provider's `endpoint`. */
  readonly url: string;
  /** Every request that has been read in full, oldest first. */
  readonly requests: readonly HttpMessage[];
  /** Number of connections that are open now. */
  readonly openConnections: number;
  /** Number of connections so far. */
  readonly connections: number;
  /** Queues answers: each serves one request. A request without one gets a 500 that says so. */
  script(...answers: Answer[]): void;
  /** Answers every request that has no scripted answer. */
  always(answer: Answer): void;
  /** Resolves with the request of that index once it has been read. */
  requestAt(index: number): Promise<HttpMessage>;
  /** Resolves once no connection is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a fake upstream on a free port of 127.0.0.1. */
export async function startFakeUpstream(...answers: Answer[]): Promise<FakeUpstream> {
  const queue = [...answers];
  const requests: HttpMessage[] = [];
  const sockets = new Set<Socket>();
  let waiting: (() => void)[] = [];
  let fallback: Answer = jsonAnswer(500, { message: "the fake upstream has no answer scripted" });
  let connections = 0;

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const notify = () => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };

  const server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => {
        sockets.delete(socket);
        resolve();
        notify();
      });
    });
    socket.on("error", () => {/* "close" follows */});
    socket.setNoDelay(true);
    void serveConnection(socket, async (request) => {
      requests.push(request);
      const answer = queue.shift() ?? fallback;
      notify();
      await answer(createExchange(socket, { request, connection, clientClosed: closed }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const upstream: FakeUpstream = {
    url: `http://127.0.0.1:${port}`,
    requests,
    get openConnections() {
      return sockets.size;
    },
    get connections() {
      return connections;
    },
    script: (...more) => {
      queue.push(...more);
    },
    always: (answer) => {
      fallback = answer;
    },
    requestAt: async (index) => {
      await until(() => requests.length > index);
      return requests[index] as HttpMessage;
    },
    idle: () => until(() => sockets.size === 0),
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await upstream.idle();
    },
    [Symbol.asyncDispose]: () => upstream.close(),
  };
  return upstream;
}

async function serveConnection(
  socket: Socket,
  serve: (request: HttpMessage) => Promise<void>,
): Promise<void> {
  const reader = new HttpReader(socket);
  for (;;) {
    const request = await reader.next();
    if (request === undefined) return;
    await serve(request);
  }
}

type ExchangeFacts = Pick<Exchange, "request" | "connection" | "clientClosed">;

function createExchange(socket: Socket, facts: ExchangeFacts): Exchange {
  const write = (bytes: Uint8Array | string): Promise<void> => {
    if (socket.destroyed) return facts.clientClosed;
    return new Promise((resolve) => {
      socket.write(bytes, () => resolve());
      void facts.clientClosed.then(resolve);
    });
  };
  return {
    ...facts,
    write,
    head: (status, headers) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      return write(`HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n`);
    },
    chunk: async (bytes) => {
      const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      const size = new TextEncoder().encode(`${data.length.toString(16)}\r\n`);
      const framed = new Uint8Array(size.length + data.length + 2);
      framed.set(size);
      framed.set(data, size.length);
      framed.set([13, 10], size.length + data.length);
      await write(framed);
    },
    end: () => write("0\r\n\r\n"),
    close: () => {
      socket.end();
    },
    reset: () => {
      socket.resetAndDestroy();
    },
  };
}

/** A whole JSON answer. */
export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return async (exchange) => {
    await exchange.head(status, {
      "content-type": "application/json",
      "content-length": String(body.length),
      ...headers,
    });
    await exchange.write(body);
  };
}

export interface StreamAnswerOptions {
  /** Headers in addition to `content-type: application/vnd.amazon.eventstream`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Positions in the bytes of all frames at which to cut; without them each frame is one chunk. */
  readonly cuts?: readonly number[];
  /** Replaces the proper end of the body. */
  readonly then?: Answer;
}

/** A streamed response of the given frames, each in one chunk and one write unless `cuts` says otherwise. */
export function streamAnswer(frames: readonly Uint8Array[], options: StreamAnswerOptions = {}): Answer {
  const { headers = {}, cuts, then } = options;
  const pieces = cuts === undefined ? frames : cutAt(frames, cuts);
  return async (exchange) => {
    await exchange.head(200, {
      "content-type": "application/vnd.amazon.eventstream",
      "transfer-encoding": "chunked",
      ...headers,
    });
    for (const piece of pieces) await exchange.chunk(piece);
    await (then === undefined ? exchange.end() : then(exchange));
  };
}

function cutAt(frames: readonly Uint8Array[], cuts: readonly number[]): Uint8Array[] {
  const whole = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let offset = 0;
  for (const frame of frames) {
    whole.set(frame, offset);
    offset += frame.length;
  }
  const edges = [0, ...cuts, whole.length];
  return edges.slice(1).map((end, index) => whole.subarray(edges[index], end)).filter((piece) =>
    piece.length > 0
  );
}

/** Sends nothing until the client leaves. */
export const stall: Answer = (exchange) => exchange.clientClosed;

/** Breaks the connection off (RST). */
export const reset: Answer = (exchange) => exchange.reset();

/** Closes the connection in the orderly way, even within the response. */
export const close: Answer = (exchange) => exchange.close();

/** Waits for the event, then answers. */
export function after(event: Promise<unknown>, answer: Answer): Answer {
  return async (exchange) => {
    await event;
    await answer(exchange);
  };
}
