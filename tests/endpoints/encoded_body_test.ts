/** Compressed request bodies of Chat and Messages. */

import { equal, match } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
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
