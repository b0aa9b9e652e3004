import { EventStreamCodec, type MessageHeaders } from "@smithy/eventstream-codec";
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import {
  encodeFrame,
  EventStreamError,
  type EventStreamReason,
  type Frame,
  FrameDecoder,
  type HeaderValue,
} from "../../lib/codec/eventstream.ts";

const smithy = new EventStreamCodec((bytes) => decodeUtf8(toBytes(bytes)), encodeUtf8);

function toBytes(input: Uint8Array | string): Uint8Array {
  return typeof input === "string" ? encodeUtf8(input) : input;
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function decodeAll(...chunks: Uint8Array<ArrayBuffer>[]): Frame[] {
  const decoder = new FrameDecoder();
  const frames = chunks.flatMap((chunk) => decoder.push(chunk));
  decoder.end();
  return frames;
}

/** A frame as plain values, so that frames of different decoders can be compared. */
function plain(frame: Frame): unknown {
  return { headers: [...frame.headers], payload: decodeUtf8(frame.payload) };
}

function refusal(work: () => unknown): EventStreamReason | undefined {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof EventStreamError, `${error}`);
    return error.reason;
  }
  return undefined;
}

function event(type: string, payload: string): Uint8Array<ArrayBuffer> {
  return encodeFrame(
    { ":event-type": type, ":content-type": "application/json", ":message-type": "event" },
    encodeUtf8(payload),
  );
}

const GOLDEN: readonly [name: string, hex: string, headers: [string, HeaderValue][], payload: string][] = [
  ["an empty frame", "00000010 00000000 05c248eb 7d98c8ff", [], ""],
  [
    "a payload without headers",
    "0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936",
    [],
    "{'foo':'bar'}",
  ],
  [
    "a 32 bit integer header",
    "0000002d 00000010 41c424b8 0a 6576656e742d74797065 04 0000a00c 7b27666f6f273a27626172277d 36f480a0",
    [["event-type", 40972]],
    "{'foo':'bar'}",
  ],
];

for (const [name, hex, headers, payload] of GOLDEN) {
  Deno.test(`${name} is read from and written as the published bytes`, () => {
    assert.deepEqual(decodeAll(fromHex(hex)).map(plain), [{ headers, payload }]);
    assert.equal(toHex(encodeFrame(headers, encodeUtf8(payload))), hex.replaceAll(" ", ""));
  });
}

const HEADER_TYPES: MessageHeaders = {
  yes: { type: "boolean", value: true },
  no: { type: "boolean", value: false },
  byte: { type: "byte", value: -7 },
  short: { type: "short", value: -700 },
  integer: { type: "integer", value: -70_000 },
  binary: { type: "binary", value: Uint8Array.of(1, 2, 3) },
  string: { type: "string", value: "grüße" },
  timestamp: { type: "timestamp", value: new Date(1_700_000_000_123) },
  uuid: { type: "uuid", value: "01234567-89ab-cdef-0123-456789abcdef" },
};

Deno.test("every header type that AWS's codec writes is read", () => {
  const bytes = Uint8Array.from(smithy.encode({ headers: HEADER_TYPES, body: new Uint8Array() }));
  const [frame] = decodeAll(bytes);
  assert.deepEqual(
    [...frame!.headers],
    Object.entries(HEADER_TYPES).map(([name, { type, value }]) => [
      name,
      type === "uuid" ? { uuid: value } : value,
    ]),
  );
});

Deno.test("every header value that is written is read back, by this decoder and by AWS's", () => {
  const headers: [string, HeaderValue][] = [
    ["yes", true],
    ["no", false],
    ["integer", 70_000],
    ["long", -(2n ** 40n)],
    ["bytes", Uint8Array.of(9, 8)],
    ["string", "grüße"],
    ["empty", ""],
    ["time", new Date(1_700_000_000_123)],
    ["uuid", { uuid: "01234567-89ab-cdef-0123-456789abcdef" }],
  ];
  const bytes = encodeFrame(headers, encodeUtf8("body"));
  assert.deepEqual([...decodeAll(bytes)[0]!.headers], headers);
  const theirs = smithy.decode(bytes);
  assert.equal(decodeUtf8(theirs.body), "body");
  assert.deepEqual(Object.keys(theirs.headers), headers.map(([name]) => name));
  assert.equal(theirs.headers["long"]?.value.valueOf(), -(2 ** 40));
  assert.equal(theirs.headers["uuid"]?.value, "01234567-89ab-cdef-0123-456789abcdef");
  assert.deepEqual(theirs.headers["time"]?.value, new Date(1_700_000_000_123));
});

