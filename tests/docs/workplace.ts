/** A copy of the checkout in which a document's commands run, after `make build`. */

import { delimiter, dirname, join } from "node:path";
import { awayFromMidnight } from "../fakes/midnight.ts";
import { repositoryFiles } from "../meta/sources.ts";
import { builtAdit, freePort, repositoryPath } from "../repository.ts";
import { beginsAsShown } from "./blocks.ts";
import type { Block } from "./blocks.ts";

export interface Outcome {
  readonly exitCode: number;
  /** Standard output and standard error, interleaved. */
  readonly output: string;
}

export interface Workplace extends AsyncDisposable {
  /** Runs a block in the shell that all blocks of the document share, and waits for it to end. */
  run(block: Block): Promise<Outcome>;
  /** Whether the shell finds the program. */
  has(program: string): Promise<boolean>;
  /** Starts a block; resolves when it has printed the expected text, rejects with its output if it ends first. */
  start(block: Block): Promise<void>;
  /** The block with the workplace's own ports instead of the documented ones. */
  adapt(block: Block): Block;
  /** Files that were changed, deleted or created since the copy was made, except those that git ignores. */
  changes(): Promise<readonly string[]>;
}

/** Ports named in documents and configurations; the workplace replaces them with free ones. */
const PORTS = ["8080", "8090", "9090"];

/** Time after which a command counts as hung. */
const HANG_MS = 120_000;

/** Makes the copy; commands run in its root folder. */
export async function openWorkplace(): Promise<Workplace> {
  // What documents show of usage and budgets is of one day.
  await awayFromMidnight();
  const root = await Deno.makeTempDir({ prefix: "adit-docs-" });
  const ports = new Map<string, string>();
  for (const port of PORTS) ports.set(port, String(freePort()));
  const withPorts = (text: string) => text.replace(/\b\d{4}\b/g, (port) => ports.get(port) ?? port);
  await copyRepository(root, withPorts);
  await git(root, "init", "--quiet");
  await git(root, "add", "--all");
  const shell = new Shell(root);
  const children: Deno.ChildProcess[] = [];
  const readings: Promise<void>[] = [];
  return {
    adapt: (block) => ({
      ...block,
      code: withPorts(block.code),
      expected: block.expected === undefined ? undefined : withPorts(block.expected),
    }),
    run: (block) => shell.run(block.code),
    has: async (program) => (await shell.run(`command -v ${program}`)).exitCode === 0,
    start: async ({ code, expected = "" }) => {
      const child = spawnBash(root, ["-c", `exec 2>&1\n${code}`]);
      children.push(child);
      const hang = setTimeout(() => killGroup(child), HANG_MS);
      const started = Promise.withResolvers<void>();
      // Read to the end: a program may not survive a closed output.
      const read = async () => {
        let output = "";
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          output += text;
          if (beginsAsShown(output, expected)) started.resolve();
        }
        started.reject(new Error(`it ended before it printed the expected text; output:\n${output}`));
      };
      readings.push(read());
      await started.promise.finally(() => clearTimeout(hang));
    },
    changes: async () => {
      // The first column is about the index, which holds the copy as it was made.
      const lines = (await git(root, "status", "--porcelain")).split("\n");
      return lines.filter((line) => line !== "" && line[1] !== " ");
    },
    [Symbol.asyncDispose]: async () => {
      await shell.close();
      for (const child of children) await killGroup(child);
      // Its output ends when the last process of a group has, so that nothing writes into the copy any more.
      await Promise.all(readings);
      await Deno.remove(root, { recursive: true });
    },
  };
}

async function copyRepository(root: string, adapt: (text: string) => string): Promise<void> {
  for (const path of await repositoryFiles()) {
    if (path.startsWith("tests/")) continue;
    const target = join(root, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.copyFile(repositoryPath(path), target);
    if (path.startsWith("config/")) await Deno.writeTextFile(target, adapt(await Deno.readTextFile(target)));
  }
  await Deno.symlink(repositoryPath("node_modules"), join(root, "node_modules"));
  await Deno.mkdir(join(root, "dist"));
  await Deno.copyFile(await builtAdit(), join(root, "dist/adit"));
  // Lets make find the tools that are installed for the repository: its marks must be newer than what they depend on.
  await Deno.mkdir(join(root, ".tools"));
  for await (const { name, isFile } of Deno.readDir(repositoryPath(".tools"))) {
    const path = join(root, ".tools", name);
    if (isFile) await Deno.writeTextFile(path, "");
    else await Deno.symlink(repositoryPath(`.tools/${name}`), path);
  }
  await Deno.writeTextFile(join(root, ".tools/dependencies"), "");
}

async function git(root: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args: [...args], cwd: root }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`git ${args[0]} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** One bash that keeps its variables and its directory from block to block. */
class Shell {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #codes: ReadableStreamDefaultReader<string>;
  readonly #folder: string;

  constructor(root: string) {
    this.#child = spawnBash(root, ["-E"]);
    this.#input = this.#child.stdin.getWriter();
    this.#codes = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#folder = join(root, ".tools");
  }

  async run(code: string): Promise<Outcome> {
    const script = join(this.#folder, "block.sh");
    const output = join(this.#folder, "block.out");
    await Deno.writeTextFile(script, code + "\n");
    // A block fails with its first failing command.
    const command =
      `code=0; trap 'code=$?; trap - ERR' ERR; . ${script} >${output} 2>&1 </dev/null; echo $code\n`;
    await this.#input.write(new TextEncoder().encode(command));
    const hang = setTimeout(() => killGroup(this.#child), HANG_MS);
    const { value } = await this.#codes.read();
    clearTimeout(hang);
    return { exitCode: value === undefined ? -1 : Number(value), output: await Deno.readTextFile(output) };
  }

  async close(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#codes.cancel();
    await killGroup(this.#child);
  }
}

/** Where `make test` installs clients, which a reader has installed for every shell. */
const CLIENTS = repositoryPath(".tools/clients/node_modules/.bin");

/** A shell with a reader's environment: of the repository's own programs, only the clients are on the PATH. */
function spawnBash(root: string, args: readonly string[]): Deno.ChildProcess {
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !/^(?:AWS|ADIT|MAKE)/.test(name)),
  );
  const own = repositoryPath(".");
  const path = (env["PATH"] ?? "").split(delimiter).filter((folder) =>
    folder === CLIENTS || !folder.startsWith(own)
  );
  return new Deno.Command("bash", {
    args: ["--noprofile", "--norc", ...args],
    cwd: root,
    clearEnv: true,
    env: { ...env, NO_COLOR: "1", PATH: path.join(delimiter) },
    stdin: "piped",
    stdout: "piped",
    // A separate process group, so that everything it starts can be killed together.
    detached: true,
  }).spawn();
}

async function killGroup(child: Deno.ChildProcess): Promise<void> {
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // It has already ended.
  }
  await child.status;
}
