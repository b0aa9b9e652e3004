/** The SBOM of a binary in CycloneDX 1.6, from the lock file. The same lock file gives the same bytes. */

import { Buffer } from "node:buffer";

/** The part of `deno.lock`, version 5, that is read. */
export interface LockFile {
  /** By name and version, possibly followed by the versions of peers: `@ai-sdk/openai@4.0.81_zod@4.6.7`. */
  readonly npm: Readonly<Record<string, LockedPackage>>;
  readonly workspace: {
    /** The dependencies in `deno.json`, such as `npm:yaml@2.9.1`. */
    readonly dependencies: readonly string[];
  };
}

interface LockedPackage {
  /** Such as `sha512-…`, in base64. */
  readonly integrity: string;
  /** By name, with the version if the file has several. */
  readonly dependencies?: readonly string[];
}

export interface SbomOptions {
  readonly version: string;
  /** The runtime that every binary contains. */
  readonly bunVersion: string;
  /** The bundled packages, such as `@aws-sdk/core@3.974.0`. */
  readonly packages: readonly string[];
}

/** The text of the SBOM. Throws if one of the packages is not in the lock file. */
export function sbomOf(lock: LockFile, { version, bunVersion, packages }: SbomOptions): string {
  const bundled = new Map([...packages].sort().map((id) => [id, findLocked(lock, id)]));
  const direct = [...bundled.keys()].filter((id) => lock.workspace.dependencies.includes(`npm:${id}`));
  const bun = purlOf(`bun@${bunVersion}`);
  const self = `pkg:generic/adit@${version}`;
  const sbom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { "bom-ref": self, type: "application", name: "adit", version, purl: self },
    },
    components: [
      { "bom-ref": bun, type: "platform", name: "bun", version: bunVersion, purl: bun },
      ...[...bundled].map(([id, locked]) => componentOf(id, locked)),
    ],
    dependencies: [
      { ref: self, dependsOn: [bun, ...direct.map(purlOf)] },
      { ref: bun, dependsOn: [] },
      ...[...bundled].map(([id, locked]) => ({
        ref: purlOf(id),
        dependsOn: [...bundled.keys()].filter((other) => dependsOn(locked, other)).map(purlOf),
      })),
    ],
  };
  return JSON.stringify(sbom, null, 2) + "\n";
}

/** The packages of the bundled files, from paths such as `node_modules/.deno/@scope+name@1.2.3/…`. */
export function packagesIn(
  metafile: { readonly inputs: Readonly<Record<string, unknown>> },
): readonly string[] {
  return Object.keys(metafile.inputs).flatMap((path) => {
    const [, folder] = /(?:^|\/)node_modules\/\.deno\/((?:@[^/+]+\+)?[^/@]+@[^/_]+)/.exec(path) ?? [];
    return folder === undefined ? [] : [folder.replace("+", "/")];
  });
}

function componentOf(id: string, { integrity }: LockedPackage) {
  const [, base64] = /^sha512-(.+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`Cannot list ${JSON.stringify(id)}: its hash is ${integrity}`);
  const content = Buffer.from(base64, "base64").toString("hex");
  const purl = purlOf(id);
  return {
    "bom-ref": purl,
    type: "library",
    name: nameOf(id),
    version: id.slice(nameOf(id).length + 1),
    scope: "required",
    hashes: [{ alg: "SHA-512", content }],
    purl,
  };
}

function findLocked(lock: LockFile, id: string): LockedPackage {
  const [, found] = Object.entries(lock.npm).find(([key]) => key === id || key.startsWith(`${id}_`)) ?? [];
  if (found === undefined) throw new Error(`Cannot list ${JSON.stringify(id)}: it is not in deno.lock`);
  return found;
}

function dependsOn({ dependencies = [] }: LockedPackage, other: string): boolean {
  return dependencies.some((dependency) =>
    dependency === other || dependency === nameOf(other) || dependency.startsWith(`${other}_`)
  );
}

/** `@scope/name` of `@scope/name@1.2.3`. */
function nameOf(id: string): string {
  return id.slice(0, id.indexOf("@", 1));
}

/** The package URL of a package on npm, in which the `@` of a scope is escaped. */
function purlOf(id: string): string {
  return `pkg:npm/${id.replace(/^@/, "%40")}`;
}