/** Pseudo-random numbers below `bound`, the same in every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

Deno.test("this decoder and AWS's read random frames alike, whichever encoded them", () => {
  const next = numbers(7);
  for (let round = 0; round < 500; round++) {
    const headers = Array.from(
      { length: next(6) },
      (_, index): [string, string] => [`h${index}-${"x".repeat(next(30))}`, "é".repeat(next(200))],
    );
    const payload = Uint8Array.from({ length: next(3000) }, () => next(256));
    const ours = encodeFrame(headers, payload);
    const theirs = Uint8Array.from(smithy.encode({
      headers: Object.fromEntries(headers.map(([name, value]) => [name, { type: "string", value }])),
      body: payload,
    }));
    assert.equal(toHex(ours), toHex(theirs));
    assert.deepEqual(decodeAll(theirs).map(({ headers, payload }) => ({ headers: [...headers], payload })), [
      { headers, payload },
    ]);
  }
});

const STREAM = [
  event("messageStart", `{"role":"assistant"}`),
  event("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"one"}}`),
  event("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"two"}}`),
  encodeFrame({}, new Uint8Array()),
  event("messageStop", `{"stopReason":"end_turn"}`),
];
const BYTES = join(...STREAM);
const EXPECTED = STREAM.map((bytes) => plain(decodeAll(bytes)[0]!));

Deno.test("frames are the same wherever the bytes are split", () => {
  for (let cut = 0; cut <= BYTES.length; cut++) {
    const frames = decodeAll(BYTES.slice(0, cut), BYTES.slice(cut));
    assert.deepEqual(frames.map(plain), EXPECTED, `cut at ${cut}`);
  }
});

for (const size of [1, 2, 3, 7, 11, 12, 13, 100]) {
  Deno.test(`frames are the same in chunks of ${size} bytes`, () => {
    const chunks = Array.from(
      { length: Math.ceil(BYTES.length / size) },
      (_, index) => BYTES.slice(index * size, (index + 1) * size),
    );
    assert.deepEqual(decodeAll(...chunks).map(plain), EXPECTED);
  });
}

Deno.test("a frame that is contained in one chunk is a view of it, not a copy", () => {
  const chunk = join(STREAM[0]!, STREAM[1]!);
  for (const { payload } of decodeAll(chunk)) assert.equal(payload.buffer, chunk.buffer);
});

Deno.test("equal header blocks are decoded once and unequal ones never mixed up", () => {
  const [start, first, second, none] = decodeAll(BYTES);
  assert.equal(first!.headers, second!.headers);
  assert.notEqual(start!.headers, first!.headers);
  assert.equal(none!.headers.size, 0);
});

Deno.test("a flipped bit anywhere in a frame is refused", () => {
  const frame = STREAM[1]!;
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const damaged = frame.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const reason = bit < 12 * 8 ? "prelude_crc" : "message_crc";
    assert.equal(refusal(() => decodeAll(damaged)), reason, `bit ${bit}`);
    assert.equal(refusal(() => decodeAll(...Array.from(damaged, (byte) => Uint8Array.of(byte)))), reason);
  }
});

Deno.test("frames before a bad one are returned, and every later call throws", () => {
  const bad = STREAM[1]!.slice();
  bad[20]! ^= 1;
  const decoder = new FrameDecoder();
  assert.deepEqual(decoder.push(join(STREAM[0]!, bad, STREAM[2]!)).map(plain), [EXPECTED[0]]);
  assert.equal(refusal(() => decoder.push(STREAM[2]!)), "message_crc");
  assert.equal(refusal(() => decoder.push(STREAM[2]!)), "message_crc");
  assert.equal(refusal(() => decoder.end()), "message_crc");
});

Deno.test("a frame over the limit is refused by its prelude, before the rest arrives", () => {
  const frame = encodeFrame({}, new Uint8Array(100));
  const exact = new FrameDecoder({ maxFrameBytes: frame.length });
  assert.equal(exact.push(frame).length, 1);
  const small = new FrameDecoder({ maxFrameBytes: frame.length - 1 });
  assert.equal(refusal(() => small.push(frame.slice(0, 12))), "too_large");
});

Deno.test("bytes that end inside a frame are reported as truncated, at every length", () => {
  const frame = STREAM[0]!;
  for (let length = 1; length < frame.length; length++) {
    assert.equal(refusal(() => decodeAll(STREAM[1]!, frame.slice(0, length))), "truncated", `${length}`);
  }
  assert.deepEqual(decodeAll(), []);
});

/** A frame with valid checksums around any header block and any lengths. */
function forge(
  block: Uint8Array,
  lengths: { total?: number; headers?: number } = {},
): Uint8Array<ArrayBuffer> {
  const frame = encodeFrame({}, Uint8Array.from(block));
  const view = new DataView(frame.buffer);
  view.setUint32(0, lengths.total ?? frame.length);
  view.setUint32(4, lengths.headers ?? block.length);
  view.setUint32(8, crc32(frame.subarray(0, 8)));
  view.setUint32(frame.length - 4, crc32(frame.subarray(0, frame.length - 4)));
  return frame;
}

