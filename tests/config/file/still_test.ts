/** Any file of the configuration that is written in pieces is only read when it is complete. */

import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";

import { type Fingerprints, readFile, RecordingReader } from "../../../lib/config/file/files.ts";
import { type Waiting, whenStill } from "../../../lib/config/file/still.ts";

const WHOLE = "callers: { a: { key: 1 }, b: { key: 2 } }\n";

interface World {
  readonly folder: string;
  readonly file: string;
  readonly known: Fingerprints;
}

async function withFile(test: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-still-" });
  const file = join(folder, "adit.yaml");
  await Deno.writeTextFile(file, WHOLE);
  try {
    const reader = new RecordingReader(readFile);
    await reader.read(file);
    await reader.list(join(folder, "*.pem"));
    await test({ folder, file, known: reader.fingerprints });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

type Step = () => void;

/** Waits in steps of one millisecond, and runs the action for a step before it. */
async function wait(
  known: Fingerprints,
  steps: Readonly<Record<number, Step>>,
  options: Partial<Waiting> = {},
) {
  let passed = 0;
  const still = await whenStill(known.keys(), {
    known,
    stillMs: 3,
    shrunkMs: 10,
    lookMs: 1,
    isOver: () => false,
    pass: () => {
      steps[passed++]?.();
      return Promise.resolve();
    },
    ...options,
  });
  return { still, passed };
}

Deno.test("a complete change is reported when nothing has changed for long enough", () =>
  withFile(async ({ file, known }) => {
    Deno.writeTextFileSync(file, `${WHOLE}# more\n`);
    equal((await wait(known, {})).passed, 3);
  }));

Deno.test("every change restarts the wait, even if the size stays the same", () =>
  withFile(async ({ file, known }) => {
    Deno.writeTextFileSync(file, `${WHOLE}# more\n`);
    const { passed } = await wait(known, {
      1: () => Deno.writeTextFileSync(file, `${WHOLE}# most\n`),
      3: () => Deno.utimeSync(file, 1, 1),
    });
    equal(passed, 3 + 1 + 3);
  }));

for (const piece of [1, 5, WHOLE.length - 1]) {
  Deno.test(`a file rewritten in pieces of ${piece} characters is never read in part`, () =>
    withFile(async ({ file, known }) => {
      const text = `${WHOLE.repeat(2)}# done\n`;
      Deno.writeTextFileSync(file, "");
      const steps: Record<number, Step> = {};
      // More time passes between two pieces than is enough for a file that only grows.
      const pieces = Math.ceil(text.length / piece);
      for (let index = 0; index < pieces; index++) {
        steps[(index + 1) * 7] = () => Deno.writeTextFileSync(file, text.slice(0, (index + 1) * piece));
      }
      const { still, passed } = await wait(known, steps);
      const reader = new RecordingReader(readFile);
      await reader.read(file);
      equal(still?.get(file), reader.fingerprints.get(file));
      equal(reader.fingerprints.get(file)?.split(" ")[0], String(text.length));
      equal(passed, pieces * 7 + 1 + 10);
    }));
}

Deno.test("a file that is missing for a moment is waited for", () =>
  withFile(async ({ file, known }) => {
    Deno.removeSync(file);
    const { still } = await wait(known, { 6: () => Deno.writeTextFileSync(file, WHOLE) });
    deepEqual(still, known);
  }));

Deno.test("what a pattern matches is waited for, and not only its name", () =>
  withFile(async ({ folder, known }) => {
    const file = join(folder, "new.pem");
    Deno.writeTextFileSync(file, "half");
    const { still, passed } = await wait(known, { 2: () => Deno.writeTextFileSync(file, "half and half") });
    equal(still?.get(file)?.split(" ")[0], "13");
    equal(passed, 3 + 3);
  }));

Deno.test("a cancelled wait returns nothing", () =>
  withFile(async ({ known }) => {
    deepEqual(await wait(known, {}, { isOver: () => true }), { still: undefined, passed: 1 });
  }));
