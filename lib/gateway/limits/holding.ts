/** What one request has taken from its gates. */

import type { RefusingLimit } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import { microseconds } from "../../store/gcra.ts";
import type { Tally } from "../../store/store.ts";
import type { Held } from "../admission/admit.ts";
import type { Asked } from "../admission/asked.ts";
import { type Gate, type LimitKind, type RateGate, unitsOf, waitFor, weighted } from "./gate.ts";
import type { GateSet } from "./gate_set.ts";
import { type ReportTools, setLimitHeaders } from "./limit_headers.ts";

/** Services that all requests share. */
export interface HoldingTools extends ReportTools {
  /** Units and slots held by requests in flight; used within the section. */
  readonly allHeld: Tally;
}

/** Takes everything at once and gives everything back once; slots may be given back before the rest. */
export class Holding implements Held {
  readonly #asked: Asked;
  /** All gates for the caller and model, which the headers report. */
  readonly #set: GateSet;
  readonly #tools: HoldingTools;
  #taken: readonly Gate[] = NO_GATES;
  #shadowing: readonly Gate[] = NO_GATES;
  #hasSlots = true;
  #isOpen = true;

  constructor(asked: Asked, set: GateSet, tools: HoldingTools) {
    this.#asked = asked;
    this.#set = set;
    this.#tools = tools;
  }

  /** Gates in the mode `shadow` that would have refused the request. */
  get shadowing(): readonly Gate[] {
    return this.#shadowing;
  }

  get shadowed(): readonly RefusingLimit[] {
    return this.#shadowing.length === 0
      ? NONE
      : this.#shadowing.map(({ rule, what }) => ({ rule: rule.name, what }));
  }

  /** Takes what the request needs from every gate, or takes nothing and returns the first gate that refuses it. */
  take(gates: readonly Gate[], nowUs: number): Gate | undefined {
    const { section, allHeld } = this.#tools;
    section.enter();
    try {
      for (const gate of gates) {
        if (isOpen(gate, this.#asked, nowUs)) continue;
        if (gate.rule.mode === "enforce") return gate;
        this.#shadowing = [...this.#shadowing, gate];
      }
      this.#taken = this.#shadowing.length === 0
        ? gates
        : gates.filter((gate) => !this.#shadowing.includes(gate));
      let held = 0;
      for (const gate of this.#taken) {
        const units = unitsOf(gate, this.#asked);
        held += units;
        if (gate.what === "concurrent") gate.state.take();
        else gate.state.take(units, nowUs);
      }
      allHeld.take(held);
    } finally {
      section.leave();
    }
    return undefined;
  }

  cancel(): void {
    this.#close(undefined);
  }

  settle({ usage }: Spent): void {
    this.#close(usage);
  }

  /** Gives back the slots. */
  release(): void {
    if (!this.#hasSlots) return;
    const { section, allHeld } = this.#tools;
    section.enter();
    try {
      allHeld.give(this.#giveSlots());
    } finally {
      section.leave();
    }
    this.#wake("concurrent");
  }

  /** Within the section: gives back the slots unless they have been given back; returns their number. */
  #giveSlots(): number {
    if (!this.#hasSlots) return 0;
    this.#hasSlots = false;
    let slots = 0;
    for (const { what, state } of this.#taken) {
      if (what !== "concurrent") continue;
      state.give();
      slots++;
    }
    return slots;
  }

  /** Replaces what was taken by what was used; an undefined usage means nothing. */
  #close(usage: Usage | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { clock, section, allHeld } = this.#tools;
    const nowUs = microseconds(clock.monotonic());
    section.enter();
    try {
      let held = this.#giveSlots();
      for (const gate of this.#taken) {
        if (gate.what === "concurrent") continue;
        const units = unitsOf(gate, this.#asked);
        gate.state.settle(units, usage === undefined ? 0 : usedOf(gate, units, usage), nowUs);
        held += units;
      }
      allHeld.give(held);
    } finally {
      section.leave();
    }
    this.#wake("concurrent");
    this.#wake("tokens");
    if (usage === undefined) this.#wake("requests");
  }

  /** Wakes requests that wait for what may have been given back. */
  #wake(of: LimitKind): void {
    for (const { rule, what, state } of this.#taken) if (rule.waitMs > 0 && what === of) state.line.wake();
  }

  addHeaders(headers: Headers, nowMs: number): void {
    const { clock, section } = this.#tools;
    const reports = this.#set.reports(this.#asked.parts.dialect);
    setLimitHeaders(headers, reports, { clock, section, nowUs: microseconds(nowMs) });
  }
}

const NO_GATES: readonly Gate[] = [];
const NONE: readonly RefusingLimit[] = [];

/** Within the section: whether the gate admits the request now, and no other request waits before it. */
function isOpen(gate: Gate, asked: Asked, nowUs: number): boolean {
  if (gate.rule.waitMs > 0 && gate.state.line.blocks(asked.parts.id)) return false;
  return waitFor(gate, unitsOf(gate, asked), nowUs) === 0;
}

/** How many of a gate's units a request has used. */
function usedOf(gate: RateGate, units: number, usage: Usage): number {
  return gate.what === "tokens" ? weighted(usage, gate) : units;
}
