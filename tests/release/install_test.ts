import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { builtAdit, repositoryPath } from "../repository.ts";
import { Machine } from "./machine.ts";

const CONFIG = "/etc/adit/adit.yaml";
const PROGRAM = "/usr/local/bin/adit";

/** A program that passes for an Adit of another version. */
async function otherAdit(machine: Machine, name: string): Promise<string> {
  const path = `${machine.root}/${name}`;
  await Deno.writeTextFile(path, `#!/bin/sh\necho ${name}\n`, { mode: 0o755 });
  return path;
}

Deno.test("a first installation writes a configuration that is good, with the hash of the key that it shows", async () => {
  await using machine = await Machine.create();
  const { code, stdout, stderr } = await machine.install(await builtAdit());
  assert.equal(code, 0, stderr);
  assert.match(stdout, /adit\.yaml: ok \(providers: 1, models: 1, routes: 0, callers: 1\)/);
  const [key = ""] = /^ {2}adit_\S+$/m.exec(stdout) ?? [];
  const hash = createHash("sha256").update(key.trim()).digest("hex");
  assert.match(await machine.read(CONFIG), new RegExp(`^    key: sha256:${hash}$`, "m"));
  assert.equal(stderr, "");
  assert.match(await machine.read("/usr/local/share/man/man1/adit.1"), /^\.TH ADIT 1 /);
  assert.equal(
    await machine.read("/etc/systemd/system/adit.service"),
    await Deno.readTextFile(repositoryPath("config/adit.service")),
  );
});

Deno.test("the credentials are root's alone, everything else may be read by the service's user", async () => {
  await using machine = await Machine.create();
  await machine.install(await builtAdit());
  const modes = [PROGRAM, CONFIG, "/etc/adit", "/etc/adit/credentials", "/etc/systemd/system/adit.service"];
  assert.deepEqual(
    await Promise.all(modes.map(async (path) => [path, (await machine.mode(path)).toString(8)])),
    [
      [PROGRAM, "755"],
      [CONFIG, "644"],
      ["/etc/adit", "755"],
      ["/etc/adit/credentials", "700"],
      ["/etc/systemd/system/adit.service", "644"],
    ],
  );
});

Deno.test("a second run changes nothing and creates no other key", async () => {
  await using machine = await Machine.create();
  await machine.install(await builtAdit());
  const config = await machine.read(CONFIG);
  const { code, stdout } = await machine.install(await builtAdit());
  assert.equal(code, 0);
  assert.match(stdout, /adit: already adit /);
  assert.doesNotMatch(stdout, /adit_/);
  assert.equal(await machine.read(CONFIG), config);
  await assert.rejects(Deno.stat(`${machine.root}${PROGRAM}.previous`), Deno.errors.NotFound);
});

Deno.test("an upgrade keeps the program before it, and a configuration with problems as it is", async () => {
  await using machine = await Machine.create();
  await machine.install(await otherAdit(machine, "older"));
  await machine.write(CONFIG, "models: 3\n");
  const { code, stdout, stderr } = await machine.install(await builtAdit());
  assert.equal(code, 0);
  assert.match(stderr, /adit\.yaml:1:9: models: /);
  assert.match(stdout, /^ {2}- fix the problems above$/m);
  assert.equal(await machine.read(CONFIG), "models: 3\n");
  assert.equal(await machine.read(`${PROGRAM}.previous`), "#!/bin/sh\necho older\n");
});

Deno.test("what cannot be installed leaves what is installed alone", async () => {
  await using machine = await Machine.create();
  await machine.install(await otherAdit(machine, "older"));
  await machine.write("/broken", "#!/bin/sh\nexit 3\n");
  const refusals: readonly (readonly [args: readonly string[], message: string])[] = [
    [["/nowhere/adit"], 'file "/nowhere/adit" does not exist'],
    [[`${machine.root}/broken`], `"${machine.root}/broken" does not run on this machine`],
    [["--force"], 'unknown option "--force"'],
  ];
  for (const [args, message] of refusals) {
    const { code, stderr } = await machine.install(...args);
    assert.deepEqual([code, stderr], [1, `Cannot install Adit: ${message}\n`]);
  }
  const left = [...Deno.readDirSync(`${machine.root}/usr/local/bin`)].map(({ name }) => name);
  assert.deepEqual(left, ["adit"]);
  assert.equal(await machine.read(PROGRAM), "#!/bin/sh\necho older\n");
});

Deno.test("where the programs of two releases lie, none of them is chosen", async () => {
  await using machine = await Machine.create();
  const script = `${machine.root}/install.sh`;
  await Deno.copyFile(repositoryPath("config/install.sh"), script);
  for (const target of ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl"]) {
    for (const version of ["0.9.0", "0.10.0"]) await otherAdit(machine, `adit-${version}-${target}`);
  }
  const { code, stderr } = await machine.run(script);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^Cannot install Adit: several programs for this machine are in the folder of this script: name one\n$/,
  );
});
