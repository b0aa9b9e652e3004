/** A short request through the whole gateway, with an upstream that responds at once. */

import { createLogger } from "../../lib/base/log/log.ts";
import { systemClock, TimerWheel } from "../../lib/base/clock.ts";
import { Secret } from "../../lib/base/secret.ts";
import { buildGateway } from "../../lib/app/build_gateway.ts";
import type { RecordSink } from "../../lib/snapshot/record.ts";
import type { RateLimit } from "../../lib/snapshot/limits.ts";
import { newStoreAccess, SharedStore } from "../../lib/store/shared.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { rule } from "../suites/limit_rules.ts";

const TEAM = caller("team", { models: ["haiku"], team: "red" });
const PATH = "/v1/chat/completions";
const BODY = JSON.stringify({ model: "haiku", max_tokens: 50, messages: [{ role: "user", content: "Hi" }] });
const ANSWER = JSON.stringify({
  metrics: { latencyMs: 9 },
  output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
});

/** Three rules that apply to every request and refuse none. */
export const THREE_RULES: readonly RateLimit[] = [
  rule("caller", { requests: "900M/m", tokens: "900M/s", concurrent: 1000 }),
  rule("team", { each: "team", tokens: "900M/s" }),
  rule("model", { each: "model", requests: "900M/m" }),
];

/** Handles a request from its arrival to its record, which the sinks receive in addition to log and counts. */
export function shortRequest(
  rateLimits: readonly RateLimit[],
  sinks: readonly RecordSink[] = [],
): () => Promise<void> {
  const clock = systemClock;
  const answer = () =>
    Promise.resolve(new Response(ANSWER, { headers: { "content-type": "application/json" } }));
  const configuration = snapshot({
    models: [model("haiku", provider("east", "us-east-1"))],
    callers: [TEAM],
    log: { level: "error", requests: false },
    rateLimits,
  });
  const { pipeline, credentials } = buildGateway({
    store: new SharedStore(newStoreAccess()),
    sinks,
    clock,
    timers: new TimerWheel(clock),
    logger: createLogger(() => Promise.resolve(), { clock }),
    snapshot: configuration,
    fetch: answer,
    emulator: { fetch: answer, accessKeyId: "E", secretAccessKey: new Secret("s") },
    probe: undefined,
    userAgent: "adit/bench",
  });
  // As at the start of the gateway; otherwise every request would derive the signing key again.
  void credentials.use(configuration.providers);
  return async () => {
    // Each request has its own signal: a shared one would collect the listeners of all.
    const { signal: clientGone } = new AbortController();
    const connection = { target: PATH, clientGone, remoteAddress: "192.0.2.7", truncatesStreams: false };
    const headers = { authorization: `Bearer ${TEAM.key}`, "content-type": "application/json" };
    const request = new Request(`http://adit.test${PATH}`, { method: "POST", headers, body: BODY });
    const response = await pipeline.handle(request, connection);
    if (response.status !== 200) throw new Error(`Cannot measure: ${await response.text()}`);
    await response.arrayBuffer();
  };
}
