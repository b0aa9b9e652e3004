/** What serves requests: the public sockets, and the gateway behind them. Only the control plane talks to it. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { EMULATOR_CREDENTIALS } from "../emulator/server/credentials.ts";
import { emulatorFetch } from "../emulator/in_process.ts";
import { planFor } from "../gateway/resolve.ts";
import { networksIn } from "../providers/transport/networks.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type ListenChange, Listeners } from "../server/listeners.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { buildGateway, type Gateway, type GatewayParts } from "./build_gateway.ts";

export interface TrafficOptions extends Pick<GatewayParts, "store" | "sinks" | "views" | "budgets"> {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The configuration to start with; it is in use once it has been prepared and committed, like any other. */
  readonly snapshot: Snapshot;
}

/** A configuration whose sockets are open and wait to be used. */
export interface PreparedTraffic {
  /** Uses the configuration for every request from now on. Resolves when new credentials have been searched for. */
  commit(): Promise<void>;
  /** Closes the new sockets again; nothing has changed. */
  undo(): void;
}

/** Serves requests with one configuration at a time; a request keeps the one it began with. */
export class Traffic {
  readonly gateway: Gateway;
  readonly #listeners: Listeners;

  constructor({ clock, timers, logger, runtime, env, version, snapshot, ...parts }: TrafficOptions) {
    this.gateway = buildGateway({
      ...parts,
      clock,
      timers,
      logger,
      snapshot,
      fetch: runtime.fetch,
      openBody: runtime.openBody,
      emulator: { ...EMULATOR_CREDENTIALS, fetch: emulatorFetch(clock) },
      ...networksIn({ open: runtime.openNetwork, env }),
      userAgent: `adit/${version}`,
    });
    this.#listeners = new Listeners({
      runtime,
      handle: this.gateway.pipeline.handle,
      onListening: (address) => logger.log("info", "listening", { address, listener: "public" }),
    });
  }

  /** URLs of the open sockets. */
  get urls(): readonly string[] {
    return this.#listeners.urls;
  }

  /** Opens the sockets that a configuration adds. Throws if one cannot be opened; then none is. */
  prepare(snapshot: Snapshot): PreparedTraffic {
    const change = this.#listeners.open(snapshot.listen, snapshot.tls);
    return { commit: () => this.#use(snapshot, change), undo: () => change.undo() };
  }

  #use(snapshot: Snapshot, change: ListenChange): Promise<void> {
    const { credentials, limits, pipeline, health, lessons, budgets } = this.gateway;
    const searched = credentials.use(snapshot.providers);
    limits.use(snapshot);
    pipeline.use(snapshot);
    health.keep([...snapshot.models.values()].flatMap((model) => planFor(model).targets));
    lessons.clear();
    budgets.use(snapshot);
    change.commit();
    return searched;
  }

  /** Refuses further requests on open connections, and accepts no connections. Resolves when all have been answered. */
  async drain(): Promise<void> {
    this.gateway.pipeline.startDraining();
    await this.#listeners.drain();
    await this.gateway.pipeline.noneLeftBehind();
  }

  /** Ends every in-flight request, because the gateway shuts down. */
  abortAll(): void {
    this.gateway.pipeline.abortAll(new AditError("draining"));
  }

  /** Stops renewing credentials. */
  close(): void {
    this.gateway.credentials.close();
  }
}
