/** Help, and short messages about wrong usage. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";

import { check } from "../../lib/cli/check.ts";
import { runCli } from "../../lib/cli/cli.ts";
import { COMMAND_ROWS } from "../../lib/cli/commands.ts";
import { config } from "../../lib/cli/config.ts";
import { keygen } from "../../lib/cli/keygen.ts";
import { man } from "../../lib/cli/shell/man.ts";
import { sha256Hex } from "../../lib/base/hash.ts";
import { run, runWith } from "./run.ts";

const CONFIG = join(import.meta.dirname ?? "", "../../config/adit.yaml");
const adit = (...args: readonly string[]) => run((given, io) => runCli(given, io), ...args);

Deno.test("help lists every command, and help COMMAND equals COMMAND --help", async () => {
  const { code, out } = await adit("help");
  equal(code, 0);
  for (const name of COMMAND_ROWS.keys()) {
    match(out, new RegExp(`^  ${name} `, "m"));
    const help = await adit("help", name);
    deepEqual(help, await adit(name, "--help"));
    deepEqual(help, await adit(name, "-h"));
    match(help.out, new RegExp(`^Usage: adit ${name}\\b`, "m"));
    for (const line of help.out.split("\n")) ok(line.length <= 120, line);
  }
  for (const args of [["--help"], ["-h"], ["help", "help"], ["help", "--help"], ["help", "-h"]]) {
    deepEqual((await adit(...args)).out, out);
  }
});

/** Wrong command lines, and the first line of the message. */
const MISTAKES: readonly (readonly [args: readonly string[], line: string])[] = [
  [["chek"], 'Unknown command "chek"; did you mean "check"?'],
  [["help", "keygn"], 'Unknown command "keygn"; did you mean "keygen"?'],
  [["frobnicate"], 'Unknown command "frobnicate"'],
  [["check", "--confg", "x"], 'Unknown option "--confg"; did you mean "--config"?'],
  [["check", "--onlin"], 'Unknown option "--onlin"; did you mean "--online"?'],
  [["check", "--config"], "Missing value: --config FILE"],
  [["check", "--config="], "Missing value: --config FILE"],
  [["check", "-c", "--online"], "Missing value: -c FILE"],
  [["check", "--online=yes"], "Option --online takes no value"],
  [["check", "--format", "yaml"], 'Unknown format "yaml"; known: text, json'],
  [["check", "a.yaml", "b.yaml"], 'Unexpected argument "b.yaml"'],
  [["check", ""], "Empty argument FILE"],
  [
    ["keygen", "--name", "a b"],
    'Cannot name a caller "a b": expected letters, digits and . _ - (at most 64)',
  ],
  [["check", "-c", "a.yaml", "b.yaml"], 'Cannot combine --config with the argument "b.yaml"'],
  [["explain"], "Missing argument MODEL"],
  [["import", "litelm", "x"], 'Unknown format "litelm"; did you mean "litellm"?'],
  [["completion", "zhs"], 'Unknown shell "zhs"; did you mean "zsh"?'],
  [["emulator", "--listen", "here"], 'Cannot listen on "here": expected HOST:PORT'],
  [
    ["serve", "--config", "-"],
    "Cannot serve the configuration from standard input, because it could not be reloaded",
  ],
  [["usage", "repric"], 'Unknown action "repric"; did you mean "reprice"?'],
  [["usage", "reprice", "--by", "day"], "--by has no effect with reprice"],
  [["usage", "--dry-run"], "--dry-run has no effect without reprice"],
  [
    ["usage", "reprice", "--from", "tomorrow"],
    "--from: expected a date such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z",
  ],
  [
    ["usage", "--by", "caler"],
    '--by: unknown group "caler"; expected caller, team, model, target, tier, tags, hour, day, month',
  ],
  [["version", "now"], 'Unexpected argument "now"'],
];

for (const [args, line] of MISTAKES) {
  Deno.test(`"adit ${args.join(" ")}" is answered in three lines at most`, async () => {
    const { code, out, err } = await adit(...args);
    deepEqual([code, out], [2, ""]);
    const lines = err.trimEnd().split("\n");
    equal(lines[0], line);
    ok(lines.length <= 3, err);
    match(lines.at(-1) ?? "", /^Run "adit help[^"]*" for /);
  });
}

Deno.test("the configuration is given in any of four ways, or on standard input", async () => {
  const expected = await run(check, "--config", CONFIG);
  equal(expected.code, 0);
  deepEqual(await run(check, "-c", CONFIG), expected);
  deepEqual(await run(check, CONFIG), expected);
  deepEqual(await runWith({ ADIT_CONFIG: CONFIG }, check), expected);
  const stdin = await Deno.readTextFile(CONFIG);
  for (const args of [["-"], ["--config", "-"], ["-c", "-"]]) {
    const { code, out } = await runWith({ stdin }, check, ...args);
    deepEqual([code, out], [0, expected.out.replace(CONFIG, "<stdin>")]);
  }
  const broken = await runWith({ stdin: "models: 3\n" }, check, "-");
  match(broken.err, /^<stdin>:1:9: models: /m);
  equal((await runWith({ stdin }, config, "-c", "-")).out.includes("<stdin>:"), true);
  const large = await runWith({ stdin: "#".repeat(1024 * 1024 + 1) }, check, "-");
  match(large.err, /^<stdin>:1:1: cannot read the file: larger than 1 MiB$/m);
});

Deno.test("an unreadable configuration is reported in one sentence", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-usage-" });
  await Deno.symlink("loop", `${folder}/loop`);
  const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
  for (const path of ["loop", "socket", "missing", "loop/x", "n".repeat(300), "."]) {
    const { code, err } = await run(check, `${folder}/${path}`);
    equal(code, 1);
    match(err, /: cannot read the file: [a-z ]{6,}\n$/, path);
  }
  listener.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("keygen --format json is for scripts", async () => {
  const { code, out } = await run(keygen, "--format", "json", "--name", "search");
  equal(code, 0);
  const { name, key, hash } = JSON.parse(out);
  deepEqual([name, hash], ["search", `sha256:${sha256Hex(key)}`]);
});

Deno.test("the manual page has every command and option", async () => {
  const { code, out } = await run(man);
  equal(code, 0);
  match(out, /^\.TH ADIT 1 /);
  const plain = out.replaceAll("\\-", "-");
  for (const [name, { options }] of COMMAND_ROWS) {
    match(plain, new RegExp(`^\\.SS adit ${name}\\b`, "m"));
    for (const option of options) ok(plain.includes(`--${option.name}`), `${name} --${option.name}`);
  }
});
