/** A call without a pipeline, with a clock that does not advance. */

import { EMPTY } from "../../lib/base/bytes.ts";
import { createLogger } from "../../lib/base/log/log.ts";
import { Secret } from "../../lib/base/secret.ts";
import type { AttemptTools } from "../../lib/gateway/attempts.ts";
import { Call } from "../../lib/gateway/call.ts";
import { Lessons } from "../../lib/gateway/lessons.ts";
import { Quotas } from "../../lib/gateway/limits/quotas.ts";
import { RetryBudget } from "../../lib/gateway/health/retry_budget.ts";
import { TargetHealth } from "../../lib/gateway/health/target_health.ts";
import { ProviderCredentials } from "../../lib/providers/bedrock/provider_credentials.ts";
import { Upstream } from "../../lib/providers/upstream.ts";
import { requestLog } from "../../lib/telemetry/log_line.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { scriptedFetch } from "./fetch.ts";
import { provider, snapshot } from "./snapshot.ts";
import { type FakeTime, fakeTime } from "./time.ts";

const TARGET = { provider: provider("east", "us-east-1"), modelId: "m", settings: undefined };

/** Begins a call for a path. */
export function startCall({ path = "/v1/chat/completions" } = {}) {
  const time = fakeTime();
  const bedrock = scriptedFetch();
  let settled = 0;
  let log = "";
  const logger = createLogger((text) => {
    log += text;
    return Promise.resolve();
  }, { clock: time.clock });
  const call = new Call({
    id: "req_1",
    tools: {
      ...time,
      upstream: new Upstream({
        ...time,
        credentials: new ProviderCredentials({ ...time, logger }),
        fetch: bedrock.fetch,
        emulator: { fetch: bedrock.fetch, accessKeyId: "E", secretAccessKey: new Secret("s") },
        probe: undefined,
        userAgent: "adit/test",
      }),
      sinks: [requestLog(logger)],
      keeper: { mayDrain: () => false, settled: () => settled++ },
    },
    snapshot: snapshot(),
    method: "POST",
    path,
    dialect: "openai",
    remoteAddress: "192.0.2.7",
    client: { userAgent: undefined, requestId: undefined, trace: undefined },
    connection: {},
  });
  return {
    ...time,
    bedrock,
    call,
    open: () => call.open(TARGET, { operation: "converse", body: EMPTY, headers: new Headers() }),
    settledTimes: () => settled,
    async lines(): Promise<Record<string, unknown>[]> {
      await logger.flush();
      return log.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    },
  };
}

/** The tools of attempts; random choices are always the first one. */
export function attemptTools(
  time: Pick<FakeTime, "clock" | "timers">,
  overrides: Partial<AttemptTools> = {},
): AttemptTools {
  const random = () => 0;
  const store = new MemoryStore();
  return {
    ...time,
    health: new TargetHealth({ store, random }),
    budget: new RetryBudget(store),
    quotas: new Quotas({ clock: time.clock, store }),
    lessons: new Lessons({ clock: time.clock, onLearned: () => {} }),
    random,
    onMisfit: () => {},
    ...overrides,
  };
}
