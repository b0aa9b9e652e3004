/**
 * `make soak`: the soak of the built program for some minutes (`MINUTES`, default five); fails if something grew or was
 * lost.
 */

import { soak } from "./soaking.ts";

const minutes = Number(Deno.env.get("MINUTES") ?? "5");
/** Exchanges after which Bun's heap has reached its size. */
const WARM_UP = 30_000;
/** Over any number of exchanges. */
const MAX_GROWTH_BYTES = 64 * 2 ** 20;
const MAX_MORE_FILES = 32;

let end: number | undefined;
const report = await soak({
  runtime: "bun",
  warmUp: WARM_UP,
  lingering: 64,
  isEnough: () => performance.now() > (end ??= performance.now() + minutes * 60_000),
});
const { exchanges, surprises, before, after, kept } = report;
/** An idle connection is closed after 75 s. */
const isLongEnough = minutes >= 2;
const keptClients = Object.values(kept).reduce((sum, count) => sum + count, 0);
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const lines = [
  `${exchanges} exchanges in ${minutes} minutes`,
  `memory: ${mebibytes(before.memoryBytes)}, then ${mebibytes(after.memoryBytes)}`,
  `open files: ${before.files}, then ${after.files}`,
  `requests still in flight: ${after.inFlight}`,
  `lingering clients still connected: ${JSON.stringify(kept)}`,
  ...surprises.map((surprise) => `not as expected: ${surprise}`),
];
await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
const isFlat = after.memoryBytes < before.memoryBytes + MAX_GROWTH_BYTES &&
  after.files < before.files + MAX_MORE_FILES;
Deno.exit(
  isFlat && surprises.length === 0 && after.inFlight === 0 && !(isLongEnough && keptClients > 0) ? 0 : 1,
);
