/** Golden cases of the Chat Completions translation: `tests/golden/chat/TOPIC/CASE`. */

import assert from "node:assert/strict";
import { AditError, ERRORS } from "../../lib/base/errors.ts";
import type { ErrorKind } from "../../lib/base/errors.ts";
import { parseJsonBody } from "../../lib/base/json.ts";

import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { chatToConverse } from "../../lib/translate/chat/request.ts";
import type { ChatCall } from "../../lib/translate/chat/request.ts";
import type { ModelSettings } from "../../lib/snapshot/snapshot.ts";
import { converseEvents } from "../../lib/translate/converse/replay.ts";
import { ConverseStreamToChat } from "../../lib/translate/chat/answer_stream.ts";
import { converseToChat } from "../../lib/translate/chat/answer.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { parseConverseResponse } from "../../lib/wire/bedrock/converse.ts";
import type { ConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";
import { openAiErrorBody } from "../../lib/wire/errors.ts";
import { parseChatRequest } from "../../lib/wire/openai/chat.ts";
import { accumulateEvents, cuts, decodeEvents, encodeEvents } from "./converse_frames.ts";
import type { RawEvent } from "./converse_frames.ts";
import { assertObeysConverse } from "./converse_rules.ts";
import { asSent, casePaths, GOLDEN, GoldenFiles } from "./golden_files.ts";
import { assertMatchesSchema } from "./sdk_schema.ts";
import { accumulateChunks, withCompactJson } from "./sse_chunks.ts";

const INPUT = "client_request.json";
const FOLDER = new URL("chat/", GOLDEN);

/** The paths of the cases, such as `tools/tool-choice-auto`. */
export function chatCases(): string[] {
  return casePaths(FOLDER, INPUT);
}

/** The body of the client's request in one case, as text. */
export function chatCaseRequest(path: string): string {
  return new GoldenFiles(new URL(`${path}/`, FOLDER)).require(INPUT);
}

/**
 * Runs one case. Input: `client_request.json` (its `model` is the Bedrock id), `settings.json` if the operator sets
 * something, and `upstream_response.json`, or `.jsonl` if the model streams. Expected: `upstream_request.json`,
 * `client_response.json` or `.sse`, and `reported.json` with the ignored fields and the anomalies. The response to a
 * refused request is an error.
 */
export function runChatCase(path: string): void {
  const files = new GoldenFiles(new URL(`${path}/`, FOLDER));
  const text = files.require(INPUT);
  const body = parseJsonBody(encodeUtf8(text), { maxDepth: 64, maxValues: 1_000_000 });
  const settings = files.read("settings.json");
  let call: ChatCall;
  try {
    const request = parseChatRequest(body);
    call = chatToConverse(request, {
      traits: traitsOf(request.model ?? "", builtInModelTable()),
      ...(settings !== undefined && { settings: JSON.parse(settings) as ModelSettings }),
    });
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    files.expectJson("client_response.json", openAiErrorBody(error));
    return;
  }
  const sent = asSent(call.request);
  assertMatchesSchema(call.operation === "converseStream" ? "ConverseStream" : "Converse", sent);
  assertObeysConverse(sent);
  files.expectJson("upstream_request.json", sent);
  const anomalies = (call.operation === "converseStream" ? answerStream : answerWhole)(files, call);
  files.expectJson("reported.json", { ignored: call.ignored, anomalies });
}

const HEAD = { id: "chatcmpl-golden", created: 1_763_600_000, model: "the-callers-name" };

function answerWhole(files: GoldenFiles, call: ChatCall): readonly string[] {
  const answer = files.read("upstream_response.json");
  if (answer === undefined) return [];
  const response = parseConverseResponse(JSON.parse(answer));
  const { body: made, anomalies } = converseToChat(response, { ...HEAD, call });
  const body = asSent(made);
  const replayed = translateStream(converseEvents(response), { call, failure: undefined });
  if (call.stream) files.expectText("client_response.sse", replayed.text);
  else files.expectJson("client_response.json", body);
  const { usage, ...rest } = body;
  assert.deepEqual(
    accumulateChunks(replayed.text),
    call.includeUsage && usage !== undefined ? body : rest,
    "the replayed answer equals the whole answer",
  );
  return anomalies;
}

/** A line of `upstream_response.jsonl`: an event, or the kind of error that breaks the stream. */
type Line = RawEvent | { readonly fail: ErrorKind };

function answerStream(files: GoldenFiles, call: ChatCall): readonly string[] {
  const lines = files.lines("upstream_response.jsonl").map((line): Line => JSON.parse(line));
  const events = lines.flatMap((line) => "event" in line ? [line] : []);
  const failure = lines.flatMap((line) => "fail" in line ? [line.fail] : [])[0];
  assert.ok(failure === undefined || failure in ERRORS);

  const bytes = encodeEvents(events);
  const { text, anomalies, finished } = translateStream(decodeEvents([bytes]), { call, failure });
  files.expectText("client_response.sse", text);
  for (const [how, chunks] of cuts(bytes)) {
    assert.equal(translateStream(decodeEvents(chunks), { call, failure }).text, text, how);
  }
  if (finished && failure === undefined) assertSameAsWhole(text, { call, events });
  return anomalies;
}

interface StreamContext {
  readonly call: ChatCall;
  readonly failure: ErrorKind | undefined;
}

function translateStream(events: readonly ConverseEvent[], { call, failure }: StreamContext) {
  const stream = new ConverseStreamToChat({ ...HEAD, call });
  const pushed = events.map((event) => stream.push(event)).join("");
  const last = failure === undefined ? stream.end() : stream.fail(new AditError(failure));
  return { text: pushed + last, anomalies: stream.anomalies, finished: stream.finished };
}

/** A stream must add up to the translation of the whole message. */
function assertSameAsWhole(
  sse: string,
  { call, events }: { call: ChatCall; events: readonly RawEvent[] },
): void {
  const whole = converseToChat(parseConverseResponse(accumulateEvents(events)), { ...HEAD, call });
  const { usage, ...body } = asSent(whole.body);
  const expected = call.includeUsage && usage !== undefined ? { ...body, usage } : body;
  assert.deepEqual(
    withCompactJson(accumulateChunks(sse)),
    withCompactJson(expected),
    "the stream equals the whole answer",
  );
}
