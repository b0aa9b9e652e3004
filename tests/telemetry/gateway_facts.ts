/** A gateway with something to report in every metric. */

import type { GatewayFacts } from "../../lib/telemetry/gateway_facts.ts";

/** Two targets, two providers, a budget, and a ledger that fails. */
export const FACTS: GatewayFacts = {
  version: "1.2.3",
  runtime: "bun 1.4.4",
  startedAtMs: 1_750_000_000_500,
  inFlight: 3,
  threads: 2,
  loopLagMs: 250,
  targets: [
    { model: "claude", target: "east", available: false, inFlight: 0 },
    { model: "claude", target: "west", available: true, inFlight: 3 },
  ],
  reloads: { accepted: 4, refused: 1 },
  isConfigRefused: true,
  credentials: [
    { provider: "east", isFailing: true, expiresAtMs: undefined },
    { provider: "west", isFailing: false, expiresAtMs: 1_750_003_600_000 },
  ],
  certificates: [{ listener: "public", expiresAtMs: 1_760_000_000_000 }],
  budgets: [{ budget: "team", subject: "search", unit: "usd", limit: 500, spent: 12.5, reserved: 0.25 }],
  ledger: { queued: 7, dropped: 2, isFailing: true },
  traces: { exported: 9, dropped: 1 },
  process: { residentBytes: 1024, cpuSeconds: 1.5 },
};
