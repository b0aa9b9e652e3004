/** The completions, in the shells that are installed. */

import { deepEqual, equal, ok } from "node:assert/strict";

import { COMMAND_ROWS } from "../../../lib/cli/commands.ts";
import { completion } from "../../../lib/cli/shell/completion.ts";
import { reportSkipped } from "../../skipped.ts";
import { run } from "../run.ts";

/** The command with which a shell prints its completions of the words, one per line. */
const ASK: Readonly<Record<string, (script: string, words: readonly string[]) => readonly string[]>> = {
  bash: (script, words) => [
    "bash",
    "--norc",
    "-c",
    `source ${script}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${
      words.length - 1
    }; _adit; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  // zsh's own commands for completion only work in a terminal.
  zsh: (script, words) => [
    "zsh",
    "-f",
    "-c",
    `compadd() { shift; print -l -- "$@" }; _files() { print -l -- *(N) }; source ${script}; words=(${
      words.map((word) => `'${word}'`).join(" ")
    }); CURRENT=${words.length}; _adit`,
  ],
  // As a function that zsh loads from a folder of fpath.
  "zsh autoload": (script, words) => [
    "zsh",
    "-f",
    "-c",
    `mv ${script} _adit; compadd() { shift; print -l -- "$@" }; _files() { print -l -- *(N) }; fpath=($PWD $fpath)
    autoload -Uz _adit; words=(${
      words.map((word) => `'${word}'`).join(" ")
    }); CURRENT=${words.length}; _adit`,
  ],
  fish: (
    script,
    words,
  ) => ["fish", "--no-config", "-c", `source ${script}; complete -C '${words.join(" ")}'`],
};

async function offers(shell: string, words: readonly string[]): Promise<readonly string[]> {
  const folder = await Deno.makeTempDir({ prefix: "adit-completion-" });
  const [name = ""] = shell.split(" ");
  await Deno.writeTextFile(`${folder}/script`, (await run(completion, name)).out);
  await Deno.writeTextFile(`${folder}/some.yaml`, "");
  const [command = "", ...args] = ASK[shell]?.(`${folder}/script`, words) ?? [];
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd: folder,
    env: { HOME: folder },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const text = new TextDecoder().decode(stdout);
  equal(new TextDecoder().decode(stderr), "", text);
  ok(success);
  const last = words.at(-1) ?? "";
  return text.split("\n").map((line) => line.split("\t")[0] ?? "")
    .filter((word) => word !== "" && word.startsWith(last)).toSorted();
}

for (const shell of Object.keys(ASK)) {
  const isHere = await new Deno.Command(shell.split(" ")[0] ?? "", {
    args: ["--version"],
    stdout: "null",
    stderr: "null",
  })
    .output()
    .then(() => true, () => false);
  if (!isHere) {
    reportSkipped(`completions of ${shell}`, `${shell} is not installed`);
    continue;
  }

  Deno.test(`${shell} completes commands, options, their values and files`, async () => {
    deepEqual(await offers(shell, ["adit", ""]), ["help", ...COMMAND_ROWS.keys()].toSorted());
    deepEqual(await offers(shell, ["adit", "ch"]), ["check"]);
    deepEqual(await offers(shell, ["adit", "check", "--"]), ["--config", "--format", "--help", "--online"]);
    deepEqual(await offers(shell, ["adit", "check", "--format", ""]), ["json", "text"]);
    deepEqual(await offers(shell, ["adit", "explain", "--config", "so"]), ["some.yaml"]);
    deepEqual(await offers(shell, ["adit", "completion", "z"]), ["zsh"]);
    deepEqual(await offers(shell, ["adit", "help", "key"]), ["keygen"]);
  });
}
