/** The real Claude Code, in both of its modes, against the real program and its emulator. */

import assert from "node:assert/strict";
import { KEY } from "./configs.ts";
import { CLAUDE, messagesConfig } from "./messages_client.ts";
import { type LogLine, type Program, startProgram } from "./program.ts";
import { clientProgramTest, EDITED, type Workplace, writeNotes } from "./real_clients.ts";

/** With the built binary, as users have it; tests with recorded requests cover the other runtime. */
function start(): Promise<Program> {
  return startProgram(
    "bun",
    messagesConfig({
      throttled: { id: `${CLAUDE}.fault-first:1.fault-throttling` },
      cut: { id: `${CLAUDE}.fault-first:1.fault-end:4` },
    }).replace('models: ["*"]', 'models: ["*"], native: [us-east-1]'),
  );
}

const QUIET = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1" };

/** Variables of its mode for Anthropic's Messages. */
function messagesMode({ url }: Program) {
  return { ...QUIET, ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: KEY };
}

/** Variables of its Bedrock mode. */
function bedrockMode({ url }: Program) {
  return {
    ...QUIET,
    CLAUDE_CODE_USE_BEDROCK: "1",
    ANTHROPIC_BEDROCK_BASE_URL: `${url}/bedrock`,
    AWS_BEARER_TOKEN_BEDROCK: KEY,
    AWS_REGION: "us-east-1",
  };
}

interface Prompt {
  readonly model: string;
  readonly prompt: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tools?: readonly string[];
}

/** The members that the tests use of the JSON that `claude -p` prints. */
interface Result {
  readonly is_error: boolean;
  readonly num_turns: number;
  readonly result: string;
}

async function ask(workplace: Workplace, { model, prompt, env, tools = [] }: Prompt): Promise<Result> {
  const allowed = tools.length === 0 ? [] : ["--allowedTools", ...tools];
  const args = ["-p", prompt, "--output-format", "json", "--model", model, ...allowed];
  const { stdout, stderr } = await workplace.run(args, env);
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`No JSON from claude:\n${stdout}\n${stderr}`);
  }
}

/**
 * Status and error of every request whose path has this end; ends the program, because only then the log is complete.
 */
async function outcomes(program: Program, pathEnd: string): Promise<[unknown, unknown][]> {
  await program.stop();
  const isAsked = ({ message, path }: LogLine) => message === "request" && String(path).endsWith(pathEnd);
  return program.logs.filter(isAsked).map(({ status, error }) => [status, error]);
}

const OK = [200, undefined];

clientProgramTest(
  "claude",
  "a plain response by InvokeModel, by Converse and from another family",
  async (workplace) => {
    await using program = await start();
    for (const model of ["claude", "claude-converse", "nova"]) {
      const prompt = `Reply with: hello from ${model}`;
      const answer = await ask(workplace, { model, prompt, env: messagesMode(program) });
      assert.deepEqual([answer.is_error, answer.result.trim()], [false, `hello from ${model}`]);
    }
    assert.deepEqual(await outcomes(program, "/messages"), [OK, OK, OK]);
  },
);

/** Makes the client read the notes, edit them as they ask, and report. */
async function editNotes(workplace: Workplace, wish: Omit<Prompt, "prompt">): Promise<void> {
  const notes = await writeNotes(workplace, {
    tool: "Edit",
    members: ["file_path", "old_string", "new_string", "replace_all"],
  });
  const prompt = `Read ${JSON.stringify({ file_path: notes })}`;
  const answer = await ask(workplace, { ...wish, prompt, tools: ["Read", "Edit"] });
  assert.equal(answer.is_error, false, answer.result);
  assert.match(answer.result, /Edit: The file .* has been updated/);
  const text = await Deno.readTextFile(notes);
  assert.ok(text.includes(`\n${EDITED} {`) && !text.includes("then call"), text);
}

clientProgramTest("claude", "a tool loop reads a file and edits it, through every API", async (workplace) => {
  await using program = await start();
  for (const model of ["claude", "claude-converse", "nova"]) {
    await editNotes(workplace, { model, env: messagesMode(program) });
  }
  assert.deepEqual(await outcomes(program, "/messages"), Array.from({ length: 9 }, () => OK));
});

clientProgramTest("claude", "its tokens are counted", async (workplace) => {
  await using program = await start();
  const answer = await ask(workplace, { model: "claude", prompt: "/context", env: messagesMode(program) });
  assert.match(answer.result, /System tools \| \d/);
  const counts = await outcomes(program, "/count_tokens");
  assert.ok(counts.length > 0);
  assert.deepEqual(counts, counts.map(() => OK));
});

clientProgramTest("claude", "a throttled turn is retried", async (workplace) => {
  await using program = await start();
  const prompt = "Reply with: worth the wait";
  const answer = await ask(workplace, { model: "throttled", prompt, env: messagesMode(program) });
  assert.deepEqual([answer.is_error, answer.result.trim()], [false, "worth the wait"]);
  assert.deepEqual(await outcomes(program, "/messages"), [[429, "rate_limit_exceeded"], OK]);
});

clientProgramTest("claude", "a stream that is cut off is not a response", async (workplace) => {
  await using program = await start();
  const prompt = "Reply with: all of it";
  const answer = await ask(workplace, { model: "cut", prompt, env: messagesMode(program) });
  assert.deepEqual([answer.is_error, answer.result.trim()], [false, "all of it"]);
  assert.deepEqual(await outcomes(program, "/messages"), [[200, "stream_truncated"], OK]);
});

clientProgramTest("claude", "Bedrock mode: a plain answer and a tool loop", async (workplace) => {
  await using program = await start();
  const wish = { model: "us.anthropic.claude-sonnet-4-6", env: bedrockMode(program) };
  const answer = await ask(workplace, { ...wish, prompt: "Reply with: as if by AWS" });
  assert.deepEqual([answer.is_error, answer.result.trim()], [false, "as if by AWS"]);
  await editNotes(workplace, wish);
  assert.deepEqual(await outcomes(program, "/invoke-with-response-stream"), [OK, OK, OK, OK]);
  assert.deepEqual(
    new Set((await outcomes(program, "/inference-profiles")).map(([status]) => status)),
    new Set([200]),
  );
});
