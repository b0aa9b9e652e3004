/** A short fuzz of the front, and every seed that `make fuzz` has kept because something went wrong with it. */

import { Random } from "../suites/random.ts";
import seeds from "./seeds.json" with { type: "json" };
import { TARGETS } from "./targets.ts";

const ROUNDS: Readonly<Record<string, number>> = { YAML: 20, framing: 20, "headers and paths": 100 };
const FIRST_SEED = 20261120;

const KEPT: Readonly<Record<string, readonly number[]>> = seeds;

for (const { name, run } of TARGETS) {
  Deno.test(`fuzz of ${name}: random rounds and kept seeds`, async () => {
    const rounds = Array.from({ length: ROUNDS[name] ?? 500 }, (_, index) => FIRST_SEED + index);
    for (const seed of [...KEPT[name] ?? [], ...rounds]) {
      try {
        await run(new Random(seed));
      } catch (cause) {
        throw new Error(`with seed ${seed}`, { cause });
      }
    }
  });
}
