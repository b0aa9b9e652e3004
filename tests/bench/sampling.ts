/** Times of single steps, measured within the process. */

import process from "node:process";

const SAMPLE_MS = 8;

/** Milliseconds of one call, over as many as fill a sample. */
export async function sample(step: () => unknown): Promise<number> {
  let calls = 0;
  const start = performance.now();
  let elapsed = 0;
  for (; elapsed < SAMPLE_MS; elapsed = performance.now() - start) {
    const result = step();
    if (result instanceof Promise) await result;
    calls++;
  }
  return elapsed / calls;
}

/**
 * Milliseconds of one call of each step: the best of interleaved samples, which is the one with the least disturbance.
 */
export async function bestOf(steps: readonly (() => unknown)[], samples = 30): Promise<readonly number[]> {
  const best = steps.map(() => Infinity);
  for (let round = 0; round < samples; round++) {
    for (const [index, step] of steps.entries()) {
      best[index] = Math.min(best[index] ?? Infinity, await sample(step));
    }
  }
  return best;
}

/** Concurrent calls when processor time is measured, so that the threads that work for them seldom sleep. */
const AT_ONCE = 32;
const CALLS = 640;
/** The code of a whole request is compiled in stages, which take many calls. */
const WARM_UP_CALLS = 20_000;

/** Milliseconds of processor time of one call, in all threads of the process. */
async function processorTime(step: () => Promise<unknown>, calls = CALLS): Promise<number> {
  const start = process.cpuUsage();
  const inTurn = async () => {
    for (let call = 0; call < calls / AT_ONCE; call++) await step();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, inTurn));
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / calls;
}

/** Milliseconds of processor time of one call: the median of rounds. */
export async function processorTimeOf(step: () => Promise<unknown>, rounds: number): Promise<number> {
  await processorTime(step, WARM_UP_CALLS);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await processorTime(step));
  return median(times);
}

/**
 * The processor time of each other step as a multiple of the first one's: the median over rounds in which all are
 * measured one after another, so that a disturbance affects all of them. Each round begins with another step, because
 * the garbage of one step is often collected during the next.
 */
export async function ratiosTo(
  steps: readonly (() => Promise<unknown>)[],
  rounds: number,
): Promise<readonly number[]> {
  const [, ...ratios] = steps.map((): number[] => []);
  for (const step of steps) await processorTime(step, WARM_UP_CALLS);
  for (let round = 0; round < rounds; round++) {
    const times: number[] = [];
    for (let place = 0; place < steps.length; place++) {
      const index = (round + place) % steps.length;
      times[index] = await processorTime(steps[index] ?? nothing);
    }
    const [own = NaN, ...others] = times;
    for (const [index, time] of others.entries()) ratios[index]?.push(time / own);
  }
  return ratios.map(median);
}

const nothing = () => Promise.resolve();

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
