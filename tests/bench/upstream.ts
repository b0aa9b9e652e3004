/**
 * The Bedrock of the benchmark: canned responses over bare sockets, so that it costs little compared with the subject.
 * Prints its port. The path selects the response: by the operation, and by one of `BEHAVIOURS` in the model id.
 */

import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import {
  ANSWERS,
  type CannedStream,
  STREAM_DELTAS,
  type StreamKind,
  STREAMS,
  wholeStream,
} from "./canned.ts";
import { microseconds } from "./time.ts";

/** Events in a packet of an even stream: with one in each, the benchmark would measure the upstream. */
const EVENTS_IN_PACKET = 10;
/** Packets after which a stream is cut. */
const CUT_AFTER = 3;
/** Time between two events of a paced stream. */
const PACE_MS = 50;
/** Paced streams are spread over this many phases, so that they do not all send at once. */
const PHASES = 50;
const HEADERS_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** How a stream is sent; the model id of a request names one, and the default is `even`. */
type Behaviour = "even" | "burst" | "paced" | "cut" | "throttled";
const BEHAVIOURS: readonly Behaviour[] = ["even", "burst", "paced", "cut", "throttled"];

interface Canned {
  readonly packets: readonly Buffer[];
  readonly burst: Buffer;
  readonly answer: Buffer;
}

const STREAM_HEAD = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n" +
    "x-amzn-requestid: 00000000-0000-4000-8000-000000000000\r\n\r\n",
);
const THROTTLED = answerOf(
  "429 Too Many Requests\r\nx-amzn-errortype: ThrottlingException",
  Buffer.from('{"message":"Too many requests"}'),
);

const CANNED: Readonly<Record<StreamKind, Canned>> = {
  converse: canned(ANSWERS.converse, STREAMS.converse),
  invoke: canned(ANSWERS.invoke, STREAMS.invoke),
};

function canned(answer: Buffer, stream: CannedStream): Canned {
  const frames = wholeStream(stream).map(chunk);
  return {
    packets: packetsOf(frames),
    burst: Buffer.concat([STREAM_HEAD, ...frames, LAST_CHUNK]),
    answer: answerOf("200 OK", answer),
  };
}

/** The first event in its own packet, the others in tens. */
function packetsOf([first, ...others]: readonly Buffer[]): readonly Buffer[] {
  const packets = first === undefined ? [] : [first];
  for (let from = 0; from < others.length; from += EVENTS_IN_PACKET) {
    packets.push(Buffer.concat(others.slice(from, from + EVENTS_IN_PACKET)));
  }
  return packets;
}

function answerOf(status: string, body: Buffer): Buffer {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n` +
    "x-amzn-requestid: 00000000-0000-4000-8000-000000000000\r\n\r\n";
  return Buffer.concat([Buffer.from(head), body]);
}

/** One chunk of the chunked transfer coding. */
function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** Reads requests from one connection, and answers each when its body has arrived. */
class Peer {
  readonly socket: Socket;
  #head = "";
  #path = "";
  #bodyLeft = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", () => {});
  }

  #read(bytes: Buffer): void {
    if (this.#bodyLeft > 0) {
      this.#bodyLeft -= bytes.length;
    } else {
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end === -1) return;
      const [, length = "0"] = /^content-length: *(\d+)/im.exec(this.#head) ?? [];
      this.#path = this.#head.slice(this.#head.indexOf(" ") + 1, this.#head.indexOf(" HTTP/1.1\r\n"));
      this.#bodyLeft = Number(length) - (this.#head.length - end - HEADERS_END.length);
      this.#head = "";
    }
    if (this.#bodyLeft <= 0) answer(this.socket, this.#path);
  }
}

function answer(socket: Socket, path: string): void {
  const behaviour = BEHAVIOURS.find((name) => path.includes(`.${name}`)) ?? "even";
  const kind: StreamKind = path.includes("/invoke") ? "invoke" : "converse";
  const { answer, burst, packets } = CANNED[kind];
  if (behaviour === "throttled") return void socket.write(THROTTLED);
  if (!path.endsWith("stream")) return void socket.write(answer);
  switch (behaviour) {
    case "burst":
      return void socket.write(burst);
    case "paced":
      return pace(socket);
    case "even":
      socket.write(STREAM_HEAD);
      return sendInTurn(socket, packets, 0);
    case "cut":
      socket.write(STREAM_HEAD);
      for (const packet of packets.slice(0, CUT_AFTER)) socket.write(packet);
      return void socket.end();
  }
}

/** Packet by packet, as fast as the reader takes them. */
function sendInTurn(socket: Socket, packets: readonly Buffer[], from: number): void {
  const packet = packets[from];
  if (socket.destroyed) return;
  if (packet === undefined) return void socket.write(LAST_CHUNK);
  const next = () => setImmediate(sendInTurn, socket, packets, from + 1);
  if (socket.write(packet)) next();
  else socket.once("drain", next);
}

interface Paced {
  readonly socket: Socket;
  left: number;
}

const phases: Set<Paced>[] = Array.from({ length: PHASES }, () => new Set());
let nextPhase = 0;
let phaseNow = 0;

/** An event every `PACE_MS`, each with the time at which it was sent. */
function pace(socket: Socket): void {
  socket.write(STREAM_HEAD);
  for (const frame of STREAMS.converse.opening) socket.write(chunk(frame));
  phases[nextPhase]?.add({ socket, left: STREAM_DELTAS });
  nextPhase = (nextPhase + 1) % PHASES;
}

const PACED_END = Buffer.concat([...STREAMS.converse.closing.map(chunk), LAST_CHUNK]);

/** Sends an event to each stream of the next phase. */
function sendPhase(): void {
  const phase = phases[phaseNow];
  phaseNow = (phaseNow + 1) % PHASES;
  if (phase === undefined || phase.size === 0) return;
  const event = chunk(STREAMS.converse.delta(`@${microseconds()}@`));
  for (const stream of phase) {
    if (stream.socket.destroyed) {
      phase.delete(stream);
    } else if (stream.left-- > 0) {
      stream.socket.write(event);
    } else {
      stream.socket.write(PACED_END);
      phase.delete(stream);
    }
  }
}

setInterval(sendPhase, PACE_MS / PHASES);

const server = createServer((socket) => void new Peer(socket));
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
});
