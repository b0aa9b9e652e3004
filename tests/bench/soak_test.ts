import assert from "node:assert/strict";
import { soak } from "./soaking.ts";

const WARM_UP = 1200;
const EXCHANGES = 2400;
/** Bun's heap goes on growing for some 25,000 exchanges, by 35 MiB in these; what keeps an answer for good takes more. */
const MOST_MORE_BYTES = 96 * 2 ** 20;
/** Connections to the upstream stay open for the next request. */
const MOST_MORE_FILES = 32;

Deno.test("memory and open files stay flat over streams that finish, are left, cut and throttled, and over reloads", async () => {
  const { surprises, before, after } = await soak({
    runtime: "bun",
    warmUp: WARM_UP,
    isEnough: (exchanges) => exchanges >= EXCHANGES,
  });
  assert.deepEqual(surprises, []);
  assert.equal(after.inFlight, 0);
  assert.ok(after.memoryBytes < before.memoryBytes + MOST_MORE_BYTES, JSON.stringify({ before, after }));
  assert.ok(after.files < before.files + MOST_MORE_FILES, JSON.stringify({ before, after }));
});
