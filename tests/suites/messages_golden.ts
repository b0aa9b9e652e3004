/** Golden cases of the Messages translation: `tests/golden/messages-{invoke,converse}/TOPIC/CASE`. */

import assert from "node:assert/strict";
import { AditError, ERRORS } from "../../lib/base/errors.ts";
import type { ErrorKind } from "../../lib/base/errors.ts";
import { parseJsonBody } from "../../lib/base/json.ts";
import type { JsonObject, JsonValue } from "../../lib/base/json.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { builtInBetaTable } from "../../lib/facts/beta_table.ts";
import { converseToMessages } from "../../lib/translate/messages/answer.ts";
import { ConverseStreamToMessages } from "../../lib/translate/messages/answer_stream.ts";
import type { ModelSettings } from "../../lib/snapshot/snapshot.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { invokeToMessages } from "../../lib/translate/messages/invoke_answer.ts";
import { InvokeStreamToMessages } from "../../lib/translate/messages/invoke_answer_stream.ts";
import { messagesToConverse } from "../../lib/translate/messages/request.ts";
import type { MessagesCall } from "../../lib/translate/messages/request.ts";
import { messagesToInvoke } from "../../lib/translate/messages/invoke_request.ts";
import {
  parseBetaHeader,
  parseMessagesHead,
  parseMessagesRequest,
} from "../../lib/wire/anthropic/messages.ts";
import { parseConverseResponse } from "../../lib/wire/bedrock/converse.ts";

import { anthropicErrorBody } from "../../lib/wire/errors.ts";
import { accumulateMessage } from "./anthropic_client.ts";
import { accumulateEvents, cuts, decodeEvents, encodeEvents } from "./converse_frames.ts";
import type { RawEvent } from "./converse_frames.ts";
import { assertObeysConverse } from "./converse_rules.ts";
import { asSent, GoldenFiles } from "./golden_files.ts";
import { decodeChunks, encodeChunks } from "./invoke_frames.ts";
import { assertMatchesSchema } from "./sdk_schema.ts";

const HEAD = { id: "msg_golden", model: "the-callers-name", requestId: "req_golden" };

interface Input {
  readonly files: GoldenFiles;
  readonly body: JsonObject;
  readonly betas: readonly string[];
  readonly settings: { readonly settings?: ModelSettings };
}

/** What the translation reports about one case. */
interface Reported {
  readonly ignored: readonly string[];
  readonly anomalies: readonly string[];
}

/**
 * Runs one case. Input: `client_request.json` (its `model` is the Bedrock id), `headers.json` and `settings.json` if
 * there are any, and `upstream_response.json` or `.jsonl`. Expected: `upstream_request.json`, `client_response.json` or
 * `.sse`, and `reported.json` with the ignored fields and the anomalies. The response to a refused request is an error.
 */
export async function runGolden(folder: URL, run: (input: Input) => Promise<Reported>): Promise<void> {
  const files = new GoldenFiles(folder);
  const headers: Record<string, string> = JSON.parse(files.read("headers.json") ?? "{}");
  const settings = files.read("settings.json");
  const body = parseJsonBody(encodeUtf8(files.require("client_request.json")), {
    maxDepth: 64,
    maxValues: 1_000_000,
  });
  let reported: Reported;
  try {
    reported = await run({
      files,
      body,
      betas: parseBetaHeader(headers["anthropic-beta"] ?? null),
      settings: settings === undefined ? {} : { settings: JSON.parse(settings) },
    });
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    files.expectJson("client_response.json", anthropicErrorBody(error, HEAD.requestId));
    return;
  }
  files.expectJson("reported.json", reported);
}

/** Claude by InvokeModel. */
export async function runInvoke({ files, body, betas, settings }: Input): Promise<Reported> {
  const { model, stream } = parseMessagesHead(body);
  const traits = traitsOf(model, builtInModelTable());
  const call = messagesToInvoke(body, { traits, betas, betaTable: builtInBetaTable(), ...settings });
  files.expectJson("upstream_request.json", call.body);
  assert.deepEqual(
    Object.keys(body).filter((name) => name in call.body),
    keptNames(call.body, body),
    "order",
  );
  if (Object.keys(call.headers).length > 0) files.expectJson("upstream_headers.json", call.headers);
  if (stream) await relayInvokeStream(files);
  else {
    const answer = files.read("upstream_response.json");
    if (answer !== undefined) {
      files.expectJson("client_response.json", invokeToMessages(JSON.parse(answer), HEAD.model).body);
    }
  }
  return { ignored: call.ignored, anomalies: [] };
}

