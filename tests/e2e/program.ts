/** The real program as a child process, on either runtime. */

import { builtAdit, repositoryPath } from "../repository.ts";

export type RuntimeName = "deno" | "bun";

export const RUNTIMES: readonly RuntimeName[] = ["deno", "bun"];

/** One line of the program's log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface ProgramOptions {
  /** Variables in addition to those of the tests, of which the ones for AWS, Adit and Bun are not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** On Deno: permissions in addition to those of the task `start`. */
  readonly denoPermissions?: readonly string[];
  /** How many files the program may have open. */
  readonly files?: number;
}

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** The admin listener, or "" if the configuration has none. */
  readonly adminUrl: string;
  /** The configuration file: writing it makes the program reload. */
  readonly configPath: string;
  /** Every line of the log so far. */
  readonly logs: readonly LogLine[];
  /** Everything on standard error so far. */
  readonly stderr: string;
  readonly exited: Promise<Deno.CommandStatus>;
  /**
   * The first line from index `from` on that meets the condition; rejects if the program ends or 90 s pass without it.
   */
  waitForLog(condition: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
  /** Sends the signal; resolves when the program has ended. */
  stop(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
}

/** A test that takes longer fails; some start a program a dozen times, on a busy machine. */
const HANG_MS = 240_000;

/** A wait for one line of the log fails earlier, so that the failure shows the log. */
const LINE_MS = 90_000;

/** Threads of programs whose configuration does not set `threads`. */
const THREADS = Deno.env.get("ADIT_TEST_THREADS") ?? "1";
const hasThreads = ({ message }: LogLine) => message === "traffic threads started";

/** The configuration with free ports and the number of threads of this test run, unless it sets them itself. */
export function onFreePorts(config: string): string {
  const keys = {
    listen: "127.0.0.1:0",
    admin: "127.0.0.1:0",
    threads: THREADS,
  };
  const missing = Object.entries(keys).filter(([key]) => !new RegExp(`^${key}:`, "m").test(config));
  return missing.map(([key, value]) => `${key}: ${value}\n`).join("") + config;
}

/** Replaces a file in one step, so that no program reads a part of the new text. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}

/** Starts `adit serve` with a configuration, given as YAML, and resolves when it listens. */
export async function startProgram(
  runtime: RuntimeName,
  config: string,
  options: ProgramOptions = {},
): Promise<Program> {
  const folder = await Deno.makeTempDir({ prefix: "adit-e2e-" });
  const configPath = `${folder}/adit.yaml`;
  const written = onFreePorts(config);
  await Deno.writeTextFile(configPath, written);
  const program = new RunningProgram(
    await spawnAdit(runtime, ["serve", "--config", configPath], options),
    folder,
  );
  const hasAdmin = !/^admin: *off/m.test(config);
  try {
    await program.listening(hasAdmin);
    if (THREADS !== "1" && written.includes(`threads: ${THREADS}\n`)) await program.waitForLog(hasThreads);
    return program;
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the program that ends by itself, such as `check`. */
export async function runProgram(
  runtime: RuntimeName,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Finished> {
  const child = await spawnAdit(runtime, args, options);
  const [stdout, stderr, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { code, stdout, stderr: ownOutput(stderr) };
}

export type RuntimeTest = (runtime: RuntimeName, context: Deno.TestContext) => Promise<void>;

export interface RuntimeTestOptions {
  /** Runtimes without the tested feature, for which no test is registered. */
  readonly except?: readonly RuntimeName[];
}

/** Registers a test for each runtime, under the names `deno: …` and `bun: …`. */
export function forEachRuntime(
  name: string,
  test: RuntimeTest,
  { except = [] }: RuntimeTestOptions = {},
): void {
  for (const runtime of RUNTIMES.filter((each) => !except.includes(each))) {
    Deno.test(`${runtime}: ${name}`, (context) => withoutHanging(() => test(runtime, context)));
  }
}

const running = new Set<RunningProgram>();

/** Kills the programs of a test that hangs, which also ends what it waits for. */
async function withoutHanging(test: () => Promise<void>): Promise<void> {
  const { promise: hangs, reject } = Promise.withResolvers<never>();
  const hang = setTimeout(() => {
    for (const program of running) void program.stop("SIGKILL");
    reject(new Error(`Waited ${HANG_MS / 1000} s for something that never came`));
  }, HANG_MS);
  try {
    await Promise.race([test(), hangs]);
  } finally {
    clearTimeout(hang);
  }
}

/** Starts the program with any arguments; the caller reads its output. */
export async function spawnAdit(
  runtime: RuntimeName,
  args: readonly string[],
  { env = {}, denoPermissions = [], files }: ProgramOptions,
): Promise<Deno.ChildProcess> {
  const program = await commandOf(runtime, denoPermissions);
  const limited = ["/bin/sh", "-c", `ulimit -n ${files}; exec "$@"`, "sh"];
  const [command = "", ...first] = files === undefined ? program : [...limited, ...program];
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(?:AWS|ADIT|BUN)_/.test(name));
  return new Deno.Command(command, {
    args: [...first, ...args],
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The program's command line: on Deno that of the task `start`, which names the permissions. */
export async function commandOf(
  runtime: RuntimeName,
  denoPermissions: readonly string[] = [],
): Promise<[command: string, ...args: string[]]> {
  if (runtime === "bun") return [await builtAdit()];
  const { tasks } = JSON.parse(await Deno.readTextFile(repositoryPath("deno.json")));
  const [deno, ...args] = String(tasks.start).split(" ");
  if (deno !== "deno" || args.at(-1) !== "main.ts") {
    throw new Error(`Cannot run the task "start": ${tasks.start}`);
  }
  return [Deno.execPath(), ...args.slice(0, -1), ...denoPermissions, repositoryPath("main.ts")];
}

/** Deno prints this before it runs the program, while it waits for other Deno processes that are starting. */
const LOCKED = /^Blocking waiting for file lock on .*\n/gm;

/** What the program itself has written to standard error. */
export function ownOutput(stderr: string): string {
  return stderr.replace(LOCKED, "");
}

class RunningProgram implements Program {
  readonly configPath: string;
  readonly exited: Promise<Deno.CommandStatus>;
  readonly logs: LogLine[] = [];
  url = "";
  adminUrl = "";
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  #waiting: (() => void)[] = [];
  #ended = false;
  #stderr = "";

  constructor(child: Deno.ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.configPath = `${folder}/adit.yaml`;
    running.add(this);
    this.exited = Promise.all([child.status, this.#readLogs(), this.#readStderr()]).then(([status]) => {
      this.#ended = true;
      running.delete(this);
      this.#wake();
      return status;
    });
  }

  get stderr(): string {
    return ownOutput(this.#stderr);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when the program has logged its addresses. */
  async listening(hasAdmin: boolean): Promise<void> {
    const address = async (listener: string) => {
      const line = await this.waitForLog((line) =>
        line.message === "listening" && line["listener"] === listener
      );
      return String(line["address"]);
    };
    this.url = await address("public");
    if (hasAdmin) this.adminUrl = await address("admin");
  }

  async waitForLog(condition: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, LINE_MS);
    try {
      for (let at = from;;) {
        for (; at < this.logs.length; at++) {
          const line = this.logs[at];
          if (line !== undefined && condition(line)) return line;
        }
        if (this.#ended || isLate) {
          const what = this.#ended ? "The program ended" : `${LINE_MS / 1000} s passed`;
          throw new Error(`${what} without the awaited log line:\n${this.#everything()}`);
        }
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      clearTimeout(late);
    }
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself, perhaps with output still to be read.
    }
    return await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #readLogs(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.logs.push(...lines.map((line): LogLine => JSON.parse(line)));
      this.#wake();
    }
  }

  async #readStderr(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) this.#stderr += text;
  }

  #wake(): void {
    const woken = this.#waiting;
    this.#waiting = [];
    for (const wake of woken) wake();
  }

  #everything(): string {
    return [...this.logs.map((line) => JSON.stringify(line)), this.stderr].join("\n");
  }
}
