/** A small configuration, and the requests and answers that tests of the pipeline send through it. */

import { USAGE } from "../fakes/frames.ts";
import { caller, model, native, provider, snapshot, type SnapshotParts } from "../fakes/snapshot.ts";
import { START_MS } from "../fakes/time.ts";

const EAST = provider("east", "us-east-1");
export const SEARCH = caller("search", { models: new Set(["haiku"]), native: native(["us-east-1"]) });
export const EXPIRED = caller("expired", { expiresAtMs: START_MS - 1 });
export const PARTS: SnapshotParts = {
  models: [model("haiku", EAST), model("opus", EAST)],
  callers: [SEARCH, EXPIRED],
  routes: { "/bedrock": model("haiku", EAST) },
};
export const CONFIG = snapshot(PARTS);
export const KEY = { authorization: `Bearer ${SEARCH.key}` };

export const CHAT = "/v1/chat/completions";
export const CONVERSE = "/model/m/converse";

export function chatBody(overrides: Record<string, unknown> = {}): string {
  return JSON.stringify({ model: "haiku", messages: [{ role: "user", content: "Hi" }], ...overrides });
}

export const ANSWER = JSON.stringify({
  metrics: { latencyMs: 9 },
  output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
  stopReason: "end_turn",
  usage: USAGE,
});
