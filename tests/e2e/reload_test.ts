/** The configuration changes while the program runs: completely or not at all, and streams keep the old one. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { emulatorConfig } from "./configs.ts";
import { forEachRuntime, onFreePorts, type Program, replaceFile, startProgram } from "./program.ts";
import { admin, ask, jsonOf, MODELS, statusReport } from "./requests.ts";

/** A configuration that is recognised by its list of models. */
const version = (name: string) => onFreePorts(emulatorConfig({ [name]: "amazon.nova-pro-v1:0" }));

async function modelNames(program: Program): Promise<string[]> {
  return jsonOf(await ask(program.url, MODELS)).data.map(({ id }: { id: string }) => id);
}

/** Resolves when the configuration has been loaded this many times; the start is the first. */
function taken(program: Program, generation: number) {
  return program.waitForLog((line) =>
    line.message === "configuration reloaded" && line["generation"] === generation
  );
}

/** Replaces the text of the program's configuration. */
type Change = (program: Program, config: string) => Promise<void>;

const CHANGES: Readonly<Record<string, Change>> = {
  "written in place": async ({ configPath }, config) => {
    await Deno.writeTextFile(configPath, config);
  },
  "replaced by a rename": async ({ configPath }, config) => {
    await Deno.writeTextFile(`${configPath}.new`, config);
    await Deno.rename(`${configPath}.new`, configPath);
  },
};

for (const [how, change] of Object.entries(CHANGES)) {
  forEachRuntime(`a file that is ${how} is taken without being told`, async (runtime) => {
    await using program = await startProgram(runtime, version("first"));
    await change(program, version("second"));
    const line = await taken(program, 2);
    assert.equal(line["reason"], "file change");
    assert.deepEqual(await modelNames(program), ["claude", "nova", "second"]);
  });
}

forEachRuntime("a replaced ConfigMap mount is loaded without a signal", async (runtime) => {
  await using program = await startProgram(runtime, version("first"));
  const folder = dirname(program.configPath);
  // Kubernetes mounts `adit.yaml -> ..data/adit.yaml` and `..data -> ..SOME_TIME`, and replaces the second link alone.
  await mount(folder, "..second", version("second"));
  await Deno.symlink("..data/adit.yaml", join(folder, "adit.yaml.link"));
  await Deno.rename(join(folder, "adit.yaml.link"), program.configPath);
  await taken(program, 2);
  for (const [index, [before, name]] of [["second", "third"], ["third", "fourth"]].entries()) {
    await mount(folder, `..${name}`, version(name ?? ""));
    await Deno.remove(join(folder, `..${before}`), { recursive: true });
    await taken(program, index + 3);
    assert.deepEqual(await modelNames(program), ["claude", "nova", name]);
  }
});

/** Writes the configuration into a new folder and links `..data` to it. */
async function mount(folder: string, name: string, config: string): Promise<void> {
  await Deno.mkdir(join(folder, name));
  await Deno.writeTextFile(join(folder, name, "adit.yaml"), config);
  await Deno.symlink(name, join(folder, "..data_tmp"));
  await Deno.rename(join(folder, "..data_tmp"), join(folder, "..data"));
}

forEachRuntime("the log and the status show what a reload changed", async (runtime) => {
  await using program = await startProgram(runtime, version("first"));
  await replaceFile(program.configPath, version("second") + "timeouts: { idle: 5s }\n");
  const { models_added, models_removed, settings_changed, ...line } = await taken(program, 2);
  assert.deepEqual({ models_added, models_removed, settings_changed }, {
    models_added: ["second"],
    models_removed: ["first"],
    settings_changed: ["timeouts"],
  });
  assert.deepEqual(Object.keys(line).filter((name) => /_(?:added|removed|changed)$/.test(name)), []);
  const { last_reload } = (await statusReport(program)).config;
  assert.deepEqual(last_reload.changes, { models_added, models_removed, settings_changed });
});

forEachRuntime("SIGHUP and POST /-/reload read the configuration again", async (runtime) => {
  await using program = await startProgram(runtime, version("first"));
  Deno.kill(program.pid, "SIGHUP");
  assert.equal((await taken(program, 2))["reason"], "SIGHUP");
  const answer = await admin(program, "POST /-/reload");
  assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { status: "reloaded" }]);
  assert.equal((await taken(program, 3))["reason"], "request");
  assert.equal((await statusReport(program)).config.generation, 3);
});

forEachRuntime(
  "a bad file changes nothing, and every problem is in the log and the status",
  async (runtime) => {
    await using program = await startProgram(runtime, version("first"));
    const bad = version("second").replace("provider: local,", "provider: lokal,") +
      "limits: { bodyy: 1MiB }\n";
    await replaceFile(program.configPath, bad);
    const line = await program.waitForLog(({ message }) => message.startsWith("configuration rejected"));
    assert.equal(line.level, "error");
    const problems = line["problems"] as string[];
    const lineOf = (text: string) => bad.slice(0, bad.indexOf(text)).split("\n").length;
    assert.equal(problems.length, 2);
    assert.match(
      problems[0] ?? "",
      new RegExp(`^${program.configPath}:${lineOf("lokal")}:\\d+: models\\.claude\\.provider: .*"local"`),
    );
    assert.match(
      problems[1] ?? "",
      new RegExp(`^${program.configPath}:${lineOf("bodyy")}:\\d+: limits\\.bodyy: .*"body"`),
    );
    const { config } = await statusReport(program);
    assert.deepEqual([config.generation, config.last_reload.ok, config.last_reload.problems], [
      1,
      false,
      problems,
    ]);
    const answer = await admin(program, "POST /-/reload");
    assert.deepEqual([answer.status, JSON.parse(answer.body).problems], [422, problems]);
    assert.deepEqual(await modelNames(program), ["claude", "nova", "first"]);

    await replaceFile(program.configPath, version("second"));
    await taken(program, 2);
    assert.deepEqual((await statusReport(program)).config.last_reload.problems, []);
    assert.deepEqual(await modelNames(program), ["claude", "nova", "second"]);
  },
);
