/** The metrics of the gateway itself: what is read of it is in the text, bounded, and as it is at each reading. */

import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import type { BudgetFacts } from "../../lib/telemetry/gateway_facts.ts";
import { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import { FACTS } from "./gateway_facts.ts";

const LINES = `
adit_in_flight 3
adit_threads_alive 2
adit_loop_lag_seconds 0.25
adit_target_available{model="claude",target="east"} 0
adit_target_available{model="claude",target="west"} 1
adit_target_in_flight{model="claude",target="east"} 0
adit_target_in_flight{model="claude",target="west"} 3
adit_trace_spans_total{result="exported"} 9
adit_trace_spans_total{result="dropped"} 1
adit_budget_usd{budget="team",subject="search",state="limit"} 500
adit_budget_usd{budget="team",subject="search",state="spent"} 12.5
adit_budget_usd{budget="team",subject="search",state="reserved"} 0.25
adit_ledger_queue 7
adit_ledger_dropped_total 2
adit_ledger_failing 1
adit_config_reloads_total{result="accepted"} 4
adit_config_reloads_total{result="refused"} 1
adit_config_refused 1
adit_credentials_failing{provider="east"} 1
adit_credentials_failing{provider="west"} 0
adit_credentials_expire_timestamp_seconds{provider="west"} 1750003600
adit_certificate_expire_timestamp_seconds{listener="public"} 1760000000
adit_build_info{version="1.2.3",runtime="bun 1.4.4"} 1
process_start_time_seconds 1750000000.5
process_resident_memory_bytes 1024
process_cpu_seconds_total 1.5`.trim();

const samplesIn = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

Deno.test("everything that is known of the gateway is in its metrics, each time as it is then", async () => {
  let facts = FACTS;
  const metrics = new GatewayMetrics(() => facts);
  equal(samplesIn(await metrics.text()).join("\n"), LINES);
  facts = { ...FACTS, targets: [], credentials: [], budgets: [], inFlight: 0, ledger: undefined };
  const later = await metrics.text();
  match(later, /^adit_in_flight 0$/m);
  doesNotMatch(later, /target="|provider="|subject="/, "what has gone has no series any more");
  match(later, /^adit_ledger_dropped_total 0$/m);
  match(later, /^adit_config_reloads_total\{result="accepted"\} 4$/m, "a total is not added up again");
});

Deno.test("of very many budgets, those nearest to their limits have series", async () => {
  const budgets = Array.from({ length: 400 }, (_, index): BudgetFacts => ({
    budget: "small",
    subject: `caller-${index}`,
    unit: "usd",
    limit: 0.5,
    // All but the last hundred have spent half of it.
    spent: index < 300 ? 0.25 : 0.01,
    reserved: 0,
  }));
  const large: BudgetFacts = {
    budget: "large",
    subject: "",
    unit: "usd",
    limit: 500,
    spent: 200,
    reserved: 0,
  };
  const metrics = new GatewayMetrics(() => ({ ...FACTS, budgets: [large, ...budgets] }));
  const spent = samplesIn(await metrics.text()).filter((line) =>
    /^adit_budget_usd.*state="spent"/.test(line)
  );
  deepEqual([spent.length, spent.filter((line) => line.includes('"small"')).length], [300, 300]);
});
