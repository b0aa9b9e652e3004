/** The calendar windows of budgets. */

import type { BudgetWindow } from "../../snapshot/budget.ts";

/** Milliseconds since the Unix epoch. */
export interface Window {
  readonly startMs: number;
  /** Exclusive; undefined for a window without an end. */
  readonly endMs: number | undefined;
}

/** The window that contains a time. Days on which the clocks change have 23 or 25 hours; weeks start on Monday. */
export function windowAt(window: BudgetWindow, timeZone: string, nowMs: number): Window {
  if (window === "total") return { startMs: 0, endMs: undefined };
  const day = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone).startOfDay();
  const first = firstDay(day.toPlainDate(), window);
  const next = first.add(LENGTHS[window]);
  return {
    startMs: first.toZonedDateTime(timeZone).epochMilliseconds,
    endMs: next.toZonedDateTime(timeZone).epochMilliseconds,
  };
}

const LENGTHS = { day: { days: 1 }, week: { days: 7 }, month: { months: 1 } } as const;

function firstDay(day: Temporal.PlainDate, window: Exclude<BudgetWindow, "total">): Temporal.PlainDate {
  switch (window) {
    case "day":
      return day;
    case "week":
      return day.subtract({ days: day.dayOfWeek - 1 });
    case "month":
      return day.with({ day: 1 });
  }
}

/** A time with the offset of the time zone, such as `2027-01-01T00:00:00+01:00`. */
export function windowEndText(endMs: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(endMs).toZonedDateTimeISO(timeZone)
    .toString({ timeZoneName: "never", smallestUnit: "second" });
}
