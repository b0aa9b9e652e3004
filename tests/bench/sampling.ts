/** Times of single steps, from within the process. */

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

/** Milliseconds of one call of each step: the best of samples in turn, which nothing has disturbed. */
export async function bestOf(steps: readonly (() => unknown)[], samples = 30): Promise<readonly number[]> {
  const best = steps.map(() => Infinity);
  for (let round = 0; round < samples; round++) {
    for (const [index, step] of steps.entries()) {
      best[index] = Math.min(best[index] ?? Infinity, await sample(step));
    }
  }
  return best;
}

/**
 * How many times as long as the first step each other one takes: the median over rounds in which all are sampled one
 * after another, so that what disturbs a round disturbs all of it.
 */
export async function ratiosTo(
  [first, ...others]: readonly [() => unknown, ...(() => unknown)[]],
  rounds: number,
): Promise<readonly number[]> {
  const ratios = others.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const own = await sample(first);
    for (const [index, step] of others.entries()) ratios[index]?.push(await sample(step) / own);
  }
  return ratios.map(median);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