const MALFORMED: readonly [name: string, frame: Uint8Array<ArrayBuffer>, reason: EventStreamReason][] = [
  ["a total length below the overhead", forge(Uint8Array.of(), { total: 15 }), "length"],
  ["headers longer than the frame", forge(Uint8Array.of(), { headers: 1 }), "length"],
  ["a header without a name", forge(Uint8Array.of(0, 7, 0, 0)), "header"],
  ["a name that runs past the headers", forge(Uint8Array.of(5, 97)), "header"],
  ["a header that ends after its name", forge(Uint8Array.of(1, 97)), "header"],
  ["a value that runs past the headers", forge(Uint8Array.of(1, 97, 7, 0, 2, 98)), "header"],
  ["a length that runs past the headers", forge(Uint8Array.of(1, 97, 6, 0)), "header"],
  ["an integer that runs past the headers", forge(Uint8Array.of(1, 97, 5, 0, 0)), "header"],
  ["an unknown value type", forge(Uint8Array.of(1, 97, 10)), "header"],
];

for (const [name, frame, reason] of MALFORMED) {
  Deno.test(`${name} is refused though the checksums are right`, () => {
    assert.equal(refusal(() => decodeAll(frame)), reason);
  });
}

Deno.test("headers that the format cannot represent are not encoded", () => {
  assert.throws(() => encodeFrame({ "": "x" }, new Uint8Array()), /Cannot encode header ""/);
  assert.throws(() => encodeFrame({ ["n".repeat(256)]: "x" }, new Uint8Array()), RangeError);
  assert.throws(
    () => encodeFrame({ long: "x".repeat(32_768) }, new Uint8Array()),
    /Cannot encode header "long"/,
  );
});

Deno.test("every frame has its own headers, however many others came before", () => {
  const kinds = Array.from({ length: 100 }, (_, index) => ({
    ":event-type": `event${index}`,
    ":message-type": index % 2 === 0 ? "event" : "x".repeat(300),
  }));
  const frames = [...kinds, ...kinds].map((headers) => encodeFrame(headers, encodeUtf8("{}")));
  assert.deepEqual(
    decodeAll(join(...frames)).map(({ headers }) => Object.fromEntries(headers)),
    [...kinds, ...kinds],
  );
});

Deno.test("a header value that can be changed is not shared with another stream", () => {
  const frame = encodeFrame([["bytes", Uint8Array.of(1, 2)], ["at", new Date(0)]], encodeUtf8("{}"));
  const [first] = decodeAll(frame);
  const bytes = first!.headers.get("bytes");
  assert.ok(bytes instanceof Uint8Array);
  bytes[0] = 9;
  assert.deepEqual(decodeAll(frame)[0]!.headers.get("bytes"), Uint8Array.of(1, 2));
});
