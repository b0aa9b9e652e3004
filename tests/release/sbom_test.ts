import assert from "node:assert/strict";
import { type LockFile, sbomOf } from "../../scripts/release/sbom.ts";

const HASH = `sha512-${btoa("hash")}`;

const lock: LockFile = {
  npm: {
    "@scope/core@2.0.0": { integrity: HASH, dependencies: ["leaf@1.0.0", "unused"] },
    "leaf@1.0.0": { integrity: HASH },
    "leaf@2.0.0": { integrity: HASH },
    "top@1.0.0_leaf@2.0.0": { integrity: HASH, dependencies: ["@scope/core", "leaf@2.0.0"] },
    "unused@1.0.0": { integrity: HASH },
  },
  workspace: { dependencies: ["npm:top@1.0.0", "npm:unused@1.0.0"] },
};
const options = { version: "1.2.3", bunVersion: "9.9.9" };

Deno.test("the SBOM lists what is bundled, with its hash, and who needs whom among it", () => {
  const packages = ["top@1.0.0", "@scope/core@2.0.0", "leaf@1.0.0"];
  const sbom = JSON.parse(sbomOf(lock, { ...options, packages }));
  assert.deepEqual(sbom.components.map(({ purl }: { purl: string }) => purl), [
    "pkg:npm/bun@9.9.9",
    "pkg:npm/%40scope/core@2.0.0",
    "pkg:npm/leaf@1.0.0",
    "pkg:npm/top@1.0.0",
  ]);
  assert.deepEqual(sbom.components[1], {
    "bom-ref": "pkg:npm/%40scope/core@2.0.0",
    type: "library",
    name: "@scope/core",
    version: "2.0.0",
    scope: "required",
    hashes: [{ alg: "SHA-512", content: "68617368" }],
    purl: "pkg:npm/%40scope/core@2.0.0",
  });
  assert.deepEqual(sbom.dependencies, [
    { ref: "pkg:generic/adit@1.2.3", dependsOn: ["pkg:npm/bun@9.9.9", "pkg:npm/top@1.0.0"] },
    { ref: "pkg:npm/bun@9.9.9", dependsOn: [] },
    { ref: "pkg:npm/%40scope/core@2.0.0", dependsOn: ["pkg:npm/leaf@1.0.0"] },
    { ref: "pkg:npm/leaf@1.0.0", dependsOn: [] },
    { ref: "pkg:npm/top@1.0.0", dependsOn: ["pkg:npm/%40scope/core@2.0.0"] },
  ]);
});

Deno.test("the order in which the packages were found changes nothing", () => {
  const packages = ["top@1.0.0", "leaf@1.0.0"];
  assert.equal(
    sbomOf(lock, { ...options, packages }),
    sbomOf(lock, { ...options, packages: packages.toReversed() }),
  );
});

Deno.test("a package that the lock file does not vouch for is an error", () => {
  const cannot = (packages: readonly string[], npm = lock.npm) =>
    assert.throws(() => sbomOf({ ...lock, npm }, { ...options, packages }), /^Error: Cannot list "leaf@/);
  cannot(["leaf@3.0.0"]);
  cannot(["leaf@1.0.0"], { "leaf@1.0.0": { integrity: "sha1-aGFzaA==" } });
});
