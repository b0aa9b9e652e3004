/** Anthropic's client through every API of the models: messages, streams, media, caching, counting, models, keys. */

import Anthropic from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { PNG } from "../fakes/image_host.ts";
import { KEY } from "./configs.ts";
import { ALL, ask, CLAUDES, clientOf, clientTest, type Subject, textOf, WEATHER } from "./messages_client.ts";

clientTest("a message gets a whole response, with the caller's names", async (client) => {
  for (const model of ALL) {
    const message = await client.messages.create({ model, max_tokens: 100, messages: ask("Good morning") });
    assert.deepEqual([message.type, message.role, message.model], ["message", "assistant", model]);
    assert.deepEqual([message.stop_reason, message.stop_sequence], ["end_turn", null]);
    assert.match(message.id, /^msg_/);
    assert.match(message._request_id ?? "", /^req_/);
    assert.match(textOf(message), /You said: "Good morning"/);
    assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  }
});

clientTest("system prompts, stop sequences, limits and sampling reach the model", async (client) => {
  for (const model of ALL) {
    const base = { model, system: "Be brief", messages: ask("reply with: one two three"), temperature: 0 };
    const stopped = await client.messages.create({ ...base, max_tokens: 100, stop_sequences: ["two"] });
    assert.deepEqual(
      [textOf(stopped).trim(), stopped.stop_reason, stopped.stop_sequence],
      ["one", "stop_sequence", "two"],
    );
    const limited = await client.messages.create({ ...base, max_tokens: 2 });
    assert.deepEqual([limited.stop_reason, limited.usage.output_tokens], ["max_tokens", 2]);
  }
});

/** The members of a message that do not depend on how it was requested. */
function comparable(
  { content, model, role, stop_reason, stop_sequence, type, usage }: Anthropic.Message,
): unknown {
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usage;
  return {
    // Ids of calls are new in each answer; `parsed_output` is the client's own addition.
    content: content.map((block) => ({ ...block, id: undefined, parsed_output: undefined })),
    model,
    role,
    stop_reason,
    stop_sequence,
    type,
    usage: { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens },
  };
}

clientTest("a stream adds up to the whole message", async (client) => {
  for (const model of ALL) {
    const requests: Omit<Anthropic.MessageCreateParamsNonStreaming, "model" | "max_tokens">[] = [
      { messages: ask("Good morning — grüß Gott, 你好") },
      { messages: ask('get_weather {"city": "Rome"} and get_weather {"city": "Oslo"}'), tools: [WEATHER] },
      { messages: ask("reply with: one two three"), stop_sequences: ["two"] },
    ];
    for (const request of requests) {
      const whole = await client.messages.create({ model, max_tokens: 500, ...request });
      const stream = client.messages.stream({ model, max_tokens: 500, ...request });
      assert.deepEqual(comparable(await stream.finalMessage()), comparable(whole), model);
      assert.equal(stream.request_id?.startsWith("req_"), true);
    }
  }
});

clientTest("the stream helpers report texts, blocks, inputs and the end", async (client) => {
  for (const model of ALL) {
    const heard = { text: "", snapshot: "", inputs: [] as unknown[], blocks: [] as string[], ends: 0 };
    const stream = client.messages.stream({
      model,
      max_tokens: 500,
      tools: [WEATHER],
      messages: ask('get_weather {"city": "Rome"}'),
    });
    stream.on("text", (delta, snapshot) => {
      heard.text += delta;
      heard.snapshot = snapshot;
    });
    stream.on("inputJson", (_delta, snapshot) => heard.inputs.push(snapshot));
    stream.on("contentBlock", ({ type }) => heard.blocks.push(type));
    stream.on("finalMessage", () => heard.ends++);
    const events: string[] = [];
    for await (const { type } of stream) events.push(type);
    assert.equal(heard.text, "I will call get_weather.");
    assert.equal(heard.snapshot, heard.text);
    assert.deepEqual(heard.inputs.at(-1), { city: "Rome" });
    assert.deepEqual([heard.blocks, heard.ends], [["text", "tool_use"], 1]);
    assert.equal(await stream.finalText(), heard.text);
    assert.deepEqual(
      events.filter((type, index) => type !== events[index - 1]),
      [
        "message_start",
        ...["content_block_start", "content_block_delta", "content_block_stop"],
        ...["content_block_start", "content_block_delta", "content_block_stop"],
        "message_delta",
        "message_stop",
      ],
    );
  }
});

clientTest("tools can be forced, forbidden, and limited to one call", async (client) => {
  const two = ask('get_weather {"city": "Rome"} and get_weather {"city": "Oslo"}');
  const calls = async (model: Subject, tool_choice: Anthropic.ToolChoice, messages = two) => {
    const params = { model, max_tokens: 500, tools: [WEATHER], tool_choice, messages };
    const { content } = await client.messages.create(params);
    return content.filter(({ type }) => type === "tool_use").length;
  };
  for (const model of ALL) {
    assert.equal(await calls(model, { type: "auto" }), 2);
    assert.equal(await calls(model, { type: "none" }), 0);
    assert.equal(await calls(model, { type: "any" }, ask("Hello")), 1);
    assert.equal(await calls(model, { type: "tool", name: "get_weather" }, ask("Hello")), 1);
  }
  for (const model of CLAUDES) {
    assert.equal(await calls(model, { type: "auto", disable_parallel_tool_use: true }), 1);
  }
});

const PDF = Buffer.from("%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n");

