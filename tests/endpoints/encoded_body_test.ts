/** Compressed request bodies of Chat and Messages. */

import { equal, match } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";

const CALLER = caller("search", { models: new Set(["nova"]) });
const CONFIG = snapshot({
  models: [model("nova", provider("east", "us-east-1"), "amazon.nova-lite-v1:0")],
  callers: [CALLER],
});
const KEY = { authorization: `Bearer ${CALLER.key}` };
const PATHS = ["/v1/chat/completions", "/v1/messages"];

const bodyOf = (text: string) =>
  JSON.stringify({ model: "nova", max_tokens: 5, messages: [{ role: "user", content: text }] });

const CODERS = { gzip: gzipSync, zstd: zstdCompressSync } as const;

for (const [encoding, compress] of Object.entries(CODERS)) {
  Deno.test(`a body in ${encoding} is read like a plain one`, async () => {
    for (const path of PATHS) {
      const gateway = startGateway(CONFIG);
      const { response } = gateway.send(path, {
        headers: { ...KEY, "content-encoding": encoding },
        body: new Uint8Array(compress(bodyOf("Hello"))),
      });
      const call = await gateway.bedrock.call(0);
      match(decodeUtf8(call.init.body ?? new Uint8Array()), /"text":"Hello"/);
      equal(call.init.headers.get("content-encoding"), null);
      call.answerWhole(400, "{}");
      await response;
    }
  });

  Deno.test(`a body in ${encoding} that becomes too large is refused as such`, async () => {
    const gateway = startGateway(CONFIG);
    const body = new Uint8Array(compress(bodyOf("x".repeat(CONFIG.limits.bodyBytes))));
    const answer = await gateway.send(PATHS[0] ?? "", {
      headers: { ...KEY, "content-encoding": encoding },
      body,
    }).response;
    equal(answer.status, 413);
    match(await answer.text(), /uncompressed body exceeds/);
  });
}

Deno.test("an unknown encoding, or a body that is not in its encoding, is refused", async () => {
  for (
    const [encoding, words] of [["br", /unsupported encoding/], ["gzip", /not valid gzip/], [
      "zstd",
      /not valid zstd/,
    ]] as const
  ) {
    const gateway = startGateway(CONFIG);
    const answer = await gateway.send(PATHS[0] ?? "", {
      headers: { ...KEY, "content-encoding": encoding },
      body: bodyOf("Hello"),
    }).response;
    equal(answer.status, 400);
    match(await answer.text(), words);
  }
});

const refusalOf = async (encoding: string, body: Uint8Array<ArrayBuffer>) => {
  const gateway = startGateway(CONFIG);
  const headers = { ...KEY, "content-encoding": encoding };
  const answer = await gateway.send(PATHS[0] ?? "", { headers, body }).response;
  equal(gateway.bedrock.calls.length, 0);
  return `${answer.status} ${(await answer.json()).error.message}`;
};

const bytes = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
/** A skippable frame with four bytes. */
const SKIPPED = Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);

Deno.test("a body of several members or frames is read whole", async () => {
  const [first, second] = [bodyOf("Hello").slice(0, 20), bodyOf("Hello").slice(20)];
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const bodies = [
    ["gzip", bytes(gzipSync(first), gzipSync(second))],
    ["zstd", bytes(zstdCompressSync(first), zstdCompressSync(second, checked))],
    ["zstd", bytes(SKIPPED, zstdCompressSync(first), SKIPPED, zstdCompressSync(second), SKIPPED)],
  ] as const;
  for (const [encoding, body] of bodies) {
    const gateway = startGateway(CONFIG);
    const headers = { ...KEY, "content-encoding": encoding };
    const { response } = gateway.send(PATHS[0] ?? "", { headers, body });
    const call = await gateway.bedrock.call(0);
    match(decodeUtf8(call.init.body ?? new Uint8Array()), /"text":"Hello"/);
    call.answerWhole(400, "{}");
    await response;
  }
});

Deno.test("several members or frames are bounded together, whatever each says of its size", async () => {
  const half = Buffer.alloc(CONFIG.limits.bodyBytes / 2 + 1, " ");
  for (const [encoding, compress] of Object.entries(CODERS)) {
    match(
      await refusalOf(encoding, bytes(compress(half), compress(half))),
      /^413 the uncompressed body exceeds/,
    );
  }
  const lying = gzipSync(half);
  lying.writeUInt32LE(1, lying.length - 4);
  match(await refusalOf("gzip", bytes(lying)), /^400 content-encoding: .*not valid gzip/);
});

Deno.test("a compressed body that is cut off or followed by other bytes is refused", async () => {
  for (const [encoding, compress] of Object.entries(CODERS)) {
    const whole = compress(bodyOf("Hello".repeat(100)));
    for (const cut of [1, 4, 5, 9, whole.length >> 1, whole.length - 1]) {
      match(await refusalOf(encoding, bytes(whole.subarray(0, cut))), /^400 content-encoding: .*not valid/);
    }
    match(await refusalOf(encoding, bytes(whole, Buffer.from("{}"))), /^400 content-encoding: .*not valid/);
  }
});

Deno.test("a body that is compressed twice, or several times as one coding, is refused", async () => {
  const twice = bytes(gzipSync(gzipSync(bodyOf("Hello"))));
  match(await refusalOf("gzip, gzip", twice), /^400 content-encoding: unsupported encoding/);
  match(await refusalOf("gzip", twice), /^400 .*not valid (?:JSON|UTF-8)/);
  for (const encoding of ["deflate", "compress", "zstd, gzip", "gzip;q=1", "constructor", "identity, gzip"]) {
    match(await refusalOf(encoding, twice), /^400 content-encoding: unsupported encoding/);
  }
});

Deno.test("a zstd frame that needs more memory than HTTP allows, and frames without end, are refused", async () => {
  const window = (log: number) => ({ params: { [constants.ZSTD_c_windowLog]: log } });
  const text = Buffer.from(bodyOf(" ".repeat(100)));
  // A window is only written where the size of the content is not known, or larger.
  const frame = zstdCompressSync(Buffer.alloc(CONFIG.limits.bodyBytes, text), window(20));
  const wide = Uint8Array.from(frame);
  equal(wide[4] !== undefined && (wide[4] & 0x20), 0);
  wide[5] = (27 - 10) << 3;
  match(await refusalOf("zstd", bytes(wide)), /^400 content-encoding: .*not valid zstd/);
  const empty = zstdCompressSync("");
  match(
    await refusalOf("zstd", bytes(...Array.from({ length: 1001 }, () => empty))),
    /^400 .*not valid zstd/,
  );
});
