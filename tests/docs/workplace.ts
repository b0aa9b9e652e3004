/** A copy of the repository in which a document's commands run, with the same tools and a built `dist/adit`. */

import { dirname, join } from "node:path";
import { repositoryFiles } from "../meta/sources.ts";
import { builtAdit, BUN, freePort, repositoryPath } from "../repository.ts";
import { beginsAsShown } from "./blocks.ts";
import type { Block } from "./blocks.ts";

export interface Outcome {
  readonly exitCode: number;
  /** Standard output and error, in the order they came. */
  readonly output: string;
}

export interface Workplace extends AsyncDisposable {
  /** Runs a block in the shell that all blocks of the document share, and waits for its end. */
  run(block: Block): Promise<Outcome>;
  /** Starts a block; resolves when it has printed what it must, rejects with its output when it ends before. */
  start(block: Block): Promise<void>;
  /** The block with the workplace's own ports in the place of the documented ones. */
  adapt(block: Block): Block;
}

/** The ports that the documents and configurations name; the workplace puts free ones in their place. */
const PORTS = ["8080", "8090", "9090"];

/** A command that hangs fails after this. */
const HANG_MS = 30_000;

/** Makes the copy; commands run in the folder of the document, given by its path from the repository's root. */
export async function openWorkplace(document: string): Promise<Workplace> {
  const root = await Deno.makeTempDir({ prefix: "adit-docs-" });
  const ports = new Map<string, string>();
  for (const port of PORTS) ports.set(port, String(await freePort()));
  const withPorts = (text: string) => text.replace(/\b\d{4}\b/g, (port) => ports.get(port) ?? port);
  await copyRepository(root, withPorts);
  const cwd = document.startsWith("docs/") ? join(root, "config") : dirname(join(root, document));
  const shell = new Shell({ root, cwd });
  const children: Deno.ChildProcess[] = [];
  return {
    adapt: (block) => ({
      ...block,
      code: withPorts(block.code),
      expected: block.expected === undefined ? undefined : withPorts(block.expected),
    }),
    run: (block) => shell.run(block.code),
    start: async ({ code, expected = "" }) => {
      const child = spawnBash(root, cwd, ["-c", `exec 2>&1\n${code}`]);
      children.push(child);
      const hang = setTimeout(() => killGroup(child), HANG_MS);
      const started = Promise.withResolvers<void>();
      // It is read to its end, because a program may not survive the loss of its output.
      const read = async () => {
        let output = "";
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          output += text;
          if (beginsAsShown(output, expected)) started.resolve();
        }
        started.reject(new Error(`it ended before it had printed what is shown; it printed:\n${output}`));
      };
      void read();
      await started.promise.finally(() => clearTimeout(hang));
    },
    [Symbol.asyncDispose]: async () => {
      await shell.close();
      for (const child of children) await killGroup(child);
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
  // What make needs to find the tools as they were installed for the repository.
  await Deno.mkdir(join(root, ".tools"));
  for await (const { name } of Deno.readDir(repositoryPath(".tools"))) {
    await Deno.symlink(repositoryPath(`.tools/${name}`), join(root, ".tools", name));
  }
  await Deno.remove(join(root, ".tools/dependencies")).catch(() => {});
  await Deno.writeTextFile(join(root, ".tools/dependencies"), "");
}

/** One bash that keeps its variables and its directory from block to block. */
class Shell {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #codes: ReadableStreamDefaultReader<string>;
  readonly #folder: string;

  constructor({ root, cwd }: { root: string; cwd: string }) {
    this.#child = spawnBash(root, cwd, ["-E"]);
    this.#input = this.#child.stdin.getWriter();
    this.#codes = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#folder = join(root, ".tools");
  }

  async run(code: string): Promise<Outcome> {
    const script = join(this.#folder, "block.sh");
    const output = join(this.#folder, "block.out");
    await Deno.writeTextFile(script, code + "\n");
    // The first command of a block that fails fails the block.
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

function spawnBash(root: string, cwd: string, args: readonly string[]): Deno.ChildProcess {
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !/^(?:AWS|ADIT|MAKE)/.test(name)),
  );
  return new Deno.Command("bash", {
    args: ["--noprofile", "--norc", ...args],
    cwd,
    clearEnv: true,
    env: { ...env, NO_COLOR: "1", PATH: `${join(root, "dist")}:${dirname(BUN)}:${env["PATH"]}` },
    stdin: "piped",
    stdout: "piped",
    // A process group of its own, so that what it starts can be ended with it.
    detached: true,
  }).spawn();
}

async function killGroup(child: Deno.ChildProcess): Promise<void> {
  try {
    Deno.kill(-child.pid, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
  await child.status;
}
