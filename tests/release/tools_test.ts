/** What npm brings of the runtimes is known by its hash, for every machine that a release is built for. */

import assert from "node:assert/strict";
import { TARGETS } from "../../scripts/release/targets.ts";
import { readRepositoryFile } from "../meta/sources.ts";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Locked extends Manifest {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
}

function read(folder: string) {
  const manifest: Manifest = JSON.parse(readRepositoryFile(`${folder}/package.json`));
  const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
    readRepositoryFile(`${folder}/package-lock.json`),
  );
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  return {
    packages: lock.packages,
    versions: { ...dependencies, ...devDependencies, ...optionalDependencies },
  };
}

for (const folder of ["scripts/tools", "scripts/release"]) {
  const { packages, versions } = read(folder);

  Deno.test(`every package of ${folder} has a hash, and comes from wherever npm is set up to look`, () => {
    const locked = Object.entries(packages).filter(([path]) => path !== "");
    assert.ok(locked.length > 5);
    for (const [path, { integrity = "", resolved }] of locked) {
      assert.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, path);
      assert.equal(resolved, undefined, path);
    }
  });

  Deno.test(`the lock file of ${folder} has the versions of its manifest`, () => {
    for (const [name, version] of Object.entries(versions)) {
      assert.equal(packages[`node_modules/${name}`]?.version, version, name);
    }
  });
}

Deno.test("every target of a release has the Bun that builds it", () => {
  const { bun } = read("scripts/tools").versions;
  const { versions } = read("scripts/release");
  assert.deepEqual(versions, Object.fromEntries(TARGETS.map(({ package: name }) => [name, bun])));
});