function keptNames(sent: JsonObject, received: JsonObject): string[] {
  return Object.keys(sent).filter((name) => name in received);
}

async function relayInvokeStream(files: GoldenFiles): Promise<void> {
  const { events, failure } = readLines(files);
  const bytes = encodeChunks(events);
  const relay = (chunks: Iterable<Uint8Array<ArrayBuffer>>) => {
    const stream = new InvokeStreamToMessages(HEAD);
    const pushed = [...decodeChunks(chunks)].map((payload) => stream.push(payload)).join("");
    const last = failure === undefined ? stream.end() : stream.fail(new AditError(failure));
    return { text: pushed + last, stream };
  };
  const { text, stream } = relay([bytes]);
  files.expectText("client_response.sse", text);
  for (const [how, chunks] of cuts(bytes)) assert.equal(relay(chunks).text, text, how);
  if (!stream.finished || failure !== undefined) return;
  const upstream = await accumulateMessage(
    events.map((json) => `event: ${JSON.parse(json).type}\ndata: ${json}\n\n`).join(""),
  );
  const whole = invokeToMessages(upstream, HEAD.model);
  assert.deepEqual(await accumulateMessage(text), whole.body, "the stream equals the whole answer");
  assert.equal(stream.stopReason, whole.stopReason);
  files.expectJson("usage.json", { ...stream.usage });
}

/** Any model by Converse. */
export async function runConverse({ files, body, betas, settings }: Input): Promise<Reported> {
  const { model, stream } = parseMessagesHead(body);
  const call = messagesToConverse(parseMessagesRequest(body), {
    traits: traitsOf(model, builtInModelTable()),
    betas,
    betaTable: builtInBetaTable(),
    ...settings,
  });
  const sent = asSent(call.request);
  assertMatchesSchema(stream ? "ConverseStream" : "Converse", sent);
  assertObeysConverse(sent);
  files.expectJson("upstream_request.json", sent);
  const anomalies = stream ? await answerConverseStream(files, call) : answerConverse(files, call);
  return { ignored: call.ignored, anomalies };
}

function answerConverse(files: GoldenFiles, call: MessagesCall): readonly string[] {
  const answer = files.read("upstream_response.json");
  if (answer === undefined) return [];
  const { body, anomalies } = converseToMessages(parseConverseResponse(JSON.parse(answer)), {
    ...HEAD,
    call,
  });
  files.expectJson("client_response.json", body);
  return anomalies;
}

async function answerConverseStream(files: GoldenFiles, call: MessagesCall): Promise<readonly string[]> {
  const { events: lines, failure } = readLines(files);
  const events = lines.map((line): RawEvent => JSON.parse(line));
  const bytes = encodeEvents(events);
  const translate = (chunks: Iterable<Uint8Array<ArrayBuffer>>) => {
    const stream = new ConverseStreamToMessages({ ...HEAD, call });
    const pushed = decodeEvents(chunks).map((event) => stream.push(event)).join("");
    const last = failure === undefined ? stream.end() : stream.fail(new AditError(failure));
    return { text: pushed + last, stream };
  };
  const { text, stream } = translate([bytes]);
  files.expectText("client_response.sse", text);
  for (const [how, chunks] of cuts(bytes)) assert.equal(translate(chunks).text, text, how);
  if (stream.finished && failure === undefined) {
    const whole = converseToMessages(parseConverseResponse(accumulateEvents(events)), { ...HEAD, call });
    const expected: JsonValue = JSON.parse(JSON.stringify(whole.body));
    assert.deepEqual(await accumulateMessage(text), expected, "the stream equals the whole answer");
    assert.deepEqual(stream.usage, whole.usage);
  }
  return stream.anomalies;
}

/**
 * The lines of `upstream_response.jsonl`: events, and possibly `{"fail": kind}` at the end, which breaks the stream.
 */
function readLines(files: GoldenFiles): { events: string[]; failure: ErrorKind | undefined } {
  const lines = files.lines("upstream_response.jsonl");
  const failure = lines.map((line): ErrorKind | undefined => JSON.parse(line).fail).at(-1);
  assert.ok(failure === undefined || failure in ERRORS);
  return { events: failure === undefined ? lines : lines.slice(0, -1), failure };
}
