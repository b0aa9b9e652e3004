/** Signals that reload, stop, stop immediately, or are ignored as repeated. */

import { deepEqual, equal } from "node:assert/strict";
import { EventEmitter } from "node:events";

import { Signals, type SignalSource } from "../../../lib/cli/service/signals.ts";

function world() {
  const source = new EventEmitter();
  const heard: string[] = [];
  const clock = { ms: 5_000, monotonic: () => clock.ms };
  const signals = new Signals(clock, source satisfies SignalSource);
  const handlers = {
    reload: () => heard.push("reload"),
    stop: (signal: string) => heard.push(`stop ${signal}`),
    stopNow: (signal: string) => heard.push(`stop now ${signal}`),
    ignored: (signal: string) => heard.push(`ignored ${signal}`),
  };
  return { source, heard, clock, signals, handlers };
}

Deno.test("a signal repeated within a second is ignored; a later one stops immediately", () => {
  const { source, heard, clock, signals, handlers } = world();
  signals.handle(handlers);
  source.emit("SIGTERM");
  source.emit("SIGTERM");
  clock.ms += 999;
  source.emit("SIGINT");
  clock.ms += 1;
  source.emit("SIGINT");
  deepEqual(heard, ["stop SIGTERM", "ignored SIGTERM", "ignored SIGINT", "stop now SIGINT"]);
});

Deno.test("what comes before the gateway runs is done when it does, reloads once", () => {
  const { source, heard, signals, handlers } = world();
  source.emit("SIGHUP");
  source.emit("SIGHUP");
  signals.handle(handlers);
  source.emit("SIGHUP");
  deepEqual(heard, ["reload", "reload"]);
});

Deno.test("a stop signal during the start is noticed immediately, and a reload has no effect after it", async () => {
  const { source, heard, signals, handlers } = world();
  source.emit("SIGHUP");
  source.emit("SIGINT");
  equal(await signals.stopped, "SIGINT");
  signals.handle(handlers);
  deepEqual(heard, ["stop SIGINT"]);
});
