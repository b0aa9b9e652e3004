/**
 * The control plane: starts the gateway, applies configuration changes, reports its state, and shuts it down.
 * `traffic.ts` serves the requests.
 */

import { type Clock, TimerWheel } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import type { LogTail } from "../base/log/log_tail.ts";
import { formatProblem } from "../base/problems.ts";
import { type Fingerprints, isPart } from "../config/file/files.ts";
import type { LoadedConfig } from "../config/load.ts";
import { type ConfigWatch, watchConfig } from "../config/watch.ts";
import { emulatorFetch } from "../emulator/in_process.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ListenChange } from "../server/listeners.ts";
import { openSnapshot, packSnapshot } from "../snapshot/packed_callers.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { newStoreAccess, SharedStore } from "../store/shared.ts";
import type { GatewayFacts } from "../telemetry/gateway_facts.ts";
import { LazyMetrics } from "../telemetry/lazy_metrics.ts";
import type { LazyTraces } from "../telemetry/lazy_traces.ts";
import { LoopLag } from "../telemetry/loop_lag.ts";
import { writeAdminFile } from "./admin_file.ts";
import { AdminListener } from "./admin_listener.ts";
import type { CheckedConfig } from "./check_messages.ts";
import { ConfigChecker } from "./config_checker.ts";
import { ConfigViewer } from "./page/config_viewer.ts";
import { type LiveSinks, liveSinks, sinksOf } from "./page/live_sinks.ts";
import type { PageSourceOptions } from "./page/page_sources.ts";
import { gatewayFacts, ledgerFacts } from "./read_facts.ts";
import { refused, type ReloadResult } from "./reload_result.ts";
import { type AcceptedConfig, RunningConfig } from "./running_config.ts";
import { State } from "./state.ts";
import { statusOf } from "./status.ts";
import { threadHost } from "./threads/thread_host.ts";
import { type PreparedThreads, ThreadPool } from "./threads/thread_pool.ts";
import { traceSink } from "./trace_sink.ts";
import { Traffic } from "./traffic.ts";
import { Turns } from "./turns.ts";

export interface ControlOptions {
  readonly configPath: string;
  readonly version: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The last lines of the log. */
  readonly logTail: LogTail;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Notified of each state change of the gateway. */
  readonly notifier?: Notifier | undefined;
}

/** Receives state changes for a service manager; must not throw. */
export interface Notifier {
  /**
   * The gateway is listening; `status` is a line about the configuration in use. A watchdog is told that the gateway is
   * alive only while `isAlive` returns true.
   */
  ready(status: string, isAlive: () => boolean): void;
  /** A configuration is being read; `ready` follows even if it is rejected. */
  reloading(): void;
  /** The gateway is shutting down, and will have exited after this time. */
  stopping(withinMs: number): void;
}

/** Requests that outlast the drain are aborted; their last bytes have this long to reach the clients. */
const LAST_BYTES_MS = 1_000;

/** Maximum time that a reload waits for the credential search. */
const MAX_SEARCH_MS = 5_000;

/** Why a reload is refused during shutdown. */
const SHUTTING_DOWN = "the gateway is shutting down";

/** Work that nobody waits for begins this long after the start. */
const LATER_MS = 1_000;

/** The running gateway. */
export class Control {
  readonly #options: ControlOptions;
  readonly #timers: TimerWheel;
  readonly #state: State;
  readonly #traffic: Traffic;
  readonly #threads: ThreadPool;
  readonly #admin: AdminListener;
  readonly #checker: ConfigChecker;
  readonly #viewer: ConfigViewer;
  readonly #live: LiveSinks;
  readonly #metrics: LazyMetrics;
  readonly #loopLag: LoopLag;
  readonly #traces: LazyTraces;
  readonly #startedMs: number;
  readonly #running: RunningConfig;
  #watch: ConfigWatch | undefined;
  readonly #reloads = new Turns<readonly string[]>();
  #draining = false;

