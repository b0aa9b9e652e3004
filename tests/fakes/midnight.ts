/** The real calendar, by which the real program counts days and months. */

const DAY_MS = 86_400_000;
/** Longer than any test that expects its requests to be of one day takes on a busy machine. */
const MARGIN_MS = 4 * 60_000;

/** Resolves at once, unless the day in UTC is about to end, and with it maybe the month: then as soon as it has ended. */
export async function awayFromMidnight(): Promise<void> {
  const leftMs = DAY_MS - Date.now() % DAY_MS;
  if (leftMs < MARGIN_MS) await new Promise((resolve) => setTimeout(resolve, leftMs + 1));
}
