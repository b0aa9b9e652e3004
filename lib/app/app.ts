/** The composition root: assembles the parts, and keeps them in step with the configuration. */

import { type AdminAccess, adminHandler } from "../admin/admin.ts";
import { type AdminApi, adminApi } from "../admin/api.ts";
import { type Clock, TimerWheel } from "../base/clock.ts";
import { AditError, messageOf } from "../base/errors.ts";
import { isLoopback } from "../base/host.ts";
import { randomFraction } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { cutList } from "../base/log_words.ts";
import { changesBetween, type ConfigChanges, type ConfigDigests, digestsOf } from "../config/changes.ts";
import { ConfigEntries } from "../config/edit/entries.ts";
import { type Fingerprints, isPart, readFile } from "../config/file/files.ts";
import type { LoadedConfig } from "../config/load.ts";
import { formatProblem, type Problem } from "../base/problems.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type ConfigWatch, watchConfig } from "../config/watch.ts";
import { EMULATOR_CREDENTIALS } from "../emulator/server/credentials.ts";
import { emulatorFetch } from "../emulator/in_process.ts";
import { readBody } from "../server/body.ts";
import { type ListenChange, Listeners } from "../server/listeners.ts";
import { removeStaleSocket } from "../server/stale_socket.ts";
import { planFor } from "../gateway/resolve.ts";
import { modelApisIn } from "../endpoints/model_apis.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { buildGateway, type Gateway, lessonFields } from "./build_gateway.ts";
import { writeAdminFile } from "./admin_file.ts";
import type { CheckedConfig } from "./check_messages.ts";
import { ConfigChecker } from "./config_checker.ts";
import type { GatewayFacts } from "../telemetry/gateway_facts.ts";
import { LazyMetrics } from "../telemetry/lazy_metrics.ts";
import { LazyTraces } from "../telemetry/lazy_traces.ts";
import { LoopLag } from "../telemetry/loop_lag.ts";
import { gatewayFacts } from "./read_facts.ts";
import { probeIn } from "../providers/transport/probe.ts";
import { State } from "./state.ts";
import { Turns } from "./turns.ts";

export interface AppOptions {
  readonly configPath: string;
  readonly version: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Notified of each change of the gateway's state. */
  readonly notifier?: Notifier | undefined;
}

/** Receives state changes for a service manager; must not throw. */
export interface Notifier {
  /** The gateway listens with a configuration; `status` is a line about the last reload. */
  ready(status: string): void;
  /** A configuration is being read; `ready` follows, even if it is rejected. */
  reloading(): void;
  /** The gateway stops accepting connections, and will have ended after this time. */
  stopping(withinMs: number): void;
}

/** The result of the last reload. */
interface ReloadOutcome {
  readonly at: string;
  readonly ok: boolean;
  readonly problems: readonly string[];
  /** Names of what was added, removed or changed. */
  readonly changes?: ConfigChanges;
}

/** Requests that outlive the drain are aborted; their last bytes have this long to reach their clients. */
const LAST_BYTES_MS = 1_000;

/** How long a reload waits for the search for credentials. */
const MAX_SEARCH_MS = 5_000;

/** What nobody waits for is done this long after the start. */
const LATER_MS = 1_000;

/** Maximum size of a request to the admin API. */
const ADMIN_BODY = { maxBytes: 256 * 1024, idleMs: 10_000, totalMs: 10_000 } as const;

/** The running gateway. */
export class App {
  readonly #options: AppOptions;
  readonly #timers: TimerWheel;
  readonly #state: State;
  readonly #gateway: Gateway;
  readonly #public: Listeners;
  readonly #admin: Listeners;
  readonly #checker: ConfigChecker;
  readonly #metrics: LazyMetrics;
  readonly #loopLag: LoopLag;
  readonly #traces: LazyTraces;
  readonly #startedMs: number;
  #watch: ConfigWatch | undefined;
  #loadedAt: string;
  #lastReload: ReloadOutcome;
  readonly #reloads = new Turns<readonly string[]>();
  #generation = 1;
  #refusedReloads = 0;
  /** Of the running configuration. */
  #digests: ConfigDigests | undefined;
  /** The first configuration's values, until its digests are there. */
  #firstValue: unknown;
  #draining = false;