  private constructor(options: ControlOptions, snapshot: Snapshot, { timers, state }: Prepared) {
    const { clock, runtime, env, configPath } = options;
    this.#options = options;
    this.#startedMs = clock.now();
    this.#running = new RunningConfig(snapshot, options);
    this.#timers = timers;
    this.#state = state;
    this.#checker = new ConfigChecker({ configPath, env, startWorker: runtime.startWorker, timers });
    this.#viewer = new ConfigViewer({ configPath, env, startWorker: runtime.startWorker, timers });
    this.#live = liveSinks(this.#startedMs);
    this.#loopLag = new LoopLag(clock);
    this.#metrics = new LazyMetrics({
      facts: () => this.#facts(),
      isModel: (name) => this.#running.snapshot.models.has(name),
      teamOf: (caller) => this.#running.snapshot.callers.get(caller)?.team,
    });
    this.#traces = traceSink({ ...options, timers, settings: () => this.#running.snapshot.traces });
    const sinks = [this.#metrics.sink, this.#traces.sink, ...sinksOf(this.#live), ...state.sinks];
    const parts = { ...options, timers, ...this.#shared() };
    this.#traffic = new Traffic({
      ...parts,
      snapshot,
      sinks,
      ...state.parts,
      news: {
        onLearned: (lessons) => this.#threads.teachAll(lessons),
        onUsedTarget: () => {},
        onUsedLimit: () => {},
      },
    });
    const { budgets } = this.#traffic.gateway;
    state.keep(budgets);
    const host = threadHost({
      ...parts,
      gateway: this.#traffic.gateway,
      sinks,
      views: state.parts.views,
      flush: () => this.#threads.flush(),
    });
    this.#threads = new ThreadPool({ ...parts, local: this.#traffic, host, startedMs: this.#startedMs });
    this.#admin = new AdminListener({
      ...options,
      timers,
      state,
      budgets,
      page: this.#page(),
      snapshot: () => this.#running.snapshot,
      isReady: () => !this.#draining && this.#state.isReady,
      status: () => this.#status(),
      metrics: () => this.#metrics.text(),
      flush: () => this.#threads.flush(),
      reload: (reason) => this.reload(reason),
    });
  }

  /** Shared by all threads of the process. */
  #shared() {
    const { clock, logger } = this.#options;
    const onFull = () => logger.log("warn", "the table of shared counters is full");
    return { store: new SharedStore(newStoreAccess(), onFull), emulator: emulatorFetch(clock) };
  }

  #page(): Omit<PageSourceOptions, "timers" | "snapshot" | "readBody" | "maxBodyBytes"> {
    const { version, logTail } = this.#options;
    return {
      gateway: this.#traffic.gateway,
      inFlight: (count) => this.#threads.inFlight(count),
      live: this.#live,
      log: logTail,
      viewer: this.#viewer,
      ledger: () => this.#state.status,
      facts: () => ({
        version,
        startedAtMs: this.#startedMs,
        isDraining: this.#draining,
        threads: this.#threads.count,
        publicUrls: this.#traffic.urls,
        adminUrls: this.#admin.urls,
      }),
      configuration: () => this.#running.view,
    };
  }

  /** Listens with a loaded configuration. Rejects if a socket cannot be opened. */
  static async start(loaded: LoadedConfig, options: ControlOptions): Promise<Control> {
    // Closures that outlive the start must not capture `loaded`: with many callers, it takes much memory.
    const { files } = loaded;
    const packed = packSnapshot(loaded.snapshot);
    const snapshot = openSnapshot(packed);
    const control = new Control(options, snapshot, await prepare(snapshot, options));
    try {
      const traffic = control.#threads.start({ packed, snapshot, generation: control.#running.generation });
      void (await control.#prepare(snapshot, traffic)).commit();
    } catch (error) {
      await control.#state.close();
      throw error;
    }
    control.#running.started(loaded);
    control.#watch = watchConfig({
      files: loaded.files,
      onChange: (still) => control.#reloadChanged(still),
      onError: (error) =>
        options.logger.log("warn", "cannot watch the configuration", { error: String(error) }),
    });
    void control.#tellAdminAddress();
    options.notifier?.ready(control.#summary(), control.#isAlive);
    control.#timers.after(LATER_MS, () => control.#startLater(files));
    return control;
  }

  #tellAdminAddress(): Promise<void> {
    const { env, logger } = this.#options;
    return writeAdminFile(
      env["RUNTIME_DIRECTORY"],
      this.#admin.urls[0],
      (error) => logger.log("warn", "cannot write the admin address", { error: messageOf(error) }),
    );
  }

  #startLater(files: Fingerprints): void {
    if (this.#draining) return;
    if (this.#running.generation === 1) this.#viewer.start(files);
    void this.#running.digests();
    this.#loopLag.start();
    void this.#metrics.load();
  }

  /**
   * Reads the configuration again and activates it if it is valid. Returns the problems that prevented this, if any.
   * Any number of calls during a reload cause one more reload afterwards.
   */
  reload(reason: string): Promise<readonly string[]> {
    return this.#reloads.takeOnce(() => this.#reload(reason, this.#check()));
  }

  async #check(): Promise<CheckedConfig> {
    return await this.#checker.check(await this.#running.digests());
  }

  /** Activates changed files. Returns the fingerprints of what was read if they differ from the stable content. */
  #reloadChanged(still: Fingerprints): Promise<Fingerprints | undefined> {
    return this.#reloads.take(async () => {
      const check = this.#check();
      const files = await check.then((checked) => checked.files, () => still);
      if (!isPart(files, still)) return files;
      await this.#reload("file change", check);
      return undefined;
    });
  }

  /** Stops accepting, lets in-flight requests finish within the drain time, and aborts the rest. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#loopLag.stop();
    this.#watch?.close();
    this.#checker.close();
    this.#viewer.close();
    const { drainMs, drainDelayMs } = this.#running.snapshot.timeouts;
    this.#options.logger.log("info", "draining", {
      in_flight: this.#traffic.gateway.pipeline.inFlight,
      ...(drainDelayMs > 0 && { after_ms: drainDelayMs }),
      within_ms: drainMs,
    });
    this.#options.notifier?.stopping(drainDelayMs + drainMs + LAST_BYTES_MS);
    if (drainDelayMs > 0) await this.#pass(drainDelayMs);
    const late = this.#timers.after(drainMs, () => this.#threads.abortAll());
    // A client that reads nothing must not keep the process alive; its connection ends with the process.
    await Promise.race([this.#threads.drain(), this.#pass(drainMs + LAST_BYTES_MS)]);
    late.cancel();
    await Promise.race([this.#threads.close(), this.#pass(LAST_BYTES_MS)]);
    await Promise.race([this.#traces.flush(), this.#pass(LAST_BYTES_MS)]);
    await this.#state.close();
    await this.#admin.close();
    this.#options.logger.log("info", "stopped");
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#timers.after(ms, resolve));
  }

  async #reload(reason: string, check: Promise<CheckedConfig>): Promise<readonly string[]> {
    const { notifier } = this.#options;
    if (!this.#draining) notifier?.reloading();
    const taken = await this.#take(check).catch((error) =>
      refused([`the reload failed: ${messageOf(error)}`])
    );
    this.#running.record(reason, taken);
    if (!this.#draining) notifier?.ready(this.#summary(), this.#isAlive);
    return taken.problems;
  }

  /** Loads, listens and swaps; any failure leaves everything as it was. */
  async #take(check: Promise<CheckedConfig>): Promise<ReloadResult> {
    const loaded = await check;
    // Even if it is invalid: the next change may fix one of the files that it names.
    this.#watch?.update(loaded.files);
    this.#running.warn(loaded.warnings);
    if (this.#isShuttingDown()) return refused([SHUTTING_DOWN]);
    if (!loaded.ok) return refused(loaded.problems.map(formatProblem));
    const packed = loaded.snapshot;
    const snapshot = openSnapshot(packed);
    let prepared: PreparedThreads;
    try {
      const generation = this.#running.generation + 1;
      prepared = await this.#prepare(
        snapshot,
        await this.#threads.prepare({ packed, snapshot, generation }),
      );
    } catch (error) {
      return refused([messageOf(error)]);
    }
    if (this.#isShuttingDown()) {
      prepared.undo();
      return refused([SHUTTING_DOWN]);
    }
    const listening = this.#urls;
    const searched = this.#use(loaded, snapshot, prepared);
    const listensNow = this.#urls;
    // A rewritten credentials file is in use when the reload returns; a longer search continues in the background.
    await Promise.race([searched, this.#pass(MAX_SEARCH_MS)]);
    const opened = listensNow.filter((url) => !listening.includes(url));
    const closed = listening.filter((url) => !listensNow.includes(url));
    return {
      problems: [],
      changes: {
        ...loaded.changes,
        ...(opened.length > 0 && { listeners_added: opened }),
        ...(closed.length > 0 && { listeners_removed: closed }),
      },
    };
  }

  #use(accepted: AcceptedConfig, snapshot: Snapshot, prepared: PreparedThreads): Promise<void> {
    this.#running.use(accepted, snapshot);
    this.#viewer.use(accepted.copies);
    const searched = prepared.commit();
    this.#state.use(snapshot);
    void this.#tellAdminAddress();
    return searched;
  }

  get #urls(): readonly string[] {
    return [...this.#traffic.urls, ...this.#admin.urls];
  }

  /** Prepares all threads and sockets for a configuration, or none. */
  async #prepare(snapshot: Snapshot, traffic: PreparedThreads): Promise<PreparedThreads> {
    let admin: ListenChange;
    try {
      admin = await this.#admin.open(snapshot);
    } catch (error) {
      traffic.undo();
      throw error;
    }
    return {
      commit: () => {
        const searched = traffic.commit();
        admin.commit();
        return searched;
      },
      undo: () => [traffic, admin].forEach((change) => change.undo()),
    };
  }

  #summary(): string {
    return this.#running.summary(this.#traffic.urls);
  }

  #facts(): GatewayFacts {
    const { version, runtime, clock } = this.#options;
    const own = {
      version,
      runtime: `${runtime.name} ${runtime.version}`,
      startedAtMs: this.#startedMs,
      loopLagMs: Math.max(this.#loopLag.maxMs, this.#threads.loopLagMs),
      threads: this.#threads.count,
      traces: this.#traces.counts,
      reloads: this.#running.reloads,
      isConfigRefused: !this.#running.lastReload.ok,
      ledger: ledgerFacts(this.#state.status),
    };
    return gatewayFacts(this.#traffic.gateway, own, clock.monotonic());
  }

  #status(): unknown {
    const { version, runtime, configPath, clock } = this.#options;
    const control = {
      version,
      runtime: `${runtime.name} ${runtime.version}`,
      configPath,
      startedMs: this.#startedMs,
      draining: this.#draining,
      threads: this.#threads.status(this.#loopLag.maxMs),
      listeners: { public: this.#traffic.urls, admin: this.#admin.urls },
      generation: this.#running.generation,
      loadedAt: this.#running.loadedAt,
      lastReload: this.#running.lastReload,
      ledger: this.#state.status,
    };
    return statusOf(control, this.#traffic.gateway, { now: clock.now(), monotonic: clock.monotonic() });
  }

  readonly #isAlive = (): boolean => this.#threads.isAlive;

  #isShuttingDown(): boolean {
    return this.#draining;
  }
}

/** Needed before the gateway is assembled. */
interface Prepared {
  readonly timers: TimerWheel;
  readonly state: State;
}

/** Rejects if the gateway must not run without its state. */
async function prepare(snapshot: Snapshot, { clock, logger, runtime }: ControlOptions): Promise<Prepared> {
  const timers = new TimerWheel(clock);
  return { timers, state: await State.open(snapshot, { clock, timers, logger, runtime }) };
}
