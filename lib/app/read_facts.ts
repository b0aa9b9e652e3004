/** Collects the facts behind the metrics from the running gateway. */

import process from "node:process";
import type { BudgetView } from "../snapshot/budget_view.ts";
import { planFor } from "../gateway/resolve.ts";
import type { LedgerStatus } from "../ledger/ledger.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type {
  BudgetFacts,
  CertificateFacts,
  GatewayFacts,
  LedgerFacts,
  TargetFacts,
} from "../telemetry/gateway_facts.ts";
import type { Gateway } from "./build_gateway.ts";

/** Facts that only the control plane knows. */
export type OwnFacts = Pick<
  GatewayFacts,
  | "version"
  | "runtime"
  | "startedAtMs"
  | "loopLagMs"
  | "threads"
  | "traces"
  | "reloads"
  | "isConfigRefused"
  | "ledger"
>;

/** The state of the gateway at this time of the monotonic clock. */
export function gatewayFacts(gateway: Gateway, own: OwnFacts, nowMs: number): GatewayFacts {
  const { pipeline, credentials } = gateway;
  const { snapshot } = pipeline;
  const { user, system } = process.cpuUsage();
  return {
    ...own,
    inFlight: pipeline.inFlight,
    targets: targetFacts(gateway, nowMs),
    credentials: Object.entries(credentials.status(snapshot.providers)).map(([provider, status]) => ({
      provider,
      isFailing: status.last_error !== undefined,
      expiresAtMs: status.expires_at === undefined ? undefined : Date.parse(status.expires_at),
    })),
    certificates: certificateFacts(snapshot),
    budgets: gateway.budgets.view().map(budgetFacts),
    process: { residentBytes: process.memoryUsage().rss, cpuSeconds: (user + system) / 1e6 },
  };
}

function targetFacts({ pipeline, health }: Gateway, nowMs: number): readonly TargetFacts[] {
  return [...pipeline.snapshot.models.values()].flatMap((model) =>
    planFor(model).targets.flatMap((target) => {
      const status = health.status(target, nowMs);
      return status === undefined ? [] : [{
        model: model.name,
        target: target.settings?.name ?? "",
        available: status.state === "available" || status.state === "probing",
        inFlight: status.in_flight,
      }];
    })
  );
}

/** The ledger's part of the metrics. */
export function ledgerFacts(status: LedgerStatus | undefined): LedgerFacts | undefined {
  if (status === undefined) return undefined;
  const { queued, dropped, error } = status;
  return { queued, dropped, isFailing: error !== undefined };
}

function budgetFacts({ name, subject, unit, limit, spent, held }: BudgetView): BudgetFacts {
  return {
    budget: name,
    subject,
    unit,
    limit: Number(limit),
    spent: Number(spent),
    reserved: Number(held),
  };
}

function certificateFacts({ tls, adminTls }: Snapshot): readonly CertificateFacts[] {
  return [
    ...(tls === undefined ? [] : [{ listener: "public", expiresAtMs: tls.expiresAtMs } as const]),
    ...(adminTls === undefined ? [] : [{ listener: "admin", expiresAtMs: adminTls.expiresAtMs } as const]),
  ];
}
