/** Files are only read again if they may have changed. */

import { deepEqual, equal, notEqual } from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";

import { readFile, RecordingReader } from "../../../lib/config/file/files.ts";
import { Looks } from "../../../lib/config/file/looks.ts";

/** An age at which a file no longer counts as recently changed. */
const LATER_MS = 60_000;

interface World {
  readonly folder: string;
  readonly file: string;
  /** Names of the files that were read since the last call. */
  readonly read: () => readonly string[];
  readonly looks: (afterMs: number) => Looks;
}

async function withFiles(test: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-looks-" });
  try {
    for (const name of ["a.yaml", "b.yaml"]) await Deno.writeTextFile(join(folder, name), name);
    const paths: string[] = [];
    await test({
      folder,
      file: join(folder, "a.yaml"),
      read: () => paths.splice(0).map((path) => path.slice(folder.length + 1)),
      looks: (afterMs) =>
        new Looks(() => Date.now() + afterMs, (path) => {
          paths.push(path);
          return readFile(path);
        }),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file is read once, and again when it has changed", () =>
  withFiles(async ({ folder, file, read, looks: start }) => {
    const looks = start(LATER_MS);
    const keys = [`${folder}/*.yaml/`];
    const first = await looks.at(keys);
    deepEqual(read(), ["a.yaml", "b.yaml"]);
    deepEqual(await looks.at(keys), first);
    deepEqual(read(), []);
    await Deno.writeTextFile(file, "a.yaml, changed");
    const next = await looks.at(keys);
    deepEqual(read(), ["a.yaml"]);
    notEqual(next.fingerprints.get(file), first.fingerprints.get(file));
    equal(next.fingerprints.get(join(folder, "b.yaml")), first.fingerprints.get(join(folder, "b.yaml")));
  }));

Deno.test("a file that has just changed is read again, because its time stamp may not change", () =>
  withFiles(async ({ file, read, looks: start }) => {
    const looks = start(0);
    for (let look = 0; look < 3; look++) {
      await looks.at([file]);
      deepEqual(read(), ["a.yaml"]);
    }
  }));

Deno.test("a time stamp that is set back does not hide a change", () =>
  withFiles(async ({ file, read, looks: start }) => {
    const looks = start(LATER_MS);
    await Deno.utime(file, 1, 1);
    const first = await looks.at([file]);
    const { ctimeMs } = await stat(file);
    // The kernel's clock advances in steps.
    do {
      await Deno.writeTextFile(file, "B.yaml");
      await Deno.utime(file, 1, 1);
    } while ((await stat(file)).ctimeMs === ctimeMs);
    const next = await looks.at([file]);
    deepEqual(read(), ["a.yaml", "a.yaml"]);
    notEqual(next.fingerprints.get(file), first.fingerprints.get(file));
  }));

Deno.test("the fingerprints are those of a reader, also of what is missing or a folder", () =>
  withFiles(async ({ folder, file, looks: start }) => {
    const looks = start(LATER_MS);
    const missing = join(folder, "missing.pem");
    const reader = new RecordingReader(readFile);
    const names = await reader.list(`${folder}/*.yaml`);
    for (const path of [...names.map((name) => join(folder, name)), missing, folder]) {
      await reader.read(path).catch(() => {});
    }
    for (let look = 0; look < 2; look++) {
      const { fingerprints } = await looks.at([file, `${folder}/*.yaml/`, missing, folder]);
      deepEqual(new Map([...fingerprints].toSorted()), new Map([...reader.fingerprints].toSorted()));
    }
  }));
