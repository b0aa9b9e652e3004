/** Tool loops with Anthropic's client: its tool runner, and thinking that is sent back over many turns. */

import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import assert from "node:assert/strict";
import { ALL, ask, CLAUDE, CLAUDES, clientTest, textOf, TIME, WEATHER } from "./messages_client.ts";

/** Weather and time as tools of the tool runner; `calls` records their inputs. */
function runnableTools(calls: string[]) {
  return [WEATHER, TIME].map(({ name, description, input_schema: inputSchema }) =>
    betaTool({
      name,
      description,
      inputSchema,
      run: ({ city }) => {
        calls.push(`${name} ${city}`);
        // What the emulator understands as a request for one more call.
        return city === "Rome" && name === "get_weather"
          ? 'sunny, then call get_time {"city": "Rome"}'
          : "fine";
      },
    })
  );
}

clientTest(
  "the tool runner runs parallel calls, and calls that follow from results, to the end",
  async (client) => {
    for (const model of ALL) {
      for (const stream of [false, true]) {
        const calls: string[] = [];
        const runner = client.beta.messages.toolRunner({
          model,
          max_tokens: 1000,
          stream,
          tools: runnableTools(calls),
          messages: [{
            role: "user",
            content: 'get_weather {"city": "Rome"} and get_weather {"city": "Oslo"}',
          }],
        });
        const last = await runner.runUntilDone();
        assert.deepEqual(calls.toSorted(), ["get_time Rome", "get_weather Oslo", "get_weather Rome"], model);
        assert.equal(last.stop_reason, "end_turn");
        assert.match(textOf(last), /^Here is what the tools returned\. get_time: "?fine/);
        // The question, two rounds of calls with their results, and the answer.
        assert.equal(runner.params.messages.length, 6);
      }
    }
  },
);

type Message = Anthropic.MessageParam;

/** The results of all calls in an answer; those in `more` ask for another call. */
function resultsFor(answer: Anthropic.Message, more: Readonly<Record<string, string>>): Message {
  const results = answer.content.flatMap((block): Anthropic.ToolResultBlockParam[] =>
    block.type === "tool_use"
      ? [{ type: "tool_result", tool_use_id: block.id, content: more[block.name] ?? "fine" }]
      : []
  );
  return { role: "user", content: results };
}

interface Conversation {
  readonly messages: readonly Message[];
  /** The types of the blocks of each answer. */
  readonly shapes: readonly (readonly string[])[];
}

interface Loop {
  readonly model: string;
  readonly stream: boolean;
  /** Part of each question. */
  readonly remark?: string;
}

/** Three questions, each of which leads to two rounds of tools; every response is sent back unchanged. */
async function converse(client: Anthropic, { model, stream, remark = "" }: Loop): Promise<Conversation> {
  const messages: Message[] = [];
  const shapes: string[][] = [];
  const next = async () => {
    const request = {
      model,
      max_tokens: 3000,
      thinking: { type: "enabled", budget_tokens: 1024 },
      tools: [WEATHER, TIME],
      messages,
    } satisfies Anthropic.MessageCreateParams;
    const answer = stream
      ? await client.messages.stream(request).finalMessage()
      : await client.messages.create(request);
    messages.push({ role: "assistant", content: answer.content });
    shapes.push(answer.content.map(({ type }) => type));
    return answer;
  };
  for (const city of ["Rome", "Oslo", "Łódź"]) {
    messages.push({ role: "user", content: `get_weather {"city": "${city}"}, please! ${remark}` });
    let answer = await next();
    while (answer.stop_reason === "tool_use") {
      messages.push(resultsFor(answer, { get_weather: `then call get_time {"city": "${city}"}` }));
      answer = await next();
    }
  }
  return { messages, shapes };
}

const REDACTION = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";

clientTest(
  "thinking is sent back unchanged over three turns with tools; the model checks every signature",
  async (client) => {
    for (const model of CLAUDES) {
      for (const stream of [false, true]) {
        const { messages, shapes } = await converse(client, { model, stream });
        const turn = [["thinking", "text", "tool_use"], ["thinking", "text", "tool_use"], [
          "thinking",
          "text",
        ]];
        assert.deepEqual(shapes, [...turn, ...turn, ...turn]);
        assert.equal(messages.length, 18);
      }
    }
  },
);

clientTest("redacted thinking is sent back unchanged as well", async (client) => {
  for (const model of CLAUDES) {
    for (const stream of [false, true]) {
      const { shapes } = await converse(client, { model, stream, remark: REDACTION });
      assert.equal(shapes.length, 9);
      assert.equal(shapes[0]?.[0], "redacted_thinking");
      assert.equal(shapes.filter(([first]) => first === "redacted_thinking").length, 3);
    }
  }
});

clientTest(
  "thinking that was changed, or left out in a tool loop, is refused with the model's message",
  async (client) => {
    for (const model of CLAUDES) {
      const { messages } = await converse(client, { model, stream: true });
      const [question, answer, result] = messages as [Message, Message, Message];
      const send = (content: Message["content"]) =>
        client.messages.create({
          model,
          max_tokens: 3000,
          thinking: { type: "enabled", budget_tokens: 1024 },
          tools: [WEATHER, TIME],
          messages: [question, { role: "assistant", content }, result],
        });
      const blocks = answer.content as Anthropic.ContentBlockParam[];
      const [thought, ...rest] = blocks as [Anthropic.ThinkingBlockParam, ...Anthropic.ContentBlockParam[]];
      assert.equal((await send(blocks)).type, "message");
      await assert.rejects(
        send([{ ...thought, thinking: `${thought.thinking} ` }, ...rest]),
        (error) =>
          error instanceof Anthropic.BadRequestError &&
          /Invalid `signature` in `thinking`/.test(error.message),
      );
      await assert.rejects(
        send(rest),
        (error) => error instanceof Anthropic.BadRequestError && /Expected `thinking` or/.test(error.message),
      );
    }
  },
);

clientTest(
  "reasoning without signatures may be sent back, and the gateway reports that it left it out",
  async (client) => {
    const thinking: Anthropic.ThinkingConfigParam = { type: "enabled", budget_tokens: 1024 };
    const request = { model: "nova2", max_tokens: 3000, tools: [WEATHER], thinking };
    const messages = ask('get_weather {"city": "Rome"}');
    const first = await client.messages.create({ ...request, messages });
    const [thought] = first.content;
    assert.ok(thought?.type === "thinking" && thought.thinking !== "" && thought.signature === "");
    messages.push({ role: "assistant", content: first.content }, resultsFor(first, {}));
    const { data, response } = await client.messages.create({ ...request, messages })
      .withResponse();
    assert.match(textOf(data), /get_weather: "?fine/);
    assert.equal(
      response.headers.get("x-adit-ignored"),
      "messages[].content[].thinking, thinking.budget_tokens",
    );
  },
  { models: { nova2: { id: "us.amazon.nova-2-lite-v1:0" } } },
);

clientTest(
  "encrypted reasoning of another model goes back to it in a tool loop",
  async (client) => {
    const request = { model: "gpt", max_tokens: 3000, tools: [WEATHER] };
    const messages = ask('get_weather {"city": "Rome"}');
    const first = await client.messages.create({ ...request, messages });
    assert.equal(first.content[0]?.type, "redacted_thinking");
    messages.push({ role: "assistant", content: first.content }, resultsFor(first, {}));
    const { data, response } = await client.messages.create({ ...request, messages }).withResponse();
    assert.match(textOf(data), /get_weather: "?fine/);
    assert.equal(response.headers.get("x-adit-ignored"), null);
  },
  { models: { gpt: { id: "us.openai.gpt-5.6-sol" } } },
);

clientTest(
  "with an adaptive effort the model thinks, and with thinking off it does not",
  async (client) => {
    for (const model of ["opus", "opus-converse"]) {
      const params = { model, max_tokens: 3000, messages: ask("Hello") };
      const adaptive = {
        ...params,
        thinking: { type: "adaptive" },
        output_config: { effort: "low" },
      } as const;
      assert.equal((await client.messages.create(adaptive)).content[0]?.type, "thinking");
      const off = await client.messages.create({ ...params, thinking: { type: "disabled" } });
      assert.deepEqual(off.content.map(({ type }) => type), ["text"]);
    }
  },
  {
    models: {
      opus: { id: "us.anthropic.claude-opus-4-8" },
      "opus-converse": {
        id: CLAUDE.replace("claude-haiku-4-5-20251001-v1:0", "claude-opus-4-8"),
        api: "converse",
      },
    },
  },
);
