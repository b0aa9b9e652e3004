/** The real program as a child process, on either runtime, for tests from outside. */

import { join } from "node:path";
import { builtAdit, repositoryPath } from "../repository.ts";

export const RUNTIMES = ["deno", "bun"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

export interface StartOptions {
  readonly runtime: RuntimeName;
  /** Text of the configuration, without listeners: they are put in front, on free ports. */
  readonly config: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Program extends AsyncDisposable {
  readonly runtime: RuntimeName;
  readonly pid: number;
  /** URL of the public listener, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly adminUrl: string;
  /** The configuration file; a test may rewrite it. */
  readonly configPath: string;
  /** Every log line so far. */
  readonly log: readonly LogLine[];
  /** What has been written to standard error so far. */
  readonly stderr: string;
  /** Resolves with the first log line, past or future, that fits; rejects when the program ends without one. */
  waitForLog(fits: (line: LogLine) => boolean): Promise<LogLine>;
  signal(signal: Deno.Signal): void;
  /** Resolves with the exit code. */
  readonly exit: Promise<number>;
}

const LISTENERS = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n";

/** Registers a test for each runtime, under its name. */
export function forEachRuntime(name: string, test: (runtime: RuntimeName) => Promise<void>): void {
  for (const runtime of RUNTIMES) Deno.test(`${runtime}: ${name}`, () => test(runtime));
}

/** How a command line of the program is spelt: `deno run` with the permissions of the task `start`, or the binary. */
export async function commandLine(runtime: RuntimeName): Promise<readonly [string, ...string[]]> {
  switch (runtime) {
    case "deno": {
      const { tasks } = JSON.parse(await Deno.readTextFile(repositoryPath("deno.json")));
      const [, ...args] = String(tasks.start).split(" ").slice(0, -1);
      return [Deno.execPath(), ...args, repositoryPath("main.ts")];
    }
    case "bun":
      return [await builtAdit()];
  }
}

/** Runs a command of the program to its end. */
export async function runProgram(
  runtime: RuntimeName,
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const [command, ...rest] = await commandLine(runtime);
  const output = await new Deno.Command(command, { args: [...rest, ...args], stdin: "null" }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: decode(output.stdout), stderr: decode(output.stderr) };
}

/** Starts `adit serve`, and resolves when both of its listeners are open. */
export async function startProgram({ runtime, config, env }: StartOptions): Promise<Program> {
  const folder = await Deno.makeTempDir({ prefix: "adit-e2e-" });
  const configPath = join(folder, "adit.yaml");
  await Deno.writeTextFile(configPath, /^listen:/m.test(config) ? config : LISTENERS + config);
  const [command, ...args] = await commandLine(runtime);
  const child = new Deno.Command(command, {
    args: [...args, "serve", "--config", configPath],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  const log: LogLine[] = [];
  let stderr = "";
  let ended = false;
  const waiting: (() => void)[] = [];
  function wake(): void {
    for (const check of waiting.splice(0)) check();
  }
  const reading = Promise.all([
    eachLine(child.stdout, (line) => {
      log.push(JSON.parse(line));
      wake();
    }),
    eachLine(child.stderr, (line) => stderr += `${line}\n`),
  ]);
  const exit = Promise.all([child.status, reading]).then(([{ code }]) => {
    ended = true;
    wake();
    return code;
  });

  function waitForLog(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      function check(): void {
        const line = log.find(fits);
        if (line !== undefined) resolve(line);
        else if (ended) {
          reject(new Error(`the program ended without the line; on standard error:\n${stderr}`));
        } else waiting.push(check);
      }
      check();
    });
  }

  const listening = async (listener: string) => {
    const { address } = await waitForLog((line) =>
      line.message === "listening" && line["listener"] === listener
    );
    return String(address);
  };
  const [url, adminUrl] = await Promise.all([listening("public"), listening("admin")]);
  return {
    runtime,
    pid: child.pid,
    url,
    adminUrl,
    configPath,
    log,
    get stderr() {
      return stderr;
    },
    waitForLog,
    signal: (signal) => child.kill(signal),
    exit,
    [Symbol.asyncDispose]: async () => {
      if (!ended) child.kill("SIGKILL");
      await exit;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
}
