/** Time as a parameter, and one timer wheel for every deadline. */

import { type Linked, LinkedList } from "./linked_list.ts";

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Calls `turn` every `everyMs` until the returned function is called. */
export type Repeat = (everyMs: number, turn: () => void) => () => void;

export interface TimerWheelOptions {
  /** Precision of the deadlines. */
  readonly tickMs?: number;
  /** Ticks per turn of the wheel; deadlines beyond one turn are checked once per turn. */
  readonly slots?: number;
  readonly repeat?: Repeat;
}

export const repeatByInterval: Repeat = (everyMs, turn) => {
  const interval = setInterval(turn, everyMs);
  return () => clearInterval(interval);
};

/** A deadline on a wheel: cheap to extend, fires once, can be cancelled. */
export interface Deadline {
  /** Moves the deadline to `afterMs` from now, which must be later; costs one assignment. */
  extend(afterMs: number): void;
  /** Moves the deadline to `afterMs` from now, even if that is sooner; one that has fired will fire again. */
  restart(afterMs: number): void;
  cancel(): void;
}

class WheelEntry implements Deadline, Linked<WheelEntry> {
  /** The slot that holds it; undefined after it has fired or been cancelled. */
  slot: Slot | undefined;
  previous: WheelEntry | undefined;
  next: WheelEntry | undefined;

  constructor(private readonly wheel: TimerWheel, readonly fire: () => void, public at: number) {}

  extend(afterMs: number): void {
    this.at = this.wheel.clock.monotonic() + afterMs;
  }

  restart(afterMs: number): void {
    this.wheel.remove(this);
    this.extend(afterMs);
    this.wheel.add(this);
  }

  cancel(): void {
    this.wheel.remove(this);
  }
}

/** The deadlines of one tick. */
type Slot = LinkedList<WheelEntry>;

/**
 * Fires deadlines with the precision of one tick, from a single interval that runs only while there are deadlines. An
 * extended entry is checked again when its old slot comes up. One that was moved closer than its slot fires late by
 * up to one turn of the wheel, so `extend` is only for deadlines that move away.
 */
export class TimerWheel {
  readonly #tickMs: number;
  readonly #slots: readonly Slot[];
  readonly #repeat: Repeat;
  #stop: (() => void) | undefined;
  #lastTick = 0;
  #size = 0;

  constructor(readonly clock: Clock, options: TimerWheelOptions = {}) {
    this.#tickMs = options.tickMs ?? 50;
    this.#slots = Array.from({ length: options.slots ?? 1024 }, () => new LinkedList());
    this.#repeat = options.repeat ?? repeatByInterval;
  }

  /** Number of deadlines that have neither fired nor been cancelled. */
  get size(): number {
    return this.#size;
  }

  /** Calls `fire`, which must not throw, after `delayMs`. */
  after(delayMs: number, fire: () => void): Deadline {
    const entry = new WheelEntry(this, fire, this.clock.monotonic() + delayMs);
    this.add(entry);
    return entry;
  }

  /** Puts a deadline on the wheel that is not on it. */
  add(entry: WheelEntry): void {
    if (this.#stop === undefined) this.#start();
    this.#place(entry);
    this.#size++;
  }

  #start(): void {
    this.#lastTick = this.#tickAt(this.clock.monotonic());
    this.#stop = this.#repeat(this.#tickMs, () => this.#turn());
  }

  /** Removes a deadline from the wheel if it is still there. */
  remove(entry: WheelEntry): void {
    if (entry.slot === undefined) return;
    entry.slot.delete(entry);
    entry.slot = undefined;
    this.#size--;
    if (this.#size === 0) this.#rest();
  }

  #rest(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Rounds up to the next tick, so that nothing fires early. */
  #tickAt(time: number): number {
    return Math.ceil(time / this.#tickMs);
  }

  #place(entry: WheelEntry): void {
    const furthest = this.#lastTick + this.#slots.length - 1;
    const tick = Math.min(Math.max(this.#tickAt(entry.at), this.#lastTick + 1), furthest);
    entry.slot = this.#slots[tick % this.#slots.length];
    entry.slot?.add(entry);
  }

  #turn(): void {
    const now = this.clock.monotonic();
    const current = Math.floor(now / this.#tickMs);
    // A stalled process catches up on at most one turn, which visits every slot.
    const from = Math.max(this.#lastTick + 1, current - this.#slots.length + 1);
    for (let tick = from; tick <= current; tick++) {
      this.#lastTick = tick;
      const slot = this.#slots[tick % this.#slots.length];
      if (slot === undefined || slot.size === 0) continue;
      for (const entry of [...slot]) {
        // An entry fired earlier in this loop may have cancelled it.
        if (entry.slot !== slot) continue;
        if (entry.at > now) {
          slot.delete(entry);
          this.#place(entry);
        } else {
          const { fire } = entry;
          this.remove(entry);
          fire();
        }
      }
    }
  }
}
