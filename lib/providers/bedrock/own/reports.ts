/** What responses of Bedrock's own OpenAI and Anthropic APIs report: one row for each API. */

import { type JsonObject, type JsonValue, member } from "../../../base/json.ts";
import type { Usage } from "../../../base/usage.ts";
import type { OwnApi } from "../../../snapshot/snapshot.ts";
import { readOpenAiUsage } from "../../../wire/openai/usage.ts";
import { MESSAGES_USAGE, readUsage } from "../../../wire/usage.ts";

interface ReportRow {
  /** The member of some events that contains a whole response, which has a `model`. */
  readonly inner: string | undefined;
  /** Whether the event is the last; Chat Completions end with `[DONE]` instead. */
  isEnd(event: JsonObject): boolean;
  /** Whether the event is part of the content, or its end. */
  isContent(event: JsonObject): boolean;
  /** The error that the event reports. */
  error(event: JsonObject): JsonValue | undefined;
  /** The counts so far, with those of an event or of a whole response. */
  usage(value: JsonObject, before: Usage | undefined): Usage | undefined;
  stopReason(value: JsonObject): JsonValue | undefined;
}

const ANNOUNCEMENTS: ReadonlySet<unknown> = new Set([
  "response.created",
  "response.in_progress",
  "response.queued",
  "keepalive",
  "message_start",
  "content_block_start",
  "ping",
]);

const isNoAnnouncement = ({ type }: JsonObject) => !ANNOUNCEMENTS.has(type);

const RESPONSE_ENDS: ReadonlySet<unknown> = new Set(["response.completed", "response.incomplete"]);

const ROWS = {
  chat: {
    inner: undefined,
    isEnd: () => false,
    isContent(event) {
      const choice = firstChoice(event);
      const { role: _role, ...delta } = Object(member(choice, "delta"));
      return typeof member(choice, "finish_reason") === "string" ||
        Object.values(delta).some((value) => value !== null && value !== "");
    },
    error: ({ error }) => error ?? undefined,
    usage: ({ usage }, before) => readOpenAiUsage(usage) ?? before,
    stopReason: (value) => member(firstChoice(value), "finish_reason"),
  },
  responses: {
    inner: "response",
    isEnd: ({ type }) => RESPONSE_ENDS.has(type),
    isContent: isNoAnnouncement,
    error: (event) =>
      event["type"] === "error"
        ? event
        : event["type"] === "response.failed"
        ? member(event["response"], "error") ?? event
        : undefined,
    usage: (value, before) => readOpenAiUsage(member(value["response"] ?? value, "usage")) ?? before,
    stopReason: (value) => member(value["response"] ?? value, "status"),
  },
  messages: {
    inner: "message",
    isEnd: ({ type }) => type === "message_stop",
    isContent: isNoAnnouncement,
    error: (event) => event["type"] === "error" ? event["error"] : undefined,
    usage: (value, before) =>
      readUsage(member(value["message"], "usage") ?? value["usage"], MESSAGES_USAGE, before),
    stopReason: (value) => member(value["delta"] ?? value, "stop_reason"),
  },
} as const satisfies Record<OwnApi, ReportRow>;

/** How the API reports its progress, its end and its counts. */
export function reportRow(api: OwnApi): ReportRow {
  return ROWS[api];
}

function firstChoice({ choices }: JsonObject): JsonValue | undefined {
  return Array.isArray(choices) ? choices[0] : undefined;
}
