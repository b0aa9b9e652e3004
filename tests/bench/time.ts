/** One clock for all processes of the benchmark. */

/** Microseconds since the epoch, with the runtime's resolution. */
export function microseconds(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
