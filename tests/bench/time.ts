/** One clock for all processes of the benchmark. */

/** Microseconds since the epoch, in the resolution that the runtime gives. */
export function microseconds(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
