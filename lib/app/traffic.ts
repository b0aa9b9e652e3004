/** Serves requests: the public sockets and the gateway behind them, controlled by the control plane. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import { EMULATOR_CREDENTIALS } from "../emulator/server/credentials.ts";
import { networksIn } from "../providers/transport/networks.ts";
import type { Fetch, Runtime } from "../runtime/runtime.ts";
import { DescriptorGuard, processDescriptors } from "../server/descriptors.ts";
import { type ListenChange, Listeners } from "../server/listeners.ts";
import type { Target } from "../snapshot/plan.ts";
import type { ListenAddress, Snapshot } from "../snapshot/snapshot.ts";
import { buildGateway, type Gateway, type GatewayParts } from "./build_gateway.ts";

export interface TrafficOptions
  extends Pick<GatewayParts, "store" | "startedMs" | "sinks" | "views" | "budgets" | "askKeyPair" | "news"> {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The emulator of the process. */
  readonly emulator: Fetch;
  /** The first configuration, which must be prepared and committed like any other. */
  readonly snapshot: Snapshot;
  /** Whether another thread of the process opens and reports each address first; default: false. */
  readonly shared?: boolean;
}

/** A configuration whose sockets are open. */
export interface PreparedTraffic {
  /** The addresses with the ports in use. */
  readonly bound: readonly ListenAddress[];
  /** Uses the configuration for every new request. Resolves when new credentials have been searched for. */
  commit(): Promise<void>;
  /** Closes the new sockets; nothing has changed. */
  undo(): void;
}

/** Serves requests with the current configuration; a request keeps the one it began with. */
export class Traffic {
  readonly gateway: Gateway;
  readonly #listeners: Listeners;
  readonly #guard: DescriptorGuard | undefined;

  constructor({ runtime, env, version, emulator, shared = false, ...parts }: TrafficOptions) {
    const { logger } = parts;
    this.gateway = buildGateway({
      ...parts,
      fetch: runtime.fetch,
      openBody: runtime.openBody,
      emulator: { ...EMULATOR_CREDENTIALS, fetch: emulator },
      ...networksIn({ open: runtime.openNetwork, env }),
      userAgent: `adit/${version}`,
    });
    this.#listeners = new Listeners({
      runtime,
      shared,
      handle: this.gateway.pipeline.handle,
      onListening: (address) => {
        if (!shared) logger.log("info", "listening", { address, listener: "public" });
      },
    });
    this.#guard = this.#guardDescriptors(logger);
  }

  #guardDescriptors(logger: Logger): DescriptorGuard | undefined {
    const descriptors = processDescriptors();
    if (descriptors === undefined) return undefined;
    const guard = new DescriptorGuard({
      descriptors,
      pause: () => this.#listeners.pause(),
      resume: () => this.#listeners.resume(this.gateway.pipeline.snapshot.tls),
      onChange: (isPaused, used, limit) =>
        isPaused
          ? logger.log("warn", "refusing new connections: few file descriptors are left", { used, limit })
          : logger.log("info", "accepting connections again", { used, limit }),
    });
    guard.start();
    return guard;
  }

  /** The addresses of the sockets, with the ports in use. */
  get bound(): readonly ListenAddress[] {
    return this.#listeners.bound;
  }

  /** URLs of the sockets, even while only other threads listen there. */
  get urls(): readonly string[] {
    return this.#listeners.urls;
  }

  /**
   * Opens the sockets that a configuration adds, by default at its own addresses: all or none. Throws if one cannot be
   * opened.
   */
  prepare(snapshot: Snapshot, listen: readonly ListenAddress[] = snapshot.listen): PreparedTraffic {
    const change = this.#listeners.open(listen, snapshot.tls);
    return {
      bound: change.bound,
      commit: () => this.#use(snapshot, change),
      undo: () => change.undo(),
    };
  }

  #use(snapshot: Snapshot, change: ListenChange): Promise<void> {
    const { credentials, limits, pipeline, health, lessons, budgets } = this.gateway;
    const searched = credentials.use(snapshot.providers);
    limits.use(snapshot);
    pipeline.use(snapshot);
    health.keep(targetsIn(snapshot));
    lessons.clear();
    budgets.use(snapshot);
    change.commit();
    return searched;
  }

  /** Leaves listening to other threads. */
  handOver(): void {
    this.#listeners.handOver();
  }

  /** Listens again where only other threads did. Throws if a socket cannot be opened. */
  takeBack(): void {
    this.#listeners.takeBack(this.gateway.pipeline.snapshot.tls);
  }

  /** Stops accepting connections; resolves when it has. In-flight requests continue. */
  leave(): Promise<void> {
    this.#guard?.stop();
    return this.#listeners.leave();
  }

  /**
   * Stops accepting connections and, by default, refuses further requests on open ones. Resolves when all requests have
   * been answered.
   */
  async drain(refuse = true): Promise<void> {
    this.#guard?.stop();
    if (refuse) this.gateway.pipeline.startDraining();
    await this.#listeners.drain();
    await this.gateway.pipeline.noneLeftBehind();
  }

  /** Aborts every in-flight request because of the shutdown. */
  abortAll(): void {
    this.gateway.pipeline.abortAll(new AditError("draining"));
  }

  /** Stops renewing credentials and watching descriptors. */
  close(): void {
    this.#guard?.stop();
    this.gateway.credentials.close();
  }
}

function* targetsIn({ models }: Snapshot): Generator<Pick<Target, "provider" | "modelId">> {
  for (const { targets } of models.values()) {
    for (const { provider, id } of targets) yield { provider, modelId: id };
  }
}
