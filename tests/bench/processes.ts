/** The processes of a benchmark: how they are started, each on its own core, and what the kernel reports about them. */

import { cpus } from "node:os";
import { repositoryPath } from "../repository.ts";

/** Measured programs have the first core to themselves; load and upstream share the others. */
export type Place = "measured" | "load" | "upstream" | "anywhere";

const CORES = cpus().length;
const CORE_OF: Readonly<Record<Exclude<Place, "anywhere">, number>> = {
  measured: 0,
  load: CORES - 1,
  upstream: Math.min(1, CORES - 1),
};
const HAS_TASKSET = CORES > 1 && await isOnPath("taskset");

/** How processes were kept apart, for the report. */
export const PINNING = HAS_TASKSET
  ? `measured processes on core ${CORE_OF.measured}, load on core ${CORE_OF.load}, upstream on core ${CORE_OF.upstream}`
  : "processes not pinned to cores";

export interface SpawnOptions {
  readonly place: Place;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whether its output is read here. Reading a log takes processor time of the measured cores. */
  readonly stdout?: "piped" | "null";
  /** Whether its errors are shown. */
  readonly stderr?: "inherit" | "null";
}

/** A program that runs until it is stopped. */
export class Service {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string> | undefined;

  constructor(command: readonly string[], options: SpawnOptions) {
    this.#child = commandOf(command, options).spawn();
    if (options.stdout !== "null") {
      this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next text on standard output. Throws if the program has ended. */
  async output(): Promise<string> {
    const { value } = await this.#lines?.read() ?? {};
    if (value === undefined) {
      throw new Error(
        `Cannot run a service of the benchmark: it ended, code ${(await this.#child.status).code}`,
      );
    }
    return value;
  }

  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#lines?.cancel();
    await this.#child.status;
  }
}

/** The output of a program, which is run to its end. Throws if it fails. */
export async function run(command: readonly string[], options: SpawnOptions): Promise<string> {
  const { code, stdout } = await commandOf(command, options).output();
  if (code !== 0) {
    throw new Error(`Cannot run ${JSON.stringify(command.join(" "))}: it ended with code ${code}`);
  }
  return new TextDecoder().decode(stdout);
}

function commandOf(
  command: readonly string[],
  options: SpawnOptions,
): Deno.Command {
  const { place } = options;
  const isPinned = HAS_TASKSET && place !== "anywhere";
  const pinned = isPinned ? ["taskset", "-c", String(CORE_OF[place]), ...command] : command;
  const [program = "", ...args] = pinned;
  return new Deno.Command(program, {
    args,
    cwd: options.cwd ?? repositoryPath("."),
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout: options.stdout ?? "piped",
    stderr: options.stderr ?? "inherit",
  });
}

/** Whether the shell would find the command. */
export async function isOnPath(name: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v "$0"`, name], stdout: "null" })
    .output();
  return success;
}

/** Processor time of a process and its threads, in microseconds; proc(5) counts it in hundredths of a second. */
export async function cpuMicroseconds(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name, in parentheses, may contain spaces; user and system time are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Bytes of a process that are in memory. */
export async function residentBytes(pid: number): Promise<number> {
  const [, kib = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`)) ?? [];
  return Number(kib) * 1024;
}

/** Number of file descriptors that a process has open. */
export async function openFiles(pid: number): Promise<number> {
  let count = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) count++;
  return count;
}
