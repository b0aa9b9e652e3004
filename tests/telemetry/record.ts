/** A settled request, for tests of what is made of it. */

import type { RequestRecord } from "../../lib/snapshot/record.ts";

/** A chat that was answered at once, with no attempt unless it says so. */
export function record(overrides: Partial<RequestRecord> = {}): RequestRecord {
  return {
    requestId: "req_0123456789abcdef0123456789abcdef",
    caller: "search",
    team: undefined,
    tags: {},
    remoteAddress: "192.0.2.7",
    method: "POST",
    path: "/v1/chat/completions",
    dialect: "openai",
    endpoint: "chat",
    userAgent: undefined,
    clientRequestId: undefined,
    trace: undefined,
    startedAtMs: 1_750_000_000_000,
    model: "haiku",
    requestedModel: undefined,
    insteadOf: undefined,
    modelId: "anthropic.haiku-v1:0",
    region: "us-east-1",
    provider: "east",
    stream: false,
    target: "east",
    hadChoice: false,
    attempts: [],
    passedOver: [],
    status: 200,
    durationMs: 40,
    firstByteMs: 40,
    overheadMs: 1,
    usage: undefined,
    spent: undefined,
    cost: undefined,
    limit: undefined,
    shadowLimits: [],
    stopReason: undefined,
    upstreamRequestId: undefined,
    ignored: [],
    anomalies: [],
    error: undefined,
    logged: true,
    ...overrides,
  };
}
