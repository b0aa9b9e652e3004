/** `adit completion`: scripts that make shells complete commands, options and their values. */

import { COMMAND_ROWS, type Option } from "../commands.ts";
import type { CliIo } from "../io.ts";
import { parseOptions } from "../options.ts";

const WRITERS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

/** Runs `adit completion`; returns the exit code: 0, or 2 for wrong usage. */
export function completion(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("completion", args, io);
  if (typeof options === "number") return Promise.resolve(options);
  const [shell = ""] = options.positionals;
  io.out(WRITERS[shell]?.() ?? "");
  return Promise.resolve(0);
}

const NAMES = ["help", ...COMMAND_ROWS.keys()];

/** How a shell completes the word after an option or a command. */
interface Case {
  /** In the shell's pattern syntax. */
  readonly pattern: string;
  readonly complete: string;
}

/** Cases for the previous word: the values of an option, or files if the value is one. */
function valueCases(words: (list: readonly string[]) => string, files: string): readonly Case[] {
  const options = [...COMMAND_ROWS.values()].flatMap((row): readonly Option[] => row.options);
  const byName = new Map(options.map((option) => [option.name, option]));
  return [...byName.values()].filter(({ value }) => value !== undefined).map((
    { name, short, value, choices },
  ) => ({
    pattern: `${short === undefined ? "" : `-${short}|`}--${name}`,
    complete: choices !== undefined ? words(choices) : value === "FILE" ? files : words([]),
  }));
}

/** Cases for the command: its options, and the values of its first argument. */
function commandCases(words: (list: readonly string[]) => string, files: string): readonly Case[] {
  return [...COMMAND_ROWS].map(([name, { options, arguments: positionals }]) => {
    const flags = ["--help", ...options.map((option) => `--${option.name}`)];
    const choices = positionals.flatMap((each) => each.choices ?? []);
    const takesFile = positionals.some((each) => each.name === "FILE");
    return { pattern: name, complete: words([...choices, ...flags]) + (takesFile ? `; ${files}` : "") };
  });
}

function cases(rows: readonly Case[], indent: string): string {
  return rows.map(({ pattern, complete }) => `${indent}${pattern}) ${complete} ;;`).join("\n");
}

function bash(): string {
  const words = (list: readonly string[]) => `COMPREPLY+=($(compgen -W '${list.join(" ")}' -- "$word"))`;
  const files = `COMPREPLY+=($(compgen -f -- "$word"))`;
  return `# Completion of adit for bash.
_adit() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    ${words(NAMES)}
    return
  fi
  case $before in
${cases(valueCases((list) => `${words(list)}; return`, `${files}; return`), "    ")}
  esac
  case \${COMP_WORDS[1]} in
    help) ${words([...COMMAND_ROWS.keys()])} ;;
${cases(commandCases(words, files), "    ")}
  esac
}
complete -o filenames -F _adit adit
`;
}

function zsh(): string {
  const words = (list: readonly string[]) => `compadd -- ${list.join(" ")}`;
  return `#compdef adit
# Completion of adit for zsh.
_adit() {
  if (( CURRENT == 2 )); then
    ${words(NAMES)}
    return
  fi
  case \${words[CURRENT-1]} in
${cases(valueCases((list) => `${words(list)}; return`, "_files; return"), "    ")}
  esac
  case \${words[2]} in
    help) ${words([...COMMAND_ROWS.keys()])} ;;
${cases(commandCases(words, "_files"), "    ")}
  esac
}
# Loaded from fpath, this file is the body of the function.
if [[ $funcstack[1] = _adit ]]; then _adit "$@"
elif (( $+functions[compdef] )); then compdef _adit adit; fi
`;
}

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = [...COMMAND_ROWS].flatMap(([name, { summary, options, arguments: positionals }]) => {
    const inCommand = `complete -c adit -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c adit -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...(positionals.some((each) => each.name === "FILE") ? [] : [`${inCommand} -f`]),
      ...positionals.flatMap(({ choices }) =>
        choices === undefined ? [] : [`${inCommand} -f -a ${quoted(choices.join(" "))}`]
      ),
      ...[...options, { name: "help", help: "print the help" } satisfies Option].map((option: Option) => {
        const short = option.short === undefined ? "" : ` -s ${option.short}`;
        const values = option.choices === undefined ? "" : ` -f -a ${quoted(option.choices.join(" "))}`;
        const takesValue = option.value === undefined ? "" : option.value === "FILE" ? " -r -F" : " -x";
        return `${inCommand}${short} -l ${option.name}${takesValue}${values} -d ${
          quoted(option.help.split(";")[0] ?? "")
        }`;
      }),
    ];
  });
  return `# Completion of adit for fish.
complete -c adit -n __fish_use_subcommand -f -a help -d 'print the help of a command'
complete -c adit -n '__fish_seen_subcommand_from help' -f -a ${quoted([...COMMAND_ROWS.keys()].join(" "))}
${lines.join("\n")}
`;
}
