/** install.sh uses no file that is not what the release's sums say, and says where there are none. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { repositoryPath } from "../repository.ts";
import { Machine } from "./machine.ts";

const ARCHITECTURE = Deno.build.arch === "x86_64" ? "x64" : "arm64";
const FILES = ["install.sh", "adit.service", "adit.production.yaml", "adit.schema.json"];

/** A program that passes for Adit: it has a version, makes a key, and finds every configuration good. */
const PROGRAM = `#!/bin/sh
case $1 in
  version) echo "adit of $(basename "$0")" ;;
  keygen) printf 'adit_key\\n  first-caller:\\n    key: sha256:00\\n' ;;
esac
`;

interface Release {
  readonly machine: Machine;
  readonly folder: string;
  readonly script: string;
  writeSums(names: readonly string[]): Promise<void>;
}

/** A release whose programs are scripts, for both libraries of C. */
async function withRelease(test: (release: Release) => Promise<void>): Promise<void> {
  await using machine = await Machine.create();
  const folder = await Deno.makeTempDir({ prefix: "adit-release-" });
  const programs = ["", "-musl"].map((libc) => `adit-1.0.0-linux-${ARCHITECTURE}${libc}`);
  for (const name of programs) await Deno.writeTextFile(`${folder}/${name}`, `${PROGRAM}# ${name}\n`);
  for (const name of FILES) await Deno.copyFile(repositoryPath(`config/${name}`), `${folder}/${name}`);
  const writeSums = async (names: readonly string[]) => {
    const lines = names.map((name) => {
      const sum = createHash("sha256").update(Deno.readFileSync(`${folder}/${name}`)).digest("hex");
      return `${sum}  ${name}\n`;
    });
    await Deno.writeTextFile(`${folder}/SHA256SUMS`, lines.join(""));
  };
  await writeSums([...programs, ...FILES]);
  try {
    await test({ machine, folder, script: `${folder}/install.sh`, writeSums });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Every file below the machine's root. */
function filesOf(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesOf(`${path}/${name}`) : [`${path}/${name}`]
  );
}

Deno.test("a release that is what its sums say is installed, and no temporary file is left", () =>
  withRelease(async ({ machine, script }) => {
    const { code, stdout, stderr } = await machine.run(script);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.doesNotMatch(stdout, /verified/);
    assert.deepEqual(filesOf(machine.root).filter((path) => /\/\./.test(path)), []);
  }));

for (const name of [...FILES, `adit-1.0.0-linux-${ARCHITECTURE}`]) {
  Deno.test(`a release with another ${name} than its sums say is refused, and nothing is installed`, () =>
    withRelease(async ({ machine, folder, script }) => {
      await Deno.writeTextFile(`${folder}/${name}`, "\n# changed\n", { append: true });
      const { code, stderr } = await machine.run(script);
      assert.equal(code, 1);
      assert.equal(stderr, `Cannot install Adit: "${folder}/${name}" does not match SHA256SUMS\n`);
      assert.deepEqual(filesOf(machine.root), []);
    }));

  Deno.test(`a release whose sums leave out ${name} is refused`, () =>
    withRelease(async ({ machine, folder, script, writeSums }) => {
      await writeSums([...FILES, `adit-1.0.0-linux-${ARCHITECTURE}`].filter((each) => each !== name));
      const { code, stderr } = await machine.run(script);
      assert.equal(code, 1);
      assert.equal(stderr, `Cannot install Adit: "${folder}/${name}" does not match SHA256SUMS\n`);
    }));
}

Deno.test("where there are no sums, the script says that nothing is verified", () =>
  withRelease(async ({ machine, folder, script }) => {
    await Deno.remove(`${folder}/SHA256SUMS`);
    const { code, stdout } = await machine.run(script);
    assert.equal(code, 0);
    const [first, second = ""] = stdout.split("\n");
    assert.equal(first, `${folder}: there is no SHA256SUMS, so nothing from this folder is verified`);
    assert.doesNotMatch(second, /verified/);
  }));

const keygen = (...args: string[]) =>
  new Deno.Command("ssh-keygen", { args, stdout: "null", stderr: "null" }).output();

/** Two people who may sign releases, "good" and "other", each with a file of signers for that one alone. */
class Signers implements AsyncDisposable {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<Signers> {
    const folder = await Deno.makeTempDir({ prefix: "adit-signers-" });
    for (const name of ["good", "other"]) {
      await keygen("-q", "-t", "ed25519", "-N", "", "-f", `${folder}/${name}`);
      const [type, key] = (await Deno.readTextFile(`${folder}/${name}.pub`)).split(" ");
      await Deno.writeTextFile(`${folder}/${name}.signers`, `adit-release ${type} ${key}\n`);
    }
    return new Signers(folder);
  }

  fileOf(name: string): string {
    return `${this.folder}/${name}.signers`;
  }

  async sign(name: string, path: string): Promise<void> {
    await keygen("-Y", "sign", "-f", `${this.folder}/${name}`, "-n", "adit-release", path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("a program of another folder is not trusted for that folder's own checksums where signers are given", () =>
  withRelease(async ({ machine, folder, script }) => {
    const other = `${folder}/other`;
    await Deno.mkdir(other);
    const program = `${other}/adit-1.0.0-linux-${ARCHITECTURE}`;
    await Deno.writeTextFile(program, `${PROGRAM}# of somebody else\n`);
    const sum = createHash("sha256").update(Deno.readFileSync(program)).digest("hex");
    await Deno.writeTextFile(`${other}/SHA256SUMS`, `${sum}  adit-1.0.0-linux-${ARCHITECTURE}\n`);
    await using signers = await Signers.create();
    await signers.sign("good", `${folder}/SHA256SUMS`);
    const install = () => machine.run(script, ["--signers", signers.fileOf("good"), program]);
    const refused = await install();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /other\/SHA256SUMS" is not signed: there is no SHA256SUMS\.sig/);
    assert.deepEqual(filesOf(machine.root), []);
    await Deno.copyFile(`${folder}/SHA256SUMS.sig`, `${other}/SHA256SUMS.sig`);
    const forged = await install();
    assert.match(forged.stderr, /the signature of "[^"]*other\/SHA256SUMS" is not by a key of/);
    assert.deepEqual(filesOf(machine.root), []);
  }));

Deno.test("a signature is required where signers are given, and must be by one of them", () =>
  withRelease(async ({ machine, folder, script }) => {
    await using signers = await Signers.create();
    const install = (name: string) => machine.run(script, ["--signers", signers.fileOf(name)]);
    assert.match((await install("good")).stderr, /is not signed: there is no SHA256SUMS\.sig\n$/);
    await signers.sign("good", `${folder}/SHA256SUMS`);
    assert.match(
      (await install("other")).stderr,
      /the signature of "[^"]*" is not by a key of "[^"]*other\.signers"\n$/,
    );
    assert.deepEqual(filesOf(machine.root), []);
    assert.equal((await install("good")).code, 0);
  }));

/** What `ldd` says on machines of both kinds; a loader of musl may be on either. */
const MACHINES: Readonly<Record<string, readonly [ldd: string, libc: string]>> = {
  "Debian": ["echo '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)'", ""],
  "Debian with a shell without libraries": [
    '[ "$1" = --version ] && echo "ldd (Debian GLIBC 2.36-9) 2.36" || exit 1',
    "",
  ],
  "Alpine": ["echo '\t/lib/ld-musl-x86_64.so.1 (0x7f)'", "-musl"],
  "Alpine with a shell without libraries": [
    '[ "$1" = --version ] && { echo "musl libc (x86_64)" >&2; exit 1; } || exit 1',
    "-musl",
  ],
  "a machine without ldd": ["exit 127", ""],
};

for (const [name, [ldd, libc]] of Object.entries(MACHINES)) {
  Deno.test(`on ${name}, the program for its C library is chosen`, () =>
    withRelease(async ({ machine, folder, script }) => {
      await Deno.mkdir(`${folder}/bin`);
      await Deno.writeTextFile(`${folder}/bin/ldd`, `#!/bin/sh\n${ldd}\n`, { mode: 0o755 });
      const { code } = await machine.run(script, [], { PATH: `${folder}/bin:${Deno.env.get("PATH")}` });
      assert.equal(code, 0);
      const program = await machine.read("/usr/local/bin/adit");
      assert.match(program, new RegExp(`# adit-1\\.0\\.0-linux-${ARCHITECTURE}${libc}\n$`));
    }));
}

Deno.test("a link in the place of a file that is written is replaced, not followed", () =>
  withRelease(async ({ machine, script }) => {
    const victim = `${machine.root}/victim`;
    await Deno.writeTextFile(victim, "untouched");
    await Deno.mkdir(`${machine.root}/usr/local/bin`, { recursive: true });
    await Deno.mkdir(`${machine.root}/etc/adit`, { recursive: true });
    await Deno.symlink(victim, `${machine.root}/usr/local/bin/adit.new`);
    await Deno.symlink(victim, `${machine.root}/etc/adit/adit.schema.json`);
    assert.equal((await machine.run(script)).code, 0);
    assert.equal(await Deno.readTextFile(victim), "untouched");
  }));
