/**
 * `make fuzz`: fuzzes the front for minutes (`MINUTES`, five if not given), each target in turn. A seed with which something
 * goes wrong is added to `seeds.json`, which the tests try from then on.
 */

import { repositoryPath } from "../repository.ts";
import { Random } from "../suites/random.ts";
import { TARGETS } from "./targets.ts";

const minutes = Number(Deno.env.get("MINUTES") ?? "5");
const KEPT = repositoryPath("tests/fuzz/seeds.json");
/** A round that takes longer hangs. */
const ROUND_MS = 20_000;

const print = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));

async function isFine(run: () => Promise<void> | void): Promise<unknown> {
  const hang = Promise.withResolvers<never>();
  const timer = setTimeout(() => hang.reject(new Error("the round hangs")), ROUND_MS);
  try {
    await Promise.race([run(), hang.promise]);
    return undefined;
  } catch (error) {
    return error ?? "unknown";
  } finally {
    clearTimeout(timer);
  }
}

async function keep(name: string, seed: number): Promise<void> {
  const kept: Record<string, number[]> = JSON.parse(await Deno.readTextFile(KEPT));
  kept[name] = [...new Set([...kept[name] ?? [], seed])];
  await Deno.writeTextFile(KEPT, `${JSON.stringify(kept, null, 2)}\n`);
}

const end = performance.now() + minutes * 60_000;
const rounds = new Map<string, number>();
let failures = 0;
let seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
while (performance.now() < end && failures < 10) {
  for (const { name, run } of TARGETS) {
    const slice = performance.now() + 1_000;
    while (performance.now() < slice && failures < 10) {
      const round = seed++ >>> 0;
      const error = await isFine(() => run(new Random(round)));
      rounds.set(name, (rounds.get(name) ?? 0) + 1);
      if (error === undefined) continue;
      failures++;
      await keep(name, round);
      await print(`${name}, seed ${round}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}
for (const [name, count] of rounds) await print(`${name}: ${count} rounds`);
await print(`${failures} failures`);
Deno.exit(failures === 0 ? 0 : 1);
