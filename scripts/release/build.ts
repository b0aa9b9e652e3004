/**
 * Builds a release: a binary for each target, the SBOM, the files to install with them, and SHA256SUMS of all of them.
 * Each target's Bun comes from npm, with the settings of npm on this machine, and is kept in `.tools/`.
 *
 * With a key, SHA256SUMS is signed, so that `ssh-keygen -Y verify` and `install.sh --signers` can check its origin.
 *
 *     deno run -A scripts/release/build.ts [--out FOLDER] [--sign FILE_OF_AN_SSH_KEY] [TARGET…]
 */

import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { readRepositoryFile } from "../../tests/meta/sources.ts";
import { BUN, repositoryPath } from "../../tests/repository.ts";
import { bundlePage } from "../page/bundle.ts";
import { packagesIn, sbomOf } from "./sbom.ts";
import { type Target, TARGETS } from "./targets.ts";

/** Files that are copied to the release. */
const FILES = [
  "config/install.sh",
  "config/adit.service",
  "config/adit.production.yaml",
  "config/adit.schema.json",
];

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { out: { type: "string", default: repositoryPath("dist/release") }, sign: { type: "string" } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0) {
  throw new Error(
    `Cannot build for ${unknown.join(", ")}: known are ${TARGETS.map(({ name }) => name).join(", ")}`,
  );
}
const targets = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

const manifest: { version: string; tasks: { build: string } } = JSON.parse(
  readRepositoryFile("deno.json"),
);
const runtimesLock: {
  packages: Readonly<Record<string, { readonly version: string; readonly integrity: string } | undefined>>;
} = JSON.parse(readRepositoryFile("scripts/release/package-lock.json"));
const bunVersion = (await run(BUN, ["--version"])).trim();
const out = values.out;
await Deno.mkdir(out, { recursive: true });
await removeRelease(out);

const sums: string[] = [];
// The binary contains the page as a separate bundle.
const packages = new Set((await bundlePage()).packages);
for (const target of targets) {
  const name = `adit-${manifest.version}-${target.name}${target.suffix}`;
  for (const id of await compile(target, join(out, name))) packages.add(id);
  await finish(name);
}
const sbom = sbomOf(JSON.parse(readRepositoryFile("deno.lock")), {
  version: manifest.version,
  bunVersion,
  packages: [...packages],
});
const sbomName = `adit-${manifest.version}.cdx.json`;
await Deno.writeTextFile(join(out, sbomName), sbom);
await finish(sbomName);
for (const path of FILES) {
  await Deno.copyFile(repositoryPath(path), join(out, basename(path)));
  await finish(basename(path));
}
const sumsPath = join(out, "SHA256SUMS");
await Deno.writeTextFile(sumsPath, sums.join(""));
if (values.sign !== undefined) await signSums(sumsPath, values.sign);

/** Removes an earlier release from the folder; throws if the folder contains anything else. */
async function removeRelease(folder: string): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const copied = FILES.map((path) => basename(path));
  const other = names.find((name) => !/^(?:adit-\d|SHA256SUMS)/.test(name) && !copied.includes(name));
  if (other !== undefined) throw new Error(`Cannot write the release to ${folder}: it contains ${other}`);
  for (const name of names) await Deno.remove(join(folder, name));
}

/** Writes `SHA256SUMS.sig` next to the sums. Because of the namespace, no signature for another purpose is accepted. */
async function signSums(path: string, key: string): Promise<void> {
  await run("ssh-keygen", ["-Y", "sign", "-f", key, "-n", "adit-release", path]);
}

/** Adds a file of the release to the sums, and prints its line. */
async function finish(name: string): Promise<void> {
  const bytes = await Deno.readFile(join(out, name));
  const line = `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
  sums.push(line);
  await Deno.stdout.write(new TextEncoder().encode(line));
}

/** Compiles for a target in the same way as the task `build`; returns the packages in the binary. */
async function compile(target: Target, path: string): Promise<readonly string[]> {
  const [bun, ...args] = manifest.tasks.build.replace(/ *>\/dev\/null$/, "").split(" ");
  if (bun !== "bun") throw new Error(`Cannot run the task "build": ${manifest.tasks.build}`);
  const metafile = await Deno.makeTempFile({ prefix: "adit-release-", suffix: ".json" });
  await run(BUN, [
    ...args.filter((arg) => !arg.startsWith("--outfile=")),
    `--outfile=${path}`,
    `--target=${target.bun}`,
    `--compile-executable-path=${await bunFor(target)}`,
    `--metafile=${metafile}`,
  ]);
  const found = packagesIn(JSON.parse(await Deno.readTextFile(metafile)));
  await Deno.remove(metafile);
  return found;
}

/** The path of the target's Bun. Bun 1.4.4 would download it itself, but from its own site and without a hash. */
async function bunFor({ name, package: packageName, suffix }: Target): Promise<string> {
  const folder = repositoryPath(`.tools/runtimes-${bunVersion}/${name}`);
  const path = join(folder, "package", `bin/bun${suffix}`);
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(folder, { recursive: true });
  const packed = await run("npm", [
    ...["pack", "--silent", "--json", "--pack-destination", folder],
    `${packageName}@${bunVersion}`,
  ]);
  const [{ filename }] = JSON.parse(packed);
  const archive = join(folder, filename);
  const hash = createHash("sha512").update(await Deno.readFile(archive)).digest("base64");
  const expected = runtimesLock.packages[`node_modules/${packageName}`];
  if (expected?.version !== bunVersion || expected.integrity !== `sha512-${hash}`) {
    throw new Error(
      `Cannot use ${packageName}@${bunVersion}: it is not what scripts/release/package-lock.json says`,
    );
  }
  await run("tar", ["-xzf", archive, "-C", folder]);
  await Deno.remove(archive);
  return path;
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd: repositoryPath("."),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}:\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
