/** The targets of a model for `adit explain`: their order, the retries, and the longest time to an answer. */

import { formatDuration } from "../../config/schema/values.ts";
import type { Plan } from "../../snapshot/plan.ts";
import type { Routing, Timeouts } from "../../snapshot/snapshot.ts";
import { counted } from "../text_table.ts";
import type { Fact } from "./fact.ts";

/** The facts of a plan with several targets or attempts; none for the usual single attempt. */
export function failoverFacts({ targets, routing, passedOver }: Plan, timeouts: Timeouts): readonly Fact[] {
  const { attempts } = routing.retry;
  if (targets.length === 1 && attempts === 1 && passedOver.length === 0) return [];
  return [
    { topic: "order", text: orderOf(targets) },
    ...(targets.length > 1 ? [{ topic: "choice", text: choiceOf(routing) }] : []),
    ...passedOver.map(({ target, because }) => ({ topic: "not used", text: `${target}: ${because}` })),
    { topic: "retries", text: retriesOf(routing) },
    { topic: "health", text: healthOf(routing) },
    { topic: "worst time", text: worstTime(routing, timeouts) },
  ];
}

function orderOf(targets: Plan["targets"]): string {
  return [...targets]
    .sort((a, b) => (a.settings?.priority ?? 0) - (b.settings?.priority ?? 0))
    .map(({ settings, provider }) =>
      `${settings?.name ?? provider.name} (priority ${settings?.priority ?? 0}, weight ${
        settings?.weight ?? 1
      })`
    ).join(", ");
}

function choiceOf({ pick, affinity }: Routing): string {
  const otherwise = pick === "weight"
    ? "shares by weight"
    : "the less loaded of two: in-flight requests × latency / weight";
  return affinity.length === 0
    ? `within a priority, ${otherwise}`
    : `within a priority, one target for each ${affinity.join(", ")}; without one, ${otherwise}`;
}

function retriesOf({ retry, commitWithinMs }: Routing): string {
  const { attempts, share, backoffMs, backoffMaxMs } = retry;
  const pause = `pauses up to ${formatDuration(backoffMs)}, doubling to ${formatDuration(backoffMaxMs)}`;
  const budget = `retries of at most ${Math.round(share * 100)}% of requests plus 3 per second`;
  return `${counted(attempts, "attempt")}, ${budget}, ${pause}; ` +
    `streams are held back for at most ${formatDuration(commitWithinMs)}`;
}

function healthOf({ health: { failures, coolMs, coolMaxMs } }: Routing): string {
  return `rests after ${counted(failures, "failure")} in a row, for ${formatDuration(coolMs)}, doubling to ${
    formatDuration(coolMaxMs)
  }`;
}

/** Each attempt may take its own timeout, and all of them together no longer than the request's. */
function worstTime({ retry, firstTokenMs }: Routing, { firstByteMs, totalMs }: Timeouts): string {
  const whole = Math.min(totalMs, retry.attempts * firstByteMs);
  const stream = Math.min(totalMs, retry.attempts * Math.min(firstByteMs, firstTokenMs ?? firstByteMs));
  return `if every attempt hangs, an error after ${formatDuration(whole)} (streams: ${
    formatDuration(stream)
  }); ` +
    `never later than timeouts.total, ${formatDuration(totalMs)}`;
}
