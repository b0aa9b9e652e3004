/** A client on a bare socket: it sends the exact bytes of the test, and leaves when and how the test says. */

import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { HttpReader } from "./http_reader.ts";
import type { HttpMessage } from "./http_reader.ts";

export interface RawClient extends AsyncDisposable {
  readonly socket: Socket;
  send(data: string | Uint8Array): void;
  /** The next whole response; undefined if the server has closed instead. */
  answer(): Promise<HttpMessage | undefined>;
  /** Waits for the text; everything received up to its end. Undefined if the server closes before. */
  through(text: string): Promise<string | undefined>;
  /** What has come and was not taken yet, as text. */
  readonly pending: string;
  /** Waits for the text, without consuming it; false if the server closes before. */
  seen(text: string): Promise<boolean>;
  /** Everything until the server closes. */
  rest(): Promise<string>;
  /** Resolves once either side has ended the connection. */
  readonly closed: Promise<void>;
  /** Closes in the orderly way (FIN). */
  close(): Promise<void>;
  /** Breaks the connection off (RST). */
  reset(): Promise<void>;
}

/** Connects to the address of a URL such as `http://127.0.0.1:8080`. */
export async function connectRaw(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
  socket.setNoDelay(true);
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
  const reader = new HttpReader(socket);
  await once(socket, "connect");
  socket.on("error", () => {/* "close" follows */});
  return {
    socket,
    closed,
    send: (data) => {
      socket.write(data);
    },
    answer: () => reader.next(),
    through: (text) => reader.through(text),
    get pending() {
      return reader.pending;
    },
    seen: (text) => reader.seen(text),
    rest: async () => new TextDecoder().decode(await reader.rest()),
    close: () => {
      socket.destroy();
      return closed;
    },
    reset: () => {
      socket.resetAndDestroy();
      return closed;
    },
    [Symbol.asyncDispose]: () => {
      socket.destroy();
      return closed;
    },
  };
}

/** The text of a request, with a Host header and, if it has a body, its length. */
export function requestText(
  requestLine: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): string {
  const length = body === "" ? {} : { "Content-Length": String(new TextEncoder().encode(body).length) };
  const lines = Object.entries({ Host: "adit.test", ...length, ...headers }).map(([name, value]) =>
    `${name}: ${value}`
  );
  return [`${requestLine} HTTP/1.1`, ...lines, "", body].join("\r\n");
}