clientTest("images and PDF documents reach the model, also in tool results", async (client) => {
  const image: Anthropic.ImageBlockParam = {
    type: "image",
    source: { type: "base64", media_type: "image/png", data: Buffer.from(PNG).toString("base64") },
  };
  const document: Anthropic.DocumentBlockParam = {
    type: "document",
    title: "Report (final).pdf",
    source: { type: "base64", media_type: "application/pdf", data: PDF.toString("base64") },
  };
  const plain: Anthropic.DocumentBlockParam = {
    type: "document",
    source: { type: "text", media_type: "text/plain", data: "All is well" },
  };
  for (const model of ALL) {
    const seen = async (...blocks: Anthropic.ContentBlockParam[]) => {
      const messages = ask([...blocks, { type: "text", text: "What is this?" }]);
      return textOf(await client.messages.create({ model, max_tokens: 200, messages }));
    };
    assert.match(await seen(image), /and sent one image\./);
    assert.match(await seen(document), /and sent one document\./);
    assert.match(await seen(image, plain, document), /and sent one image, one document, one document\./);
    const answer = await client.messages.create({
      model,
      max_tokens: 200,
      tools: [WEATHER],
      messages: [
        ...ask("Show me"),
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "a" } }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [image] }] },
      ],
    });
    assert.match(textOf(answer), /get_weather: "?image/);
  }
});

clientTest(
  "a cached prompt is written once, then read, and both are reported, also in streams",
  async (client) => {
    for (const model of ALL) {
      const request = {
        model,
        max_tokens: 50,
        messages: ask("Hello"),
        system: [{
          type: "text",
          text: `Rules of ${model}. `.repeat(500),
          cache_control: { type: "ephemeral" },
        }] satisfies Anthropic.TextBlockParam[],
      };
      const first = (await client.messages.create(request)).usage;
      const again = (await client.messages.create(request)).usage;
      const streamed = (await client.messages.stream(request).finalMessage()).usage;
      const written = first.cache_creation_input_tokens ?? 0;
      assert.ok(written > 1024, model);
      assert.equal(first.cache_read_input_tokens, 0);
      for (const usage of [again, streamed]) {
        assert.deepEqual(
          [usage.cache_creation_input_tokens, usage.cache_read_input_tokens],
          [0, written],
          model,
        );
        assert.equal(usage.input_tokens, first.input_tokens);
        assert.ok(usage.input_tokens < 10);
      }
    }
  },
);

clientTest(
  "counted tokens equal those of the message; models that cannot count are refused",
  async (client) => {
    const request = { system: "Be brief", messages: ask("Hello"), tools: [WEATHER] };
    for (const model of CLAUDES) {
      const { input_tokens } = await client.messages.countTokens({ model, ...request });
      const { usage } = await client.messages.create({ model, max_tokens: 10, ...request });
      assert.equal(input_tokens, usage.input_tokens);
      const beta = await client.beta.messages.countTokens({
        model,
        ...request,
        betas: ["unheard-of-2030-01-01"],
      });
      assert.equal(beta.input_tokens, input_tokens);
    }
    await assert.rejects(
      client.messages.countTokens({ model: "nova", ...request }),
      (error) =>
        error instanceof Anthropic.BadRequestError &&
        /The provided model doesn't support counting tokens\./.test(error.message),
    );
  },
);

clientTest("models are listed page by page, and found by their names", async (client) => {
  const names: string[] = [];
  for await (const model of client.models.list({ limit: 2 })) {
    assert.equal(model.type, "model");
    assert.equal(model.display_name, model.id);
    assert.ok(Date.parse(model.created_at) > 0);
    names.push(model.id);
  }
  assert.deepEqual(names, ALL);
  assert.equal((await client.models.list()).data.length, ALL.length);
  assert.equal((await client.beta.models.list({ limit: 1000 })).data.length, ALL.length);
  assert.equal((await client.models.retrieve("nova")).id, "nova");
  await assert.rejects(client.models.retrieve("opus"), Anthropic.NotFoundError);
  await assert.rejects(client.models.list({ limit: 0 }), Anthropic.BadRequestError);
});

clientTest(
  "a key is accepted as a bearer token, as x-api-key, or both, on both base URLs",
  async (_client, program) => {
    const { url } = program;
    const wrong = "not-a-key";
    const clients = [
      clientOf(program, { baseURL: `${url}/anthropic` }),
      clientOf(program, { apiKey: null, authToken: KEY }),
      clientOf(program, { apiKey: null, authToken: KEY, defaultHeaders: { "x-api-key": KEY } }),
      clientOf(program, { apiKey: null, authToken: KEY, defaultHeaders: { "x-api-key": wrong } }),
      clientOf(program, { defaultHeaders: { authorization: `Bearer ${wrong}`, "x-api-key": KEY } }),
      clientOf(program, { defaultHeaders: { "anthropic-version": null } }),
    ];
    for (const client of clients) {
      const message = await client.messages.create({ model: "nova", max_tokens: 50, messages: ask("Hello") });
      assert.equal(message.model, "nova");
      assert.equal((await client.models.list()).data.length, ALL.length);
      assert.ok(
        (await client.messages.countTokens({ model: "claude", messages: ask("Hello") })).input_tokens > 0,
      );
    }
    const refused = [
      clientOf(program, { apiKey: wrong }),
      clientOf(program, { apiKey: null, authToken: wrong }),
      clientOf(program, { apiKey: wrong, baseURL: `${url}/anthropic` }),
    ];
    for (const client of refused) {
      for (
        const request of [
          () => client.messages.create({ model: "nova", max_tokens: 50, messages: ask("Hello") }),
          () => client.models.list(),
        ]
      ) {
        await assert.rejects(request, (error) => {
          assert.ok(error instanceof Anthropic.AuthenticationError);
          assert.equal(error.type, "authentication_error");
          assert.match(error.requestID ?? "", /^req_/);
          return true;
        });
      }
    }
  },
);
