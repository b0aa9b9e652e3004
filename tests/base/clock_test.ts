/** The timer wheel: what fires, when, and that it rests when there is nothing to wait for. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { systemClock, TimerWheel } from "../../lib/base/clock.ts";
import { fakeTime } from "../fakes/time.ts";

Deno.test("a deadline fires once, not before its time and within one tick of it", () => {
  const { timers, clock, advance } = fakeTime();
  const fired: number[] = [];
  advance(13);
  timers.after(120, () => fired.push(clock.monotonic()));
  advance(119);
  deepEqual(fired, []);
  advance(51);
  equal(fired.length, 1);
  ok(fired[0]! >= 133 && fired[0]! <= 183);
  advance(10_000);
  equal(fired.length, 1);
});

Deno.test("thousands of deadlines fire in order of their time, each within one tick", () => {
  const { timers, clock, advance } = fakeTime();
  const late: number[] = [];
  const count = 5_000;
  for (let index = 0; index < count; index++) {
    const delayMs = (index * 7_919) % 60_000;
    timers.after(delayMs, () => late.push(clock.monotonic() - delayMs));
  }
  equal(timers.size, count);
  advance(60_100);
  equal(late.length, count);
  equal(late.filter((ms) => ms < 0 || ms > 50).length, 0);
  equal(timers.size, 0);
});

Deno.test("a deadline that is extended again and again fires after the last extension", () => {
  const { timers, advance } = fakeTime();
  let fired = 0;
  const deadline = timers.after(100, () => fired++);
  for (let round = 0; round < 100; round++) {
    advance(90);
    deadline.extend(100);
  }
  equal(fired, 0);
  advance(150);
  equal(fired, 1);
});

Deno.test("a deadline further away than one turn of the wheel keeps its time", () => {
  const { timers, advance } = fakeTime({ tickMs: 10, slots: 8 });
  let fired = 0;
  timers.after(1_000, () => fired++);
  advance(990);
  equal(fired, 0);
  advance(20);
  equal(fired, 1);
});

Deno.test("a process that stalled fires everything that is due, and nothing else", () => {
  for (const stallMs of [60, 700, 51_200, 600_000]) {
    const { timers, stall } = fakeTime();
    const fired: string[] = [];
    timers.after(50, () => fired.push("first"));
    timers.after(stallMs - 5, () => fired.push("last"));
    timers.after(stallMs + 1_000, () => fired.push("later"));
    stall(stallMs + 50);
    deepEqual(fired.sort(), ["first", "last"], `after ${stallMs} ms`);
    stall(1_050);
    deepEqual(fired.at(-1), "later", `after ${stallMs} ms`);
  }
});

Deno.test("a deadline cancelled by another that fires in the same tick does not fire", () => {
  const { timers, advance } = fakeTime();
  const fired: string[] = [];
  timers.after(100, () => {
    fired.push("one");
    other.cancel();
  });
  const other = timers.after(100, () => fired.push("other"));
  advance(200);
  deepEqual(fired, ["one"]);
  equal(timers.size, 0);
});

Deno.test("cancelling twice, after firing, or from inside the deadline itself changes nothing else", () => {
  const { timers, advance } = fakeTime();
  let fired = 0;
  timers.after(5_000, () => fired++);
  const cancelled = timers.after(100, () => fired++);
  cancelled.cancel();
  cancelled.cancel();
  const own = timers.after(100, () => {
    fired++;
    own.cancel();
  });
  advance(200);
  own.cancel();
  equal(fired, 1);
  equal(timers.size, 1);
});

Deno.test("a deadline set by one that fires is kept, also while the wheel catches up", () => {
  const { timers, clock, advance, stall } = fakeTime({ tickMs: 10, slots: 8 });
  const fired: number[] = [];
  function again(): void {
    fired.push(clock.monotonic());
    if (fired.length < 4) timers.after(100, again);
  }
  timers.after(100, again);
  stall(115);
  equal(fired.length, 1);
  advance(400);
  equal(fired.length, 4);
  for (const [index, at] of fired.slice(1).entries()) {
    ok(at - fired[index]! >= 100 && at - fired[index]! <= 120);
  }
});

Deno.test("the interval runs only while there are deadlines", () => {
  const time = fakeTime();
  equal(time.ticking, false);
  const first = time.timers.after(100, () => {});
  time.timers.after(200, () => {});
  equal(time.starts, 1);
  first.cancel();
  equal(time.ticking, true);
  time.advance(300);
  equal(time.ticking, false);
  time.timers.after(100, () => {}).cancel();
  equal(time.ticking, false);
  equal(time.starts, 2);
});

Deno.test("a timer wheel that was idle for long does not mistake that for a stall", () => {
  const { timers, advance } = fakeTime();
  let fired = 0;
  timers.after(50, () => fired++);
  advance(100);
  advance(3_600_000);
  timers.after(500, () => fired++);
  advance(450);
  equal(fired, 1);
  advance(100);
  equal(fired, 2);
});

Deno.test("on the system's clock and a real interval a deadline fires, and the process may then end", async () => {
  const timers = new TimerWheel(systemClock, { tickMs: 1 });
  await new Promise<void>((resolve) => timers.after(2, resolve));
  equal(timers.size, 0);
});
