/** A release for this machine alone: the others differ from it by Bun's executable only. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { repositoryPath } from "../repository.ts";

const TARGET = `linux-${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`;

interface Release extends AsyncDisposable {
  readonly folder: string;
  /** Every file but SHA256SUMS and its signature, sorted. */
  readonly files: readonly string[];
  /** Such as `adit-1.2.3-linux-x64`. */
  readonly binary: string;
}

async function buildRelease(...options: readonly string[]): Promise<Release> {
  const folder = await Deno.makeTempDir({ prefix: "adit-release-" });
  const build = repositoryPath("scripts/release/build.ts");
  await run(Deno.execPath(), ["run", "-A", build, "--out", folder, ...options, TARGET]);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
    !/^SHA256SUMS/.test(name)
  );
  const binary = files.find((name) => name.endsWith(`-${TARGET}`));
  assert.ok(binary !== undefined);
  return {
    folder,
    files: files.sort(),
    binary,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function run(
  command: string,
  args: readonly string[],
  exitCode = 0,
): Promise<{ stdout: string; stderr: string }> {
  const output = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  const decoder = new TextDecoder();
  const [stdout, stderr] = [decoder.decode(output.stdout), decoder.decode(output.stderr)];
  assert.equal(output.code, exitCode, stdout + stderr);
  return { stdout, stderr };
}

Deno.test("a release is not written to a folder with other files, which are kept", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-release-" });
  await Deno.writeTextFile(`${folder}/notes.txt`, "mine");
  const build = repositoryPath("scripts/release/build.ts");
  const { stderr } = await run(Deno.execPath(), ["run", "-A", build, "--out", folder, TARGET], 1);
  assert.match(stderr, /Cannot write the release to .*: it contains notes\.txt/);
  assert.equal(await Deno.readTextFile(`${folder}/notes.txt`), "mine");
  await Deno.remove(folder, { recursive: true });
});

if (Deno.build.os === "linux") {
  Deno.test("a release runs, is summed up, and comes out the same a second time", async () => {
    await using release = await buildRelease();
    await using again = await buildRelease();
    const { folder, files, binary } = release;
    const { version } = JSON.parse(await Deno.readTextFile(repositoryPath("deno.json")));
    assert.deepEqual(
      files,
      [
        "adit-VERSION-TARGET",
        "adit-VERSION.cdx.json",
        "adit.production.yaml",
        "adit.schema.json",
        "adit.service",
        "install.sh",
      ].map((name) => name.replace("VERSION", version).replace("TARGET", TARGET)),
    );
    const shown = await run(`${folder}/${binary}`, ["version"]);
    assert.match(shown.stdout, new RegExp(`^adit ${RegExp.escape(version)} \\(bun `));

    const sums = await Deno.readTextFile(`${folder}/SHA256SUMS`);
    const expected = files.map((name) => {
      const bytes = Deno.readFileSync(`${folder}/${name}`);
      return `${createHash("sha256").update(bytes).digest("hex")}  ${name}`;
    });
    assert.deepEqual(sums.trimEnd().split("\n").sort(), expected.sort());
    assert.equal(await Deno.readTextFile(`${again.folder}/SHA256SUMS`), sums);

    const sbom = JSON.parse(await Deno.readTextFile(`${folder}/adit-${version}.cdx.json`));
    const names: string[] = sbom.components.map(({ name }: { name: string }) => name);
    for (const name of ["bun", "aws4fetch", "yaml", "zod"]) assert.ok(names.includes(name), name);
    // What only the tests use is not in the binary.
    for (const name of ["openai", "@aws-sdk/client-bedrock-runtime"]) assert.ok(!names.includes(name), name);
  });

  Deno.test("the script of a release installs its binary, and refuses one that was changed", async () => {
    const keys = await Deno.makeTempDir({ prefix: "adit-signers-" });
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${keys}/key`]);
    const [type, publicKey] = (await Deno.readTextFile(`${keys}/key.pub`)).split(" ");
    await Deno.writeTextFile(`${keys}/signers`, `adit-release ${type} ${publicKey}\n`);
    await using release = await buildRelease("--sign", `${keys}/key`);
    const root = `${release.folder}/root`;
    const install = [`${release.folder}/install.sh`, "--root", root, "--signers", `${keys}/signers`];
    const installed = await run("sh", install);
    assert.match(installed.stdout, /SHA256SUMS: signed by a key of \S+signers\n/);
    assert.doesNotMatch(installed.stdout, /verified/);
    const shown = await run(`${root}/usr/local/bin/adit`, ["version"]);
    assert.match(shown.stdout, /^adit /);

    await Deno.writeTextFile(`${release.folder}/${release.binary}`, "\0", { append: true });
    const { stderr } = await run("sh", install, 1);
    await Deno.remove(keys, { recursive: true });
    assert.match(stderr, /^Cannot install Adit: ".*" does not match SHA256SUMS\n$/);
  });
}
