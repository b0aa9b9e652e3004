/** The rate algorithm, tested by tables and by simulation. */

import { equal, ok } from "node:assert/strict";
import { BUCKET_LENGTH, type Rate, RateBucket } from "../../lib/store/gcra.ts";
import { Random } from "../suites/random.ts";

const SECOND = 1_000_000;

function rate(limit: number, { periodS = 60, burstS }: { periodS?: number; burstS?: number } = {}): Rate {
  return { unitUs: periodS * SECOND / limit, burstUs: (burstS ?? periodS) * SECOND };
}

function newBucket(rate: Rate): RateBucket {
  return new RateBucket(new Float64Array(BUCKET_LENGTH), rate, 0);
}

/** Takes units if they fit and returns 0; otherwise returns the time until they fit. */
function takeUnits(bucket: RateBucket, units: number, nowUs: number): number {
  const waitUs = bucket.waitUs(units, nowUs);
  if (waitUs === 0) bucket.take(units, nowUs);
  return waitUs;
}

interface Step {
  readonly atS: number;
  /** Units to take; negative ones are returned. */
  readonly units: number;
  /** Seconds to wait; 0 if they were taken. */
  readonly waitS?: number;
  readonly left?: number;
}

const TABLES: Readonly<Record<string, { readonly rate: Rate; readonly steps: readonly Step[] }>> = {
  "a burst, then one unit for each interval": {
    rate: rate(3),
    steps: [
      { atS: 0, units: 1, left: 2 },
      { atS: 0, units: 1, left: 1 },
      { atS: 0, units: 1, left: 0 },
      { atS: 0, units: 1, waitS: 20 },
      { atS: 19, units: 1, waitS: 1 },
      { atS: 20, units: 1, left: 0 },
      { atS: 39, units: 1, waitS: 1 },
      { atS: 1000, units: 3, left: 0 },
    ],
  },
  "a refusal takes nothing, so that it does not move the next one away": {
    rate: rate(1),
    steps: [
      { atS: 0, units: 1 },
      ...Array.from({ length: 50 }, (_, index) => ({ atS: index, units: 1, waitS: 60 - index })),
      { atS: 60, units: 1 },
    ],
  },
  "a smaller burst": {
    rate: rate(60, { burstS: 10 }),
    steps: [{ atS: 0, units: 10, left: 0 }, { atS: 0, units: 1, waitS: 1 }, { atS: 5, units: 6, waitS: 1 }],
  },
  "more than the bucket holds passes when it is full, and leaves a debt": {
    rate: rate(60),
    steps: [
      { atS: 0, units: 1 },
      { atS: 0, units: 600, waitS: 1 },
      { atS: 1, units: 600, left: 0 },
      { atS: 1, units: 1, waitS: 541 },
      { atS: 541, units: 1, waitS: 1 },
      { atS: 542, units: 1, left: 0 },
    ],
  },
  "a period longer than the burst lets one unit pass": {
    rate: rate(1, { periodS: 3600, burstS: 60 }),
    steps: [{ atS: 0, units: 1 }, { atS: 60, units: 1, waitS: 3540 }, { atS: 3600, units: 1 }],
  },
  "what is given back can be taken again": {
    rate: rate(100),
    steps: [
      { atS: 0, units: 100, left: 0 },
      { atS: 0, units: -60, left: 60 },
      { atS: 0, units: 61, waitS: 0.6 },
      { atS: 0, units: 60, left: 0 },
    ],
  },
  "a full bucket does not overflow": {
    rate: rate(100),
    steps: [{ atS: 0, units: 10 }, { atS: 60, units: -10, left: 100 }, { atS: 60, units: 101, left: 0 }],
  },
};

for (const [name, { rate, steps }] of Object.entries(TABLES)) {
  Deno.test(`rate: ${name}`, () => {
    const bucket = newBucket(rate);
    for (const [index, { atS, units, waitS = 0, left }] of steps.entries()) {
      const nowUs = atS * SECOND;
      const what = `step ${index}`;
      if (units < 0) bucket.give(-units, nowUs);
      else equal(takeUnits(bucket, units, nowUs) / SECOND, waitS, what);
      if (left !== undefined) equal(bucket.view(nowUs).remaining, left, what);
    }
  });
}

Deno.test("rate: units used beyond those taken are a debt", () => {
  const bucket = newBucket(rate(60));
  bucket.take(10, 0);
  bucket.take(110, 0);
  equal(takeUnits(bucket, 1, 0), 61 * SECOND);
});

Deno.test("rate: a drained bucket is empty for that time", () => {
  const bucket = newBucket(rate(60));
  bucket.drain(5 * SECOND, 0);
  equal(bucket.waitUs(1, 0), 6 * SECOND);
  bucket.drain(SECOND, 0);
  equal(bucket.waitUs(1, 0), 6 * SECOND, "a shorter time changes nothing");
});

Deno.test("rate: a changed limit keeps the units that were taken", () => {
  const bucket = newBucket(rate(60));
  bucket.take(30, 0);
  bucket.change(rate(600), 0);
  equal(bucket.view(0).remaining, 570);
  bucket.change(rate(40), 0);
  equal(bucket.view(0).remaining, 10);
});

Deno.test("rate: the first user of a bucket with a new rate converts what was taken, once", () => {
  const numbers = new Float64Array(BUCKET_LENGTH);
  const [first, second] = [new RateBucket(numbers, rate(60), 0), new RateBucket(numbers, rate(60), 0)];
  first.take(30, 0);
  first.change(rate(600), 0);
  second.change(rate(600), 0);
  equal(second.view(0).remaining, 570);
});

/** The most units taken within any 60 seconds. */
function worstMinute(taken: readonly { readonly atUs: number; readonly units: number }[]): number {
  let worst = 0;
  let sum = 0;
  let from = 0;
  for (const { atUs, units } of taken) {
    sum += units;
    while ((taken[from]?.atUs ?? 0) <= atUs - 60 * SECOND) sum -= taken[from++]?.units ?? 0;
    worst = Math.max(worst, sum);
  }
  return worst;
}

for (const burstS of [1, 10, 60, 120]) {
  Deno.test(`rate: no minute has more than limit × (1 + burst/60 s), with a burst of ${burstS} s`, () => {
    const limit = 600;
    const random = new Random(burstS).fraction;
    const perMinute = rate(limit, { burstS });
    const bucket = newBucket(perMinute);
    const taken: { atUs: number; units: number }[] = [];
    // Phases without requests, in which the bucket fills, and phases with far too many requests of all sizes.
    for (let nowUs = 0, phase = 0; nowUs < 3600 * SECOND; phase++) {
      if (phase % 2 === 0) nowUs += Math.floor(random() * 90 * SECOND);
      for (const end = nowUs + 150 * SECOND; phase % 2 === 1 && nowUs < end;) {
        nowUs += Math.floor(random() * 0.05 * SECOND);
        const units = 1 + Math.floor(random() * Math.min(10, limit * burstS / 60));
        if (takeUnits(bucket, units, nowUs) === 0) taken.push({ atUs: nowUs, units });
      }
    }
    const bound = limit * (1 + burstS / 60);
    const worst = worstMinute(taken);
    ok(worst <= bound + 1e-6, `${worst} units in a minute, at most ${bound}`);
    // The bound is tight: the limit really allows almost as much.
    ok(worst > bound * 0.97, `${worst} units in a minute, of ${bound}`);
  });
}
