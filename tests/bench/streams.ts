/**
 * A client of streams, for figures that `wrk` does not have: the time to the first event, and the delay of each one.
 * Takes its orders as JSON, prints `open` when all streams are open, and its findings as JSON in the last line.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { STREAM_DELTAS } from "./canned.ts";
import { microseconds } from "./time.ts";

export interface StreamOrders {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyFile: string;
  /** `first`: one stream after the other, until one fails. `open`: all of them together, opened over two seconds. */
  readonly mode: "first" | "open";
  readonly streams: number;
}

export interface StreamFindings {
  /** Streams that did not end, or lost an event. */
  readonly failed: number;
  readonly events: number;
  /** Time from the request to the first event, or in the mode `open` from the sending of each event by the upstream. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

const OPENING_MS = 2000;
/** A stream that takes longer has failed. */
const MAX_STREAM_MS = 20_000;
const LAST_CHUNK = "0\r\n\r\n";
/** The time at which the upstream sent an event, in its text. */
const SENT_AT = /@(\d+)@/g;
/** At least the length of a time, so that one that is divided between two packets is found. */
const OVERLAP_CHARS = 24;

const orders: StreamOrders = JSON.parse(process.argv[2] ?? "");
const delays: number[] = [];
let events = 0;
let failed = 0;

function requestBytes(): Buffer {
  const { url, headers, bodyFile } = orders;
  const { host, pathname } = new URL(url);
  const body = readFileSync(bodyFile);
  const lines = Object.entries({ host, ...headers, "content-length": String(body.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`POST ${pathname} HTTP/1.1\r\n${head}\r\n`), body]);
}

const request = requestBytes();

function open(): Promise<Socket> {
  const { hostname, port } = new URL(orders.url);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: hostname, port: Number(port) }, () => resolve(socket));
  socket.setNoDelay(true);
  socket.once("error", reject);
  return promise;
}

/** Sends the request once and reads its response to the end; `onBytes` gets everything after the head. */
function exchange(socket: Socket, onBytes: (bytes: Buffer) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = () => finish(new Error("Cannot read a stream: the connection was closed"));
  const stalled = setTimeout(
    () => finish(new Error("Cannot read a stream: it does not end")),
    MAX_STREAM_MS,
  );
  let head: string | undefined = "";
  let ending = "";
  function finish(error?: Error): void {
    clearTimeout(stalled);
    socket.off("data", onData);
    socket.off("close", onClose);
    if (error === undefined) resolve();
    else reject(error);
  }
  function onData(bytes: Buffer): void {
    let rest = bytes;
    if (head !== undefined) {
      const held = head.length;
      head += bytes.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return;
      if (!head.startsWith("HTTP/1.1 200")) return finish(new Error(`Cannot read a stream: ${head}`));
      rest = bytes.subarray(end + "\r\n\r\n".length - held);
      head = undefined;
    }
    if (rest.length > 0) onBytes(rest);
    const last = rest.toString("latin1", Math.max(0, rest.length - LAST_CHUNK.length));
    ending = (ending + last).slice(-LAST_CHUNK.length);
    if (ending === LAST_CHUNK) finish();
  }
  socket.on("data", onData);
  socket.on("close", onClose);
  socket.write(request);
  return promise;
}

async function measureFirstEvents(): Promise<void> {
  const socket = await open();
  for (let stream = 0; stream < orders.streams && failed === 0; stream++) {
    const sentAt = microseconds();
    let first: number | undefined;
    try {
      await exchange(socket, () => first ??= microseconds());
      events++;
      delays.push((first ?? Infinity) - sentAt);
    } catch {
      failed++;
    }
  }
  socket.destroy();
}

async function measureOpenStreams(): Promise<void> {
  let opened = 0;
  const running = Array.from({ length: orders.streams }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index * OPENING_MS / orders.streams));
    const socket = await open();
    let seen = 0;
    let tail = "";
    const finished = exchange(socket, (bytes) => {
      const now = microseconds();
      const text = tail + bytes.toString("latin1");
      let end = 0;
      for (const match of text.matchAll(SENT_AT)) {
        end = match.index + match[0].length;
        delays.push(now - Number(match[1]));
        if (seen++ === 0 && ++opened === orders.streams) process.stdout.write("open\n");
      }
      tail = text.slice(Math.max(end, text.length - OVERLAP_CHARS));
    });
    await finished;
    events += seen;
    if (seen !== STREAM_DELTAS) failed++;
    socket.destroy();
  });
  for (const { status } of await Promise.allSettled(running)) {
    if (status === "rejected") failed++;
  }
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

if (orders.mode === "first") await measureFirstEvents();
else await measureOpenStreams();
delays.sort((one, other) => one - other);
const findings: StreamFindings = {
  failed,
  events,
  p50Us: percentile(delays, 0.5),
  p99Us: percentile(delays, 0.99),
  maxUs: delays.at(-1) ?? NaN,
};
process.stdout.write(`\n${JSON.stringify(findings)}\n`);
