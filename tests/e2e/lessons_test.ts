/**
 * The real program with traits that promise too much, on the emulator: it learns, reports it, and forgets on a reload.
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import { builtAdit } from "../repository.ts";
import { emulatorConfig } from "./configs.ts";
import { type Program, RUNTIMES, startProgram } from "./program.ts";
import { type Ask, ask, chat, jsonOf, statusOf } from "./requests.ts";

const WRONG = `  wrong:
    provider: local
    id: us.anthropic.claude-opus-4-8
    traits: { strict_tools: true, cache_ttls: [5m, 1h] }
`;
const PARAMETERS = { type: "object", properties: { n: { type: "string" } }, additionalProperties: false };
const TOOL = { name: "f", strict: true, input_schema: PARAMETERS };
const FUNCTION = { name: "f", strict: true, parameters: PARAMETERS };

const CHAT = chat({ model: "wrong", tools: [{ type: "function", function: FUNCTION }] });
const MESSAGES: Ask = {
  line: "POST /v1/messages",
  body: JSON.stringify({
    model: "wrong",
    max_tokens: 100,
    messages: [{ role: "user", content: "Hi" }],
    tools: [TOOL],
  }),
};

async function lessonsOf(program: Program): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${program.adminUrl}/-/status`);
  return (await response.json()).lessons;
}

async function explain(program: Program): Promise<string> {
  const admin = program.adminUrl.replace("http://", "");
  const config = (await Deno.readTextFile(program.configPath)).replace(/^admin: .*$/m, `admin: ${admin}`);
  const path = `${program.configPath}.explained.yaml`;
  await Deno.writeTextFile(path, config);
  const { stdout } = await new Deno.Command(await builtAdit(), {
    args: ["explain", "wrong", "--config", path],
  })
    .output();
  return new TextDecoder().decode(stdout);
}

for (const runtime of RUNTIMES) {
  Deno.test(`on ${runtime}, a refused field is left out from then on, until the configuration is loaded again`, async () => {
    const config = emulatorConfig().replace("callers:", `${WRONG}callers:`);
    await using program = await startProgram(runtime, config);
    deepEqual(await lessonsOf(program), []);

    const first = await ask(program.url, CHAT);
    deepEqual([statusOf(first), first.headers.get("x-adit-ignored")], [200, "tools[].function.strict"]);
    const line = await program.waitForLog(({ message }) => message.startsWith("Bedrock refused"));
    equal(line["row"], '- { match: "anthropic.claude-opus-4-8", strict_tools: false }');

    const [lesson] = await lessonsOf(program);
    deepEqual([lesson?.["model_id"], lesson?.["setting"], lesson?.["traits"]], [
      "anthropic.claude-opus-4-8",
      "models.wrong.traits",
      "{ strict_tools: false }",
    ]);
    const explained = await explain(program);
    ok(/ strict_tools +false +learned by the running gateway\n/.test(explained), explained);
    ok(
      explained.includes(
        "Bedrock refused strict; to keep this, write models.wrong.traits: { strict_tools: false }",
      ),
      explained,
    );

    // Another dialect and another operation have the lesson as well.
    const second = await ask(program.url, MESSAGES);
    deepEqual([statusOf(second), second.headers.get("x-adit-ignored")], [200, "tools[].strict"]);
    const request = await program.waitForLog(({ path }) => path === "/v1/messages");
    equal(request["attempts"], undefined);

    await fetch(`${program.adminUrl}/-/reload`, { method: "POST" }).then((response) =>
      response.body?.cancel()
    );
    deepEqual(await lessonsOf(program), []);
    const from = program.logs.length;
    const third = await ask(program.url, CHAT);
    equal(statusOf(third), 200, JSON.stringify(jsonOf(third)));
    await program.waitForLog(({ message }) => message.startsWith("Bedrock refused"), from);
    equal((await lessonsOf(program)).length, 1);
  });
}
