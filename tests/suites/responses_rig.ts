/** Runs single Responses requests and Converse messages through the translation, for tests of one rule each. */

import { AditError } from "../../lib/base/errors.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import { jsonText } from "../../lib/base/json_text/json_text.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { ConverseStreamToResponses } from "../../lib/translate/responses/answer_stream.ts";
import { type ResponsesCall, responsesToConverse } from "../../lib/translate/responses/request.ts";
import type { ConverseRequest } from "../../lib/wire/bedrock/converse.ts";
import type { BlockDelta, ConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";
import { parseResponsesRequest } from "../../lib/wire/openai/responses.ts";

export const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
export const GPT_OSS = "openai.gpt-oss-120b-1:0";

/** Translates a request for Claude, unless it names another model. */
export function translated(body: JsonObject): ResponsesCall {
  const request = parseResponsesRequest({ model: CLAUDE, ...body });
  return responsesToConverse(request, { traits: traitsOf(request.model ?? "", builtInModelTable()) });
}

/** The request that Bedrock gets. */
export function sent(body: JsonObject): ConverseRequest {
  return JSON.parse(jsonText(translated(body).request));
}

/** The text of the stream that the events are translated to for a request; a thrown error ends it. */
export function streamed(events: readonly ConverseEvent[], body: JsonObject = {}): string {
  const context = { id: "resp_test", createdAt: 1, model: "m", now: () => 2 };
  const call = translated({ input: "Hi", ...body });
  const stream = new ConverseStreamToResponses({ ...context, call });
  let text = "";
  try {
    for (const event of events) text += stream.push(event);
    return text + stream.end();
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    return text + stream.fail(error);
  }
}

/** An event with a piece of a block. */
export function delta(index: number, value: BlockDelta): ConverseEvent {
  return { type: "contentBlockDelta", index, delta: value };
}

/** The events of a call whose input comes in pieces. */
export function callOf(index: number, name: string, ...pieces: readonly string[]): ConverseEvent[] {
  return [
    { type: "contentBlockStart", index, start: { type: "toolUse", toolUseId: `t${index}`, name } },
    ...pieces.map((input) => delta(index, { type: "toolInput", input })),
    { type: "contentBlockStop", index },
  ];
}

/** The end of every message. */
export function endOf(stopReason: string): ConverseEvent[] {
  const usage = { inputTokens: 3, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 };
  return [{ type: "messageStop", stopReason }, { type: "metadata", usage }];
}
