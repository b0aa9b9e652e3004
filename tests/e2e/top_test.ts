/** `adit top`: the running gateway in a terminal, or once as text. */

import assert from "node:assert/strict";
import { emulatorConfig, keyHash } from "./configs.ts";
import {
  commandOf,
  forEachRuntime,
  type Program,
  runProgram,
  type RuntimeName,
  startProgram,
} from "./program.ts";
import { ask, CHAT } from "./requests.ts";
import { reportSkipped } from "../skipped.ts";

forEachRuntime("without a terminal, top prints the state once and exits", async (runtime) => {
  await using program = await startProgram(runtime, emulatorConfig());
  await ask(program.url, CHAT);
  for (const args of [["--admin", program.adminUrl], ["--admin", program.adminUrl, "--once"]]) {
    const { code, stdout, stderr } = await runProgram(runtime, ["top", ...args]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^adit \d+\.\d+\.\d+ {2}up /);
    assert.match(stdout, /^MODELS, 5 MINUTES\nMODEL +REQUESTS .*\nclaude +1 /m);
    assert.match(stdout, /^CALLERS, 5 MINUTES\nCALLER +REQUESTS .*\ndemo +1 /m);
    // Nothing that only a terminal understands.
    assert.ok(!stdout.includes("\x1b") && !stdout.includes("\r"));
  }
});

forEachRuntime("top finds the gateway like reload, and reports problems", async (runtime) => {
  const key = "adit-admin-key-0123456789";
  await using program = await startProgram(
    runtime,
    `admin_api: { key: "${keyHash(key)}" }\n${emulatorConfig()}`,
  );
  const top = (args: readonly string[], env: Record<string, string> = {}) =>
    runProgram(runtime, ["top", ...args], { env });
  const where = ["--admin", program.adminUrl];
  const refused = await top(where);
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /needs a key: set ADIT_ADMIN_KEY\n$/);
  const wrong = await top(where, { ADIT_ADMIN_KEY: "adit-wrong-key" });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /does not accept the key in ADIT_ADMIN_KEY\n$/);
  assert.equal((await top(where, { ADIT_ADMIN_KEY: key })).code, 0);
  const nobody = await top(["--admin", "127.0.0.1:1"]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /^Cannot ask the gateway at http:\/\/127\.0\.0\.1:1: /);
  assert.equal((await top(["--admin", "::"])).code, 2);
  // The public listener is not an admin listener.
  assert.match((await top(["--admin", program.url])).stderr, /needs a key|Unexpected answer with status/);
  const off = `${program.configPath}.off`;
  await Deno.writeTextFile(off, `admin: off\n${emulatorConfig()}`);
  assert.match((await top(["--config", off])).stderr, /admin is off/);
});

/** The program in a terminal of its own. */
class Screen {
  /** Everything so far, with a visible sign for each escape. */
  text = "";
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly ended: Promise<unknown>;
  #wake = () => {};

  constructor(command: string) {
    this.#child = new Deno.Command("script", {
      args: ["-qfec", command, "/dev/null"],
      env: { NO_COLOR: "1", TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.ended = this.#read();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.text += text.replaceAll("\x1b", "␛");
      this.#wake();
    }
    await this.#keys.close().catch(() => {});
    await this.#child.status;
  }

  /** Resolves when the terminal has shown the pattern. */
  async shows(pattern: RegExp, from = 0): Promise<number> {
    for (;;) {
      const at = this.text.slice(from).search(pattern);
      if (at >= 0) return from + at;
      const ended = await Promise.race([
        new Promise<false>((resolve) => this.#wake = () => resolve(false)),
        this.ended.then(() => true),
      ]);
      if (ended && this.text.slice(from).search(pattern) < 0) {
        throw new Error(`Not shown: ${pattern}\n${this.text}`);
      }
    }
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }
}

/** Starts top in a terminal of this size, which reports at the end whether it is in line mode again. */
async function topIn(
  runtime: RuntimeName,
  { adminUrl }: Program,
  { columns = 100, rows = 30 }: { readonly columns?: number; readonly rows?: number } = {},
): Promise<Screen> {
  const top = [...await commandOf(runtime), "top", "--admin", adminUrl].map((word) => `'${word}'`).join(" ");
  const command =
    `stty cols ${columns} rows ${rows}; ${top}; echo "code $?"; stty -a | grep -o -e '-\\?icanon'`;
  return new Screen(command);
}

const RESTORED = /␛\[\?7h␛\[\?25h␛\[\?1049l/;

if (Deno.build.os !== "linux" || !await has("script")) {
  reportSkipped("adit top in a terminal", "script of util-linux is not here");
} else {
  for (const [name, keys] of [["q", "q"], ["Ctrl-C", "\x03"]] as const) {
    forEachRuntime(
      `in a terminal, top is drawn every second until ${name}, which restores it`,
      async (runtime) => {
        await using program = await startProgram(runtime, emulatorConfig());
        const screen = await topIn(runtime, program);
        await screen.shows(/␛\[\?1049h␛\[\?25l/);
        const first = await screen.shows(/in flight 0/);
        await ask(program.url, CHAT);
        // A later frame shows what has happened since.
        await screen.shows(/MODELS, 5 MINUTES[^]*claude +1 /, first);
        await screen.type(keys);
        await screen.ended;
        assert.match(screen.text, new RegExp(`${RESTORED.source}code 0\r\nicanon\r\n$`));
      },
    );
  }

  Deno.test("a narrow terminal has shorter lines, and a gateway that goes away is said and found again", async () => {
    await using program = await startProgram("bun", emulatorConfig());
    await ask(program.url, CHAT);
    const screen = await topIn("bun", program, { columns: 32, rows: 10 });
    await screen.shows(/TARGETS 1/);
    const before = screen.text.length;
    await program.stop("SIGKILL");
    await screen.shows(/LOST: /, before);
    await screen.type("q");
    await screen.ended;
    assert.match(screen.text, RESTORED);
    const frames = screen.text.split("␛[H").slice(1).map((frame) => frame.split(RESTORED)[0] ?? "");
    for (const frame of frames) {
      const lines = frame.replace(/␛\[[KJ]/g, "").split(/\r+\n/);
      assert.ok(lines.length <= 10, frame);
      for (const line of lines) assert.ok([...line].length <= 32, line);
    }
  });

  Deno.test("a signal ends top and restores the terminal", async () => {
    await using program = await startProgram("bun", emulatorConfig());
    const [adit = ""] = await commandOf("bun");
    const screen = new Screen(`echo "pid $$"; exec '${adit}' top --admin ${program.adminUrl}`);
    await screen.shows(/in flight/);
    const [, pid] = /^pid (\d+)/.exec(screen.text) ?? [];
    Deno.kill(Number(pid), "SIGTERM");
    await screen.ended;
    assert.match(screen.text, RESTORED);
  });
}

async function has(command: string): Promise<boolean> {
  return await new Deno.Command("sh", { args: ["-c", `command -v ${command}`], stdout: "null" }).output()
    .then(({ success }) => success);
}
