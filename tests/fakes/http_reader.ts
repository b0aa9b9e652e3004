/** Reads HTTP/1.1 messages from a socket, and keeps the raw head with the parsed one. */

import type { Socket } from "node:net";
import { concat, decodeUtf8, EMPTY } from "../../lib/base/bytes.ts";

export interface HttpMessage {
  /** The message up to its empty line, as it was sent. */
  readonly head: string;
  /** The request line or the status line. */
  readonly startLine: string;
  /** Repeated headers are joined as `Headers` joins them. */
  readonly headers: Headers;
  /** The body with its chunked framing removed. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether the peer closed before the body was complete. */
  readonly truncated: boolean;
}

type Body = Pick<HttpMessage, "body" | "truncated">;

const HEAD_END = "\r\n\r\n";

/**
 * Turns the bytes of one connection into messages; it reads continuously, so that it notices at once when the peer
 * closes.
 */
export class HttpReader {
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;
  #ended = false;
  #wake = () => {};

  constructor(socket: Socket) {
    socket.on("data", (chunk) => {
      this.#chunks.push(new Uint8Array(chunk));
      this.#length += chunk.length;
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
  }

  /** What has come and was not taken yet, as text. */
  get pending(): string {
    return decodeUtf8(this.#joined());
  }

  /** The next message; undefined if the peer has closed instead. */
  async next(): Promise<HttpMessage | undefined> {
    const head = await this.through(HEAD_END);
    if (head === undefined) return undefined;
    const [startLine = "", ...lines] = head.slice(0, -HEAD_END.length).split("\r\n");
    const headers = new Headers(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    return { head, startLine, headers, ...await this.#body(startLine, headers) };
  }

  /** Resolves with all remaining bytes once the peer has closed. */
  async rest(): Promise<Uint8Array<ArrayBuffer>> {
    while (await this.#more());
    return this.#take(this.#length);
  }

  async #body(startLine: string, headers: Headers): Promise<Body> {
    if (headers.get("transfer-encoding") === "chunked") return await this.#chunked();
    const length = headers.get("content-length");
    if (length !== null) return await this.#exactly(Number(length));
    const endsWithConnection = startLine.startsWith("HTTP/") && !/ (?:1\d\d|204|304) /.test(startLine);
    return { body: endsWithConnection ? await this.rest() : EMPTY, truncated: false };
  }

  async #chunked(): Promise<Body> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const size = Number.parseInt(await this.through("\r\n") ?? "", 16);
      if (Number.isNaN(size)) return { body: concat(parts), truncated: true };
      const { body, truncated } = await this.#exactly(size + "\r\n".length);
      parts.push(body.subarray(0, size));
      if (truncated || size === 0) return { body: concat(parts), truncated };
    }
  }

  /** Waits for the text; everything received up to its end. Undefined if the peer closes before. */
  async through(end: string): Promise<string | undefined> {
    for (;;) {
      const at = Buffer.from(this.#joined().buffer, 0, this.#length).indexOf(end);
      if (at >= 0) return decodeUtf8(this.#take(at + end.length));
      if (!await this.#more()) return undefined;
    }
  }

  /** Waits for the text, without consuming it; false if the peer closes before. */
  async seen(text: string): Promise<boolean> {
    for (;;) {
      if (Buffer.from(this.#joined().buffer, 0, this.#length).includes(text)) return true;
      if (!await this.#more()) return false;
    }
  }

  async #exactly(length: number): Promise<Body> {
    while (this.#length < length && await this.#more());
    const truncated = this.#length < length;
    return { body: this.#take(Math.min(length, this.#length)), truncated };
  }

  /** Waits for another chunk; false if none will come. */
  #more(): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false);
    const before = this.#length;
    return new Promise((resolve) => {
      this.#wake = () => resolve(this.#length > before);
    });
  }

  #joined(): Uint8Array<ArrayBuffer> {
    const joined = concat(this.#chunks, this.#length);
    this.#chunks = [joined];
    return joined;
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    const joined = this.#joined();
    this.#chunks = [joined.slice(length)];
    this.#length = joined.length - length;
    return joined.slice(0, length);
  }
}