  private constructor(options: AppOptions, snapshot: Snapshot, { timers, state }: Prepared) {
    const { clock, logger, runtime, env, version } = options;
    this.#options = options;
    this.#startedMs = clock.now();
    this.#timers = timers;
    this.#state = state;
    this.#checker = new ConfigChecker({
      configPath: options.configPath,
      env,
      startWorker: runtime.startWorker,
      timers: this.#timers,
    });
    this.#loopLag = new LoopLag(clock);
    this.#metrics = new LazyMetrics({
      facts: () => this.#facts(),
      isModel: (name) => this.#gateway.pipeline.snapshot.models.has(name),
    });
    this.#traces = new LazyTraces({
      settings: () => this.#gateway.pipeline.snapshot.traces,
      fetch: runtime.fetch,
      timers: this.#timers,
      version,
      random: randomFraction,
      onChange: (failure) =>
        failure === undefined
          ? logger.log("info", "traces are sent again")
          : logger.log("warn", "traces are dropped: the collector fails", { error: failure }),
    });
    this.#gateway = buildGateway({
      sinks: [this.#metrics.sink, this.#traces.sink, ...state.sinks],
      clock,
      timers: this.#timers,
      logger,
      snapshot,
      fetch: runtime.fetch,
      openBody: runtime.openBody,
      emulator: { ...EMULATOR_CREDENTIALS, fetch: emulatorFetch(clock) },
      probe: probeIn(env),
      userAgent: `adit/${version}`,
      ...state.parts,
    });
    const { pipeline } = this.#gateway;
    this.#public = new Listeners({
      runtime,
      handle: pipeline.handle,
      onListening: (address) => logger.log("info", "listening", { address, listener: "public" }),
    });
    state.keep(this.#gateway.budgets);
    const entries = this.#adminApi();
    const views = state.adminApi({
      access: () => pipeline.snapshot.adminApi,
      readBody: (request) => readBody(request, { ...ADMIN_BODY, timers: this.#timers }),
    }, this.#gateway.budgets);
    this.#admin = new Listeners({
      runtime,
      handle: adminHandler({
        access: () => this.#adminAccess(),
        isReady: () => !this.#draining && this.#state.isReady,
        status: () => this.#status(),
        reload: () => this.reload("request"),
        metrics: () => this.#metrics.text(),
        api: (request) => views(request) ?? entries(request),
      }),
      onListening: (address) => logger.log("info", "listening", { address, listener: "admin" }),
    });
    this.#loadedAt = this.#now();
    this.#lastReload = { at: this.#loadedAt, ok: true, problems: [] };
    logger.level = snapshot.log.level;
  }

  #adminApi(): AdminApi {
    const { configPath, env, logger } = this.#options;
    return adminApi({
      entries: new ConfigEntries({ path: configPath, readFile, env }),
      access: () => this.#gateway.pipeline.snapshot.adminApi,
      readBody: (request) => readBody(request, { ...ADMIN_BODY, timers: this.#timers }),
      reload: () => this.reload("admin API"),
      apisOf: (name) => modelApisIn(this.#gateway.pipeline.snapshot, name),
      audit: (change) => logger.log("info", "configuration changed through the admin API", { ...change }),
    });
  }

  /** Listens with a loaded configuration. Rejects if a socket cannot be opened. */
  static async start(loaded: LoadedConfig, options: AppOptions): Promise<App> {
    const app = new App(options, loaded.snapshot, await prepare(loaded.snapshot, options));
    try {
      await removeStaleAdminSocket(loaded.snapshot);
      app.#listen(loaded.snapshot).commit();
    } catch (error) {
      await app.#state.close();
      throw error;
    }
    app.#warn(loaded.warnings);
    void app.#gateway.credentials.use(loaded.snapshot.providers);
    app.#watch = watchConfig({
      files: loaded.files,
      onChange: (still) => app.#reloadChanged(still),
      onError: (error) =>
        options.logger.log("warn", "cannot watch the configuration", { error: String(error) }),
    });
    void app.#tellAdminAddress();
    options.notifier?.ready(app.#summary());
    // What the start does not need comes after it.
    app.#firstValue = loaded.written.value;
    app.#timers.after(LATER_MS, () => app.#startLater());
    return app;
  }

  #tellAdminAddress(): Promise<void> {
    const { env, logger } = this.#options;
    return writeAdminFile(
      env["RUNTIME_DIRECTORY"],
      this.#admin.urls[0],
      (error) => logger.log("warn", "cannot write the admin address", { error: messageOf(error) }),
    );
  }

  #startLater(): void {
    if (this.#draining) return;
    this.#runningDigests();
    this.#loopLag.start();
    void this.#metrics.load();
  }

  /** Digests of the configuration in use, also where a reload follows the start at once. */
  #runningDigests(): ConfigDigests {
    this.#digests ??= digestsOf(this.#firstValue);
    this.#firstValue = undefined;
    return this.#digests;
  }

  /**
   * Reads the configuration again and activates it if it is valid. Returns the problems that prevented it, or none.
   * Requests during a reload cause one more reload afterwards, however many there are.
   */
  reload(reason: string): Promise<readonly string[]> {
    return this.#reloads.takeOnce(() => this.#reload(reason, this.#checker.check()));
  }

  /** Activates changed files; returns what was read if that differs from their stable content. */
  #reloadChanged(still: Fingerprints): Promise<Fingerprints | undefined> {
    return this.#reloads.take(async () => {
      const check = this.#checker.check();
      const files = await check.then((checked) => checked.files, () => still);
      if (!isPart(files, still)) return files;
      await this.#reload("file change", check);
      return undefined;
    });
  }

  /** Stops accepting, lets in-flight requests finish within the drain time, aborts the rest, and resolves. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#loopLag.stop();
    this.#watch?.close();
    this.#checker.close();
    this.#gateway.credentials.close();
    const { drainMs, drainDelayMs } = this.#gateway.pipeline.snapshot.timeouts;
    this.#options.logger.log("info", "draining", {
      in_flight: this.#gateway.pipeline.inFlight,
      ...(drainDelayMs > 0 && { after_ms: drainDelayMs }),
      within_ms: drainMs,
    });
    this.#options.notifier?.stopping(drainDelayMs + drainMs + LAST_BYTES_MS);
    if (drainDelayMs > 0) await this.#pass(drainDelayMs);
    this.#gateway.pipeline.startDraining();
    const late = this.#timers.after(
      drainMs,
      () => this.#gateway.pipeline.abortAll(new AditError("draining")),
    );
    // A client that reads nothing must not keep the process alive: its connection ends with it.
    await Promise.race([this.#public.drain(), this.#pass(drainMs + LAST_BYTES_MS)]);
    late.cancel();
    await Promise.race([this.#traces.flush(), this.#pass(LAST_BYTES_MS)]);
    await this.#state.close();
    await this.#admin.close();
    this.#options.logger.log("info", "stopped");
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#timers.after(ms, resolve));
  }

  async #reload(reason: string, check: Promise<CheckedConfig>): Promise<readonly string[]> {
    const { logger, configPath, notifier } = this.#options;
    if (!this.#draining) notifier?.reloading();
    const taken = await this.#take(check).catch((error) =>
      refused([`the reload failed: ${messageOf(error)}`])
    );
    const { problems, changes } = taken;
    this.#lastReload = { at: this.#now(), ok: problems.length === 0, ...taken };
    if (problems.length === 0) {
      logger.log("info", "configuration reloaded", {
        reason,
        file: configPath,
        generation: this.#generation,
        ...shortened(changes),
      });
    } else {
      this.#refusedReloads++;
      logger.log("error", "configuration rejected; the previous one stays in use", { reason, problems });
    }
    if (!this.#draining) notifier?.ready(this.#summary());
    return problems;
  }

  /** Loads, listens and swaps; any failure leaves everything as it was. */
  async #take(check: Promise<CheckedConfig>): Promise<Taken> {
    const loaded = await check;
    // Also for an invalid configuration: the next change may fix one of the files it names.
    this.#watch?.update(loaded.files);
    this.#warn(loaded.warnings);
    const changes = loaded.ok ? await changesBetween(this.#runningDigests(), loaded.digests) : {};
    if (this.#draining) return refused(["the gateway is shutting down"]);
    if (!loaded.ok) return refused(loaded.problems.map(formatProblem));
    const { snapshot } = loaded;
    let change: ListenChange;
    try {
      await removeStaleAdminSocket(snapshot);
      change = this.#listen(snapshot);
    } catch (error) {
      return refused([messageOf(error)]);
    }
    const listening = [...this.#public.urls, ...this.#admin.urls];
    this.#digests = loaded.digests;
    const searched = this.#gateway.credentials.use(snapshot.providers);
    this.#gateway.limits.use(snapshot);
    this.#gateway.pipeline.use(snapshot);
    this.#gateway.health.keep([...snapshot.models.values()].flatMap((model) => planFor(model).targets));
    this.#gateway.lessons.clear();
    this.#gateway.budgets.use(snapshot);
    this.#state.use(snapshot);
    this.#options.logger.level = snapshot.log.level;
    change.commit();
    void this.#tellAdminAddress();
    this.#generation++;
    this.#loadedAt = this.#now();
    // The caller of the reload finds a rewritten credentials file in use; a longer search continues in the
    // background.
    await Promise.race([searched, this.#pass(MAX_SEARCH_MS)]);
    const listensNow = [...this.#public.urls, ...this.#admin.urls];
    const opened = listensNow.filter((url) => !listening.includes(url));
    const closed = listening.filter((url) => !listensNow.includes(url));
    return {
      problems: [],
      changes: {
        ...changes,
        ...(opened.length > 0 && { listeners_added: opened }),
        ...(closed.length > 0 && { listeners_removed: closed }),
      },
    };
  }

  /** Opens the sockets that a configuration adds: all of them or none. */
  #listen({ listen, tls, admin, adminTls }: Snapshot): ListenChange {
    const publicChange = this.#public.open(listen, tls);
    try {
      const adminChange = this.#admin.open(admin === undefined ? [] : [admin], adminTls);
      return {
        commit: () => [publicChange, adminChange].forEach((change) => change.commit()),
        undo: () => [publicChange, adminChange].forEach((change) => change.undo()),
      };
    } catch (error) {
      publicChange.undo();
      throw error;
    }
  }

  #warn(warnings: readonly Problem[]): void {
    for (const warning of warnings) {
      this.#options.logger.log("warn", "configuration warning", { problem: formatProblem(warning) });
    }
  }

  #adminAccess(): AdminAccess {
    const { admin, adminApi, metricsKeyHash } = this.#gateway.pipeline.snapshot;
    return {
      onNetwork: admin !== undefined && "port" in admin && !isLoopback(admin.hostname),
      adminKeyHash: adminApi?.keyHash,
      metricsKeyHash,
    };
  }

  /** A line about what runs, and the result of the last reload. */
  #summary(): string {
    const { models } = this.#gateway.pipeline.snapshot;
    const { ok, problems } = this.#lastReload;
    const serving = `serving on ${this.#public.urls.join(", ")}, models: ${models.size}`;
    if (ok) return serving;
    const refused = `problems in the new one: ${problems.length}, first: ${problems[0] ?? ""}`;
    return `${serving}, with the previous configuration; ${refused}`;
  }

  #facts(): GatewayFacts {
    const { version, runtime, clock } = this.#options;
    const own = {
      version,
      runtime: `${runtime.name} ${runtime.version}`,
      startedAtMs: this.#startedMs,
      loopLagMs: this.#loopLag.maxMs,
      traces: this.#traces.counts,
      reloads: { accepted: this.#generation - 1, refused: this.#refusedReloads },
      isConfigRefused: !this.#lastReload.ok,
    };
    return gatewayFacts(this.#gateway, own, clock.monotonic());
  }

  #status(): unknown {
    const { version, runtime, configPath, clock } = this.#options;
    const { providers, models, callers } = this.#gateway.pipeline.snapshot;
    return {
      version,
      runtime: `${runtime.name} ${runtime.version}`,
      started_at: new Date(this.#startedMs).toISOString(),
      uptime_s: Math.round((clock.now() - this.#startedMs) / 1000),
      draining: this.#draining,
      requests_in_flight: this.#gateway.pipeline.inFlight,
      requests: this.#gateway.counts,
      listeners: { public: this.#public.urls, admin: this.#admin.urls },
      config: {
        file: configPath,
        generation: this.#generation,
        loaded_at: this.#loadedAt,
        last_reload: this.#lastReload,
        providers: [...providers.keys()],
        models: [...models.keys()],
        callers: [...callers.keys()],
      },
      credentials: this.#gateway.credentials.status(providers),
      ledger: this.#state.status,
      targets: this.#targetStatus(),
      lessons: this.#gateway.lessons.list().map((lessons) => ({
        ...lessonFields(lessons),
        learned_at: lessons.learnedAt,
      })),
      limits: this.#gateway.limits.status(),
    };
  }

  /** The health of each target that has been asked, by model and target. */
  #targetStatus(): unknown {
    const { pipeline, health } = this.#gateway;
    const nowMs = this.#options.clock.monotonic();
    const models = [...pipeline.snapshot.models.values()].map((model) => {
      const known = planFor(model).targets.flatMap((target) => {
        const status = health.status(target, nowMs);
        return status === undefined ? [] : [[target.settings?.name ?? "", status] as const];
      });
      return [model.name, Object.fromEntries(known)] as const;
    });
    return Object.fromEntries(models.filter(([, known]) => Object.keys(known).length > 0));
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** The result of a reload: the problems that prevented it, or what it changed. */
interface Taken {
  readonly problems: readonly string[];
  readonly changes: ConfigChanges;
}

function refused(problems: readonly string[]): Taken {
  return { problems, changes: {} };
}

/** Names in one log line. */
const MAX_CHANGES = { items: 20, chars: 128 } as const;

function shortened(changes: ConfigChanges): ConfigChanges {
  return Object.fromEntries(
    Object.entries(changes).map(([what, names]) => [what, cutList(names, MAX_CHANGES)]),
  );
}

/** What the gateway needs before it is assembled. */
interface Prepared {
  readonly timers: TimerWheel;
  readonly state: State;
}

/** Rejects if the gateway must not run without its state. */
async function prepare(snapshot: Snapshot, { clock, logger, runtime }: AppOptions): Promise<Prepared> {
  const timers = new TimerWheel(clock);
  return { timers, state: await State.open(snapshot, { clock, timers, logger, runtime }) };
}

/** Removes what a killed process has left at a socket's path. */
async function removeStaleAdminSocket({ admin }: Snapshot): Promise<void> {
  if (admin !== undefined && "path" in admin) await removeStaleSocket(admin.path);
}
