/**
 * `make micro`: the cost of single steps of a request, as multiples of a fixed loop on the same runtime, compared with
 * the stored baseline. Fails if a step takes half as long again; `UPDATE=1` stores the figures. Runs on Bun and Deno.
 */

import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { parseJsonBody } from "../../lib/base/json.ts";
import { identify } from "../../lib/callers/authenticate.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../lib/codec/eventstream.ts";
import { encodeSseData } from "../../lib/codec/sse.ts";
import { resolveModel } from "../../lib/gateway/resolve.ts";
import { chatToConverse } from "../../lib/translate/chat/request.ts";
import { ConverseStreamToChat } from "../../lib/translate/chat/answer_stream.ts";
import { parseConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";
import { parseChatRequest } from "../../lib/wire/openai/chat.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { STREAMS, wholeStream } from "./canned.ts";
import { chatBody } from "./requests.ts";
import { bestOf, processorTimeOf, ratiosTo } from "./sampling.ts";
import { keepUsage } from "../fakes/kept_usage.ts";
import { shortRequest, THREE_RULES } from "./short_request.ts";
import { signing } from "./signing.ts";

const KB = 1000;
const NOW_MS = Date.UTC(2026, 10, 20, 9);

const models = Array.from(
  { length: 100 },
  (_, index) => model(`model-${index}`, provider("east", "us-east-1")),
);
const callers = Array.from(
  { length: 100 },
  (_, index) => caller(`caller-${index}`, { models: new Set(models.map(({ name }) => name)) }),
);
const configuration = snapshot({ models, callers });
const settings = models[0]?.targets[0];
const [, someCaller] = callers;
if (settings === undefined || someCaller === undefined) throw new Error("Cannot measure: no models");
const { traits } = settings;
const credentials = new Headers({ authorization: `Bearer ${someCaller.key}` });

const stream = new Uint8Array(Buffer.concat([...wholeStream(STREAMS.converse)]));
const events = framesOf(stream).map(({ headers, payload }) =>
  parseConverseEvent(String(headers.get(":event-type")), payload)
);
const body = encodeUtf8(chatBody({ bytes: 100 * KB, pace: "even" }, true));
const request = parseChatRequest(parseJsonBody(body, { maxDepth: 64, maxValues: 1_000_000 }));
const converse = chatToConverse(request, { traits, settings });
const payload = encodeUtf8(JSON.stringify({ contentBlockIndex: 0, delta: { text: " word" } }));

function framesOf(bytes: Uint8Array<ArrayBuffer>): readonly Frame[] {
  return new FrameDecoder().push(bytes);
}

const STEPS: Readonly<Record<string, () => unknown>> = {
  "decode the frames of a stream": () => framesOf(stream),
  "read the events of a stream": () =>
    framesOf(stream).map((frame) =>
      parseConverseEvent(String(frame.headers.get(":event-type")), frame.payload)
    ),
  "translate the events of a stream": () => {
    const context = { id: "chatcmpl-1", created: 1, model: "m", call: converse };
    const translation = new ConverseStreamToChat(context);
    return events.map((event) => translation.push(event)).join("");
  },
  "encode a frame": () => encodeFrame({ ":event-type": "contentBlockDelta" }, payload),
  "encode a server-sent event": () =>
    encodeUtf8(encodeSseData(`{"choices":[{"delta":{"content":" word"}}]}`)),
  "parse a chat request of 100 KB": () =>
    parseChatRequest(parseJsonBody(body, { maxDepth: 64, maxValues: 1_000_000 })),
  "translate a chat request of 100 KB": () => chatToConverse(request, { traits, settings }),
  "sign 1 KB": signing(KB),
  "sign 100 KB": signing(100 * KB),
  "sign 1 MB": signing(1000 * KB),
  "find the caller among 100": () => identify(credentials, configuration, NOW_MS),
  "find the model among 100": () => resolveModel("model-50", someCaller, configuration),
};

/** Measured in processor time: a request waits for threads that hash and sign, so its elapsed time says little. */
const SHORT_REQUEST = "answer a short request";
const ROUNDS = 60;
/** Many, because the additions are about a twentieth, and garbage collections make rounds differ by more. */
const RATIO_ROUNDS = 240;

/** The share that three rate limits, or these and the ledger, may add to a short request. */
const LIMITS_TOLERANCE = 0.1;

const TOLERANCE = 1.5;

/** The unit: FNV-1a over 64 KiB, which is plain arithmetic on every runtime. */
const block = new Uint8Array(65_536).map((_, index) => index & 0xff);
function calibrate(): number {
  let hash = 0x811c9dc5;
  for (const byte of block) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

type Baseline = Readonly<Record<string, Readonly<Record<string, number>>>>;

const path = fileURLToPath(new URL("micro_baseline.json", import.meta.url));
const baseline: Baseline = JSON.parse(readFileSync(path, "utf8"));
const runtime = "Bun" in globalThis ? "bun" : "deno";
const before = baseline[runtime] ?? {};
const now: Record<string, number> = {};
let slower = 0;
for (const [name, step] of Object.entries(STEPS)) {
  const [unit = NaN, own = NaN] = await bestOf([calibrate, step]);
  compare(name, own / unit);
}
const [unit = NaN] = await bestOf([calibrate]);
compare(SHORT_REQUEST, await processorTimeOf(shortRequest([]), ROUNDS) / unit);

function compare(name: string, ratio: number): void {
  now[name] = Number(ratio.toPrecision(3));
  const change = ratio / (before[name] ?? ratio);
  if (change > TOLERANCE) slower++;
  const mark = change > TOLERANCE ? "  slower" : "";
  process.stdout.write(
    `${runtime}  ${name.padEnd(36)} ${ratio.toPrecision(3).padStart(8)}  ×${change.toFixed(2)}${mark}\n`,
  );
}

const usage = await keepUsage();
const [limited = NaN, kept = NaN] = await ratiosTo(
  [shortRequest([]), shortRequest(THREE_RULES), shortRequest(THREE_RULES, [usage.sink])],
  RATIO_ROUNDS,
);
await usage.close();
const ADDITIONS = { "three rate limits add": limited, "three rate limits and the ledger add": kept };
for (const [what, ratio] of Object.entries(ADDITIONS)) {
  const added = ratio - 1;
  const isTooMuch = added > LIMITS_TOLERANCE;
  if (isTooMuch) slower++;
  process.stdout.write(
    `${runtime}  ${what} ${(added * 100).toFixed(1)} % to a short request${isTooMuch ? "  too much" : ""}\n`,
  );
}
if (process.env["UPDATE"] !== undefined) {
  writeFileSync(path, `${JSON.stringify({ ...baseline, [runtime]: now }, null, 2)}\n`);
} else if (slower > 0) {
  process.exit(1);
}
