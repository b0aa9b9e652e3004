/** Golden cases of the Chat Completions translation: one folder each in `tests/golden/chat`, input beside expected output. */

import assert from "node:assert/strict";
import { AditError, ERRORS } from "../../lib/base/errors.ts";
import type { ErrorKind } from "../../lib/base/errors.ts";
import { isJsonObject, parseJsonBody } from "../../lib/base/json.ts";
import type { JsonValue } from "../../lib/base/json.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { chatToConverse } from "../../lib/translate/chat_to_converse.ts";
import type { ConverseCall } from "../../lib/translate/chat_to_converse.ts";
import type { ModelSettings } from "../../lib/translate/model_settings.ts";
import { ConverseStreamToChat } from "../../lib/translate/converse_stream_to_chat.ts";
import { converseToChat } from "../../lib/translate/converse_to_chat.ts";
import { builtInModelTable, traitsOf } from "../../lib/translate/families.ts";
import { parseConverseResponse } from "../../lib/wire/converse.ts";
import type { ConverseRequest } from "../../lib/wire/converse.ts";
import type { ConverseEvent } from "../../lib/wire/converse_stream.ts";
import { openAiErrorBody } from "../../lib/wire/errors.ts";
import { parseChatRequest } from "../../lib/wire/openai_chat.ts";
import { accumulateEvents, cuts, decodeEvents, encodeEvents } from "./converse_frames.ts";
import type { RawEvent } from "./converse_frames.ts";
import { assertObeysConverse } from "./converse_rules.ts";
import { assertMatchesSchema } from "./sdk_schema.ts";
import { accumulateChunks, withCompactJson } from "./sse_chunks.ts";

const FOLDER = new URL("../golden/chat/", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** Names of the cases: the folders. */
export function goldenCases(): string[] {
  return [...Deno.readDirSync(FOLDER)].filter((entry) => entry.isDirectory).map((entry) => entry.name).sort();
}

/**
 * Runs one case. Input: `client_request.json` (its `model` is the Bedrock id), `settings.json` if the operator sets
 * something, and `upstream_response.json` or `.jsonl`. Expected: `upstream_request.json`, `client_response.json` or
 * `.sse`, and `notes.json` with what was ignored and what was odd. A refused request has an error as its response.
 */
export function runGolden(name: string): void {
  const files = new CaseFiles(new URL(`${name}/`, FOLDER));
  const text = files.require("client_request.json");
  const body = parseJsonBody(encodeUtf8(text), { maxDepth: 64 });
  const settings = files.read("settings.json");
  let call: ConverseCall;
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
  // Through JSON, as it goes out: members that are undefined are gone.
  const sent = JSON.parse(JSON.stringify(call.request)) as ConverseRequest;
  assertMatchesSchema(call.stream ? "ConverseStream" : "Converse", sent);
  assertObeysConverse(sent);
  files.expectJson("upstream_request.json", sent);
  const anomalies = call.stream ? answerStream(files, call) : answerWhole(files, call);
  files.expectJson("notes.json", { ignored: call.ignored, anomalies });
}

const HEAD = { id: "chatcmpl-golden", created: 1_763_600_000, model: "the-callers-name" };

function answerWhole(files: CaseFiles, call: ConverseCall): readonly string[] {
  const answer = files.read("upstream_response.json");
  if (answer === undefined) return [];
  const { body, anomalies } = converseToChat(parseConverseResponse(JSON.parse(answer)), { ...HEAD, call });
  files.expectJson("client_response.json", body);
  return anomalies;
}

/** A line of `upstream_response.jsonl`: an event, or the kind of error that breaks the stream. */
type Line = RawEvent | { readonly fail: ErrorKind };

function answerStream(files: CaseFiles, call: ConverseCall): readonly string[] {
  const lines = files.require("upstream_response.jsonl").split("\n").filter((line) => line !== "")
    .map((line): Line => JSON.parse(line));
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
  readonly call: ConverseCall;
  readonly failure: ErrorKind | undefined;
}

function translateStream(events: readonly ConverseEvent[], { call, failure }: StreamContext) {
  const stream = new ConverseStreamToChat({ ...HEAD, call });
  const pushed = events.map((event) => stream.push(event)).join("");
  const last = failure === undefined ? stream.end() : stream.fail(new AditError(failure));
  return { text: pushed + last, anomalies: stream.anomalies, finished: stream.finished };
}

/** A stream must amount to what the same message is translated to when it comes in one piece. */
function assertSameAsWhole(
  sse: string,
  { call, events }: { call: ConverseCall; events: readonly RawEvent[] },
): void {
  const whole = converseToChat(parseConverseResponse(accumulateEvents(events)), { ...HEAD, call });
  const { usage, ...body } = whole.body;
  const expected = call.includeUsage && usage !== undefined ? { ...body, usage } : body;
  assert.deepEqual(
    withCompactJson(accumulateChunks(sse)),
    withCompactJson(expected),
    "the stream equals the whole answer",
  );
}

/** The files of a case; `UPDATE_GOLDEN=1` writes what is expected instead of comparing. */
class CaseFiles {
  constructor(private readonly folder: URL) {}

  read(file: string): string | undefined {
    try {
      return Deno.readTextFileSync(new URL(file, this.folder));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  require(file: string): string {
    const text = this.read(file);
    assert.ok(text !== undefined, `${file} is missing`);
    return text;
  }

  expectText(file: string, actual: string): void {
    if (UPDATE) Deno.writeTextFileSync(new URL(file, this.folder), actual);
    assert.equal(actual, this.require(file), file);
  }

  expectJson(file: string, actual: object): void {
    const value: JsonValue = JSON.parse(JSON.stringify(actual));
    if (UPDATE) Deno.writeTextFileSync(new URL(file, this.folder), `${JSON.stringify(value, null, 2)}\n`);
    const expected: JsonValue = JSON.parse(this.require(file));
    assert.ok(isJsonObject(expected));
    assert.deepEqual(value, expected, file);
  }
}
