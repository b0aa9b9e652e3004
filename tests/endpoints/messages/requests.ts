/** A Claude and a Nova behind one provider, and the requests that the tests of Anthropic's routes send to them. */

import { converseFrames, invokeFrames, USAGE } from "../../fakes/frames.ts";
import { caller, model, provider, snapshot, type SnapshotParts } from "../../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const TEAM = caller("team", { models: new Set(["claude", "nova"]) });

export const PARTS: SnapshotParts = {
  models: [
    model("claude", EAST, "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    model("nova", EAST, "amazon.nova-lite-v1:0"),
  ],
  callers: [TEAM],
};
export const CONFIG = snapshot(PARTS);
export const KEY = { "x-api-key": TEAM.key };

export const MESSAGES = "/v1/messages";
export const COUNT_TOKENS = "/v1/messages/count_tokens";

export function messagesBody(members: Readonly<Record<string, unknown>> = {}): string {
  const messages = [{ role: "user", content: "Hi" }];
  return JSON.stringify({ model: "claude", max_tokens: 10, messages, ...members });
}

/** How each of the two ways to answer Messages looks at the upstream's side. */
export interface Way {
  readonly model: "claude" | "nova";
  readonly operation: string;
  readonly streamOperation: string;
  /** The whole answer, of text "Hello". */
  readonly answer: string;
  /** The stream of the same answer. */
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
}

const CLAUDE_USAGE = { input_tokens: 7, cache_read_input_tokens: 2, cache_creation_input_tokens: 0 };

const CLAUDE_EVENTS = [
  {
    type: "message_start",
    message: {
      id: "msg_bdrk_1",
      type: "message",
      role: "assistant",
      model: "claude-haiku-4-5",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...CLAUDE_USAGE, output_tokens: 1 },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 3 },
  },
  {
    type: "message_stop",
    "amazon-bedrock-invocationMetrics": {
      inputTokenCount: 7,
      outputTokenCount: 3,
      cacheReadInputTokenCount: 2,
    },
  },
];

export const WAYS: readonly Way[] = [
  {
    model: "claude",
    operation: "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke",
    streamOperation: "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke-with-response-stream",
    answer: JSON.stringify({
      id: "msg_bdrk_1",
      type: "message",
      role: "assistant",
      model: "claude-haiku-4-5",
      content: [{ type: "text", text: "Hello" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { ...CLAUDE_USAGE, output_tokens: 3 },
    }),
    frames: invokeFrames(...CLAUDE_EVENTS),
  },
  {
    model: "nova",
    operation: "/model/amazon.nova-lite-v1%3A0/converse",
    streamOperation: "/model/amazon.nova-lite-v1%3A0/converse-stream",
    answer: JSON.stringify({
      output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
      stopReason: "end_turn",
      usage: USAGE,
    }),
    frames: converseFrames("Hello"),
  },
];
