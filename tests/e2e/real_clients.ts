/** Third-party command-line clients, run unchanged against the real program, each with its own environment and home. */

import { repositoryPath } from "../repository.ts";
import { reportSkipped } from "../skipped.ts";

/** Paths of the programs in `node_modules`. */
const CLIENTS = {
  claude: "@anthropic-ai/claude-code/bin/claude.exe",
  opencode: "opencode-ai/bin/opencode.exe",
  codex: "@openai/codex/bin/codex.js",
} as const;

export type Client = keyof typeof CLIENTS;

/** Set by the Makefile, which has installed the clients there; without it they may be missing. */
const GIVEN = Deno.env.get("ADIT_CLIENTS");
const FOLDER = GIVEN ?? repositoryPath(".tools/clients");

function pathOf(client: Client): string {
  return `${FOLDER}/node_modules/${CLIENTS[client]}`;
}

function isInstalled(client: Client): boolean {
  try {
    return Deno.statSync(pathOf(client)).isFile;
  } catch {
    return false;
  }
}

/** A client that hangs fails its test after this time; each start takes seconds of processor time. */
const HANG_MS = 180_000;

/** A working folder and a home next to it, which are removed when the test ends. */
export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  /** Runs the client there with these variables and the few that every process needs; its input is empty. */
  run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Run>;
}

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Registers a test that runs the client, or reports that the client is not installed. */
export function clientProgramTest(
  client: Client,
  name: string,
  test: (workplace: Workplace) => Promise<void>,
): void {
  if (GIVEN === undefined && !isInstalled(client)) {
    reportSkipped(`${client}, ${name}`, `${client} is not installed; make test installs it`);
    return;
  }
  Deno.test(`${client}: ${name}`, async () => {
    await using workplace = await makeWorkplace(client);
    await test(workplace);
  });
}

async function makeWorkplace(client: Client): Promise<Workplace> {
  // The real path, because clients report it to their models.
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "adit-client-" }));
  const folder = `${root}/work`;
  await Promise.all([Deno.mkdir(folder), Deno.mkdir(`${root}/home`)]);
  return {
    folder,
    async run(args, env) {
      const command = new Deno.Command(pathOf(client), {
        args: [...args],
        cwd: folder,
        clearEnv: true,
        env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: `${root}/home`, TERM: "dumb", ...env },
        stdin: "null",
        signal: AbortSignal.timeout(HANG_MS),
      });
      const { code, stdout, stderr } = await command.output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/**
 * Writes a file that makes the emulated model edit it after a tool has read it: the file asks for the edit, and the
 * edit replaces that request. Returns its path.
 */
export async function writeNotes(
  { folder }: Workplace,
  { tool, members: [path, from, to, all] }: {
    /** Name of the client's tool that edits files. */
    readonly tool: string;
    /** The tool's members for the path, the old text, the new text, and whether to replace every occurrence. */
    readonly members: readonly [string, string, string, string];
  },
): Promise<string> {
  const notes = `${folder}/notes.txt`;
  const input = { [path]: notes, [from]: `then call ${tool}`, [to]: EDITED, [all]: true };
  await Deno.writeTextFile(notes, `color: red\nthen call ${tool} ${JSON.stringify(input)}\n`);
  return notes;
}

/** A part of the notes after the edit. */
export const EDITED = "edited with";
