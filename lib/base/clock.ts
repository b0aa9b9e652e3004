/** Time as a parameter, and one timer wheel for every deadline. */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never go back, from an arbitrary start. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** A deadline on a wheel: pushed forward for free, fired once, cancelled at will. */
export interface Deadline {
  /** Moves the deadline to `afterMs` from now; costs one assignment. */
  extend(afterMs: number): void;
  cancel(): void;
}

class WheelEntry implements Deadline {
  at: number;

  constructor(private readonly wheel: TimerWheel, readonly fire: () => void, at: number) {
    this.at = at;
  }

  extend(afterMs: number): void {
    this.at = this.wheel.clock.monotonic() + afterMs;
  }

  cancel(): void {
    this.wheel.remove(this);
  }
}

/**
 * Fires deadlines with the precision of one tick, from a single interval however many there are. An entry that was
 * extended is looked at again when its old slot comes round; one that was brought nearer than its slot fires late by
 * at most a turn of the wheel, so `extend` is for deadlines that only move away.
 */
export class TimerWheel {
  readonly #slots: Set<WheelEntry>[];
  readonly #slotOf = new Map<WheelEntry, number>();
  #interval: ReturnType<typeof setInterval> | undefined;
  #lastTick = 0;

  constructor(readonly clock: Clock, readonly tickMs = 50, slots = 1024) {
    this.#slots = Array.from({ length: slots }, () => new Set());
  }

  /** Number of deadlines that have neither fired nor been cancelled. */
  get size(): number {
    return this.#slotOf.size;
  }

  after(delayMs: number, fire: () => void): Deadline {
    const entry = new WheelEntry(this, fire, this.clock.monotonic() + delayMs);
    if (this.#interval === undefined) {
      this.#lastTick = this.#tickAt(this.clock.monotonic());
      this.#interval = setInterval(() => this.#turn(), this.tickMs);
    }
    this.#place(entry);
    return entry;
  }

  remove(entry: WheelEntry): void {
    const slot = this.#slotOf.get(entry);
    if (slot === undefined) return;
    this.#slots[slot]?.delete(entry);
    this.#slotOf.delete(entry);
    if (this.#slotOf.size === 0) this.#rest();
  }

  #rest(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
  }

  #tickAt(time: number): number {
    return Math.ceil(time / this.tickMs);
  }

  #place(entry: WheelEntry): void {
    const furthest = this.#lastTick + this.#slots.length - 1;
    const tick = Math.min(Math.max(this.#tickAt(entry.at), this.#lastTick + 1), furthest);
    const slot = tick % this.#slots.length;
    this.#slots[slot]?.add(entry);
    this.#slotOf.set(entry, slot);
  }

  #turn(): void {
    const now = this.clock.monotonic();
    const current = Math.floor(now / this.tickMs);
    // A stalled process catches up on one turn at most: after that every slot has been seen.
    const from = Math.max(this.#lastTick + 1, current - this.#slots.length + 1);
    for (let tick = from; tick <= current; tick++) {
      this.#lastTick = tick;
      const slot = this.#slots[tick % this.#slots.length];
      if (slot === undefined || slot.size === 0) continue;
      for (const entry of [...slot]) {
        if (!slot.delete(entry)) continue;
        if (entry.at > now) {
          this.#place(entry);
        } else {
          this.#slotOf.delete(entry);
          entry.fire();
        }
      }
    }
    if (this.#slotOf.size === 0) this.#rest();
  }
}
