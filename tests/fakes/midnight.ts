/** The real calendar, with which the real program counts days and months. */

const DAY_MS = 86_400_000;
/** Longer, also on a busy machine, than any test that expects all its requests on one day. */
const MARGIN_MS = 4 * 60_000;

/** Resolves at once or, if the day in UTC is about to end, as soon as it has ended. */
export async function awayFromMidnight(): Promise<void> {
  const leftMs = DAY_MS - Date.now() % DAY_MS;
  if (leftMs < MARGIN_MS) await new Promise((resolve) => setTimeout(resolve, leftMs + 1));
}
