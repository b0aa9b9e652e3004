/** A clock that only a test advances. */

import { type Clock, TimerWheel, type TimerWheelOptions } from "../../lib/base/clock.ts";

export interface FakeTime {
  readonly clock: Clock;
  /** A wheel that turns when time is advanced. */
  readonly timers: TimerWheel;
  /** Whether the wheel's interval runs. */
  readonly ticking: boolean;
  /** Number of times that the interval was started. */
  readonly starts: number;
  /** Moves time forward, one tick of the wheel after the other. */
  advance(byMs: number): void;
  /** Sets the wall clock, as an operator or NTP does; no time passes. */
  setClock(nowMs: number): void;
  /** Advances time as for a process that was stopped: with one late tick. */
  stall(byMs: number): void;
}

/** 2026-11-20T09:00:00Z, and the wheel at rest. */
export const START_MS = Date.UTC(2026, 10, 20, 9);

export function fakeTime(options: Omit<TimerWheelOptions, "repeat"> = {}): FakeTime {
  const tickMs = options.tickMs ?? 50;
  let elapsedMs = 0;
  let starts = 0;
  let turn: (() => void) | undefined;
  let startMs = START_MS;
  const clock: Clock = { now: () => startMs + elapsedMs, monotonic: () => elapsedMs };
  const timers = new TimerWheel(clock, {
    ...options,
    repeat: (_everyMs, onTurn) => {
      starts++;
      turn = onTurn;
      return () => {
        if (turn === onTurn) turn = undefined;
      };
    },
  });
  return {
    clock,
    timers,
    get ticking() {
      return turn !== undefined;
    },
    get starts() {
      return starts;
    },
    advance(byMs) {
      const end = elapsedMs + byMs;
      while (elapsedMs < end) {
        elapsedMs = Math.min(end, elapsedMs + tickMs);
        turn?.();
      }
    },
    setClock(nowMs) {
      startMs = nowMs - elapsedMs;
    },
    stall(byMs) {
      elapsedMs += byMs;
      turn?.();
    },
  };
}
