import assert from "node:assert/strict";
import { soak } from "./soaking.ts";

const WARM_UP = 1200;
const EXCHANGES = 2400;
/** Bun's heap grows for some 25,000 exchanges, by 35 MiB in these; a leak of responses takes more. */
const MAX_GROWTH_BYTES = 96 * 2 ** 20;
/** Connections to the upstream stay open for the next request. */
const MAX_MORE_FILES = 32;

Deno.test("memory and open files stay flat over streams that finish, are left, cut or throttled, and over reloads", async () => {
  const { surprises, before, after } = await soak({
    runtime: "bun",
    warmUp: WARM_UP,
    isEnough: (exchanges) => exchanges >= EXCHANGES,
  });
  assert.deepEqual(surprises, []);
  assert.equal(after.inFlight, 0);
  assert.ok(after.memoryBytes < before.memoryBytes + MAX_GROWTH_BYTES, JSON.stringify({ before, after }));
  assert.ok(after.files < before.files + MAX_MORE_FILES, JSON.stringify({ before, after }));
});
