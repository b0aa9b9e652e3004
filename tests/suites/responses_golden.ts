/** Golden cases of the Responses translation: `tests/golden/responses/TOPIC/CASE`. */

import assert from "node:assert/strict";
import { AditError, type ErrorKind, ERRORS } from "../../lib/base/errors.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { parseJsonBody } from "../../lib/base/json.ts";

import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelSettings, ModelTarget } from "../../lib/snapshot/snapshot.ts";
import { converseEvents } from "../../lib/translate/converse/replay.ts";
import { converseToResponses } from "../../lib/translate/responses/answer.ts";
import { ConverseStreamToResponses } from "../../lib/translate/responses/answer_stream.ts";
import { type ResponsesCall, responsesToConverse } from "../../lib/translate/responses/request.ts";
import { parseConverseResponse } from "../../lib/wire/bedrock/converse.ts";
import type { ConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";
import { openAiErrorBody } from "../../lib/wire/errors.ts";
import { parseResponsesRequest } from "../../lib/wire/openai/responses.ts";
import type { ResponseObject } from "../../lib/wire/openai/responses_answer.ts";
import { accumulateEvents, cuts, decodeEvents, encodeEvents, type RawEvent } from "./converse_frames.ts";
import { assertObeysConverse } from "./converse_rules.ts";
import { asSent, casePaths, GOLDEN, GoldenFiles } from "./golden_files.ts";
import { accumulateResponse, withCompactJson } from "./responses_events.ts";
import { assertMatchesSchema } from "./sdk_schema.ts";

const INPUT = "client_request.json";
const FOLDER = new URL("responses/", GOLDEN);

/** The paths of the cases, such as `tools/namespace`. */
export function responsesCases(): string[] {
  return casePaths(FOLDER, INPUT);
}

/**
 * Runs one case. Input: `client_request.json` (its `model` is the Bedrock id), `settings.json` if the operator sets
 * something, and `upstream_response.json`, or `.jsonl` if the model streams. Expected: `upstream_request.json`,
 * `client_response.json` or `.sse`, and `reported.json` with the ignored fields and the anomalies. The response to a
 * refused request is an error.
 */
export function runResponsesCase(path: string): void {
  const files = new GoldenFiles(new URL(`${path}/`, FOLDER));
  const body = parseJsonBody(encodeUtf8(files.require(INPUT)), { maxDepth: 64, maxValues: 1_000_000 });
  const settings = files.read("settings.json");
  let call: ResponsesCall;
  let stream: boolean;
  try {
    const request = parseResponsesRequest(body);
    stream = request.stream;
    call = responsesToConverse(request, {
      traits: traitsOf(request.model ?? "", builtInModelTable()),
      ...(settings !== undefined && operatorSettings(JSON.parse(settings))),
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
  const anomalies = call.operation === "converseStream"
    ? answerStream(files, call)
    : answerWhole(files, { call, stream });
  files.expectJson("reported.json", { ignored: call.ignored, anomalies });
}

function operatorSettings(
  { dropTools = [], ...settings }: ModelSettings & Partial<Pick<ModelTarget, "dropTools">>,
) {
  return { settings, dropTools };
}

const HEAD = {
  id: "resp_golden",
  createdAt: 1_763_600_000,
  model: "the-callers-name",
  now: () => 1_763_600_007,
};

function answerWhole(
  files: GoldenFiles,
  { call, stream }: { readonly call: ResponsesCall; readonly stream: boolean },
): readonly string[] {
  const answer = files.read("upstream_response.json");
  if (answer === undefined) return [];
  const response = parseConverseResponse(JSON.parse(answer));
  const { body, anomalies } = converseToResponses(response, { ...HEAD, call });
  const replayed = translateStream(converseEvents(response), { call, failure: undefined });
  if (stream) files.expectText("client_response.sse", replayed.text);
  else files.expectJson("client_response.json", asSent(body));
  assert.deepEqual(
    accumulateResponse(replayed.text),
    asSent(body),
    "the replayed answer equals the whole answer",
  );
  return anomalies;
}

/** A line of `upstream_response.jsonl`: an event, or the error that breaks the stream. */
type Line = RawEvent | { readonly fail: ErrorKind; readonly code?: string };

function answerStream(files: GoldenFiles, call: ResponsesCall): readonly string[] {
  const lines = files.lines("upstream_response.jsonl").map((line): Line => JSON.parse(line));
  const events = lines.flatMap((line) => "event" in line ? [line] : []);
  const [failure] = lines.flatMap((line) => {
    if (!("fail" in line)) return [];
    assert.ok(line.fail in ERRORS);
    return [new AditError(line.fail, undefined, line.code === undefined ? {} : { openAiCode: line.code })];
  });

  const bytes = encodeEvents(events);
  const { text, anomalies } = translateStream(decodeEvents([bytes]), { call, failure });
  files.expectText("client_response.sse", text);
  for (const [how, chunks] of cuts(bytes)) {
    assert.equal(translateStream(decodeEvents(chunks), { call, failure }).text, text, how);
  }
  const response = accumulateResponse(text);
  // A whole response of Converse cannot contain a call that was cut off.
  const isWhole = response.output.every(({ type, status }) => type === "message" || status === "completed");
  if (response.status !== "failed" && isWhole) assertSameAsWhole(response, { call, events });
  return anomalies;
}

interface StreamContext {
  readonly call: ResponsesCall;
  readonly failure: AditError | undefined;
}

function translateStream(events: readonly ConverseEvent[], { call, failure }: StreamContext) {
  const stream = new ConverseStreamToResponses({ ...HEAD, call });
  let text = "";
  try {
    for (const event of events) text += stream.push(event);
    text += failure === undefined ? stream.end() : stream.fail(failure);
  } catch (error) {
    assert.ok(error instanceof AditError);
    text += stream.fail(error);
  }
  return { text, anomalies: stream.anomalies };
}

/** A stream must add up to the translation of the whole message. */
function assertSameAsWhole(
  response: ResponseObject,
  { call, events }: { readonly call: ResponsesCall; readonly events: readonly RawEvent[] },
): void {
  const whole = converseToResponses(parseConverseResponse(accumulateEvents(events)), { ...HEAD, call });
  assert.deepEqual(
    withCompactJson(response),
    withCompactJson(asSent(whole.body)),
    "the stream equals the whole answer",
  );
}
