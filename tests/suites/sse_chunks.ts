/** Reads the text of a Chat Completions stream, and combines its chunks as a client does. */

import assert from "node:assert/strict";
import type { ChatCompletion } from "../../lib/wire/openai/completion.ts";

/** The payloads of the `data:` lines; `[DONE]` as a string, everything else parsed. */
export function readChunks(sse: string): unknown[] {
  assert.ok(sse === "" || sse.endsWith("\n\n"), "the last event is complete");
  return sse.split("\n\n").slice(0, -1).map((event) => {
    assert.match(event, /^data: [^\n]*$/, "an event is one data line");
    const data = event.slice("data: ".length);
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}

interface Delta {
  role?: string;
  content?: string;
  reasoning_content?: string;
  thinking_blocks?: unknown[];
  annotations?: unknown[];
  tool_calls?: {
    index: number;
    id?: string;
    type?: string;
    function: { name?: string; arguments: string };
  }[];
}

interface Chunk {
  id: string;
  object: string;
  created: number;
  model: string;
  choices: { index: number; delta: Delta; finish_reason: string | null }[];
  usage?: unknown;
}

const HEAD = ["id", "object", "created", "model"];

/** The completion that a stream adds up to; fails if the stream breaks a rule that clients rely on. */
export function accumulateChunks(sse: string): unknown {
  const chunks = readChunks(sse);
  assert.equal(chunks.pop(), "[DONE]", "the stream ends with [DONE]");
  const [first, ...rest] = chunks as Chunk[];
  assert.ok(first !== undefined);
  assert.deepEqual(
    first.choices[0]?.delta,
    { role: "assistant", content: "" },
    "the first delta holds the role",
  );
  const message: Required<Delta> = {
    role: "assistant",
    content: "",
    reasoning_content: "",
    thinking_blocks: [],
    annotations: [],
    tool_calls: [],
  };
  let finishReason: string | null = null;
  let usage: unknown;
  let extras: object = {};
  for (const chunk of rest) {
    const { id, object, created, model } = chunk;
    assert.deepEqual({ id, object, created, model }, {
      id: first.id,
      object: "chat.completion.chunk",
      created: first.created,
      model: first.model,
    }, "every chunk has the same head");
    assert.equal(usage, undefined, "the usage chunk is the last");
    if (chunk.usage !== undefined) {
      assert.deepEqual(chunk.choices, [], "the usage chunk has no choices");
      usage = chunk.usage;
      continue;
    }
    const [choice] = chunk.choices;
    assert.ok(choice !== undefined && finishReason === null, "nothing but usage follows the finish");
    addDelta(message, choice.delta);
    finishReason = choice.finish_reason;
    const { choices: _, ...rest } = chunk;
    if (finishReason === null) {
      assert.deepEqual(Object.keys(rest), HEAD, "only the last choice has more members");
    } else extras = Object.fromEntries(Object.entries(rest).filter(([name]) => !HEAD.includes(name)));
  }
  assert.notEqual(finishReason, null, "the stream has a finish reason");
  return {
    id: first.id,
    object: "chat.completion",
    created: first.created,
    model: first.model,
    choices: [{
      index: 0,
      message: {
        role: message.role,
        content: message.content || null,
        refusal: null,
        ...(message.tool_calls.length > 0 &&
          { tool_calls: message.tool_calls.map(({ index: _, ...call }) => call) }),
        ...(message.reasoning_content !== "" && { reasoning_content: message.reasoning_content }),
        ...(message.thinking_blocks.length > 0 && { thinking_blocks: message.thinking_blocks }),
        ...(message.annotations.length > 0 && { annotations: message.annotations }),
      },
      logprobs: null,
      finish_reason: finishReason,
    }],
    ...(usage !== undefined && { usage }),
    ...extras,
  };
}

function addDelta(message: Required<Delta>, delta: Delta): void {
  assert.equal(delta.role, undefined, "the role comes once");
  message.content += delta.content ?? "";
  message.reasoning_content += delta.reasoning_content ?? "";
  message.thinking_blocks.push(...delta.thinking_blocks ?? []);
  message.annotations.push(...delta.annotations ?? []);
  for (const call of delta.tool_calls ?? []) {
    const known = message.tool_calls[call.index];
    if (known === undefined) {
      assert.equal(call.index, message.tool_calls.length, "tool calls are numbered from 0 without gaps");
      assert.ok(
        call.id && call.type === "function" && call.function.name,
        "a call begins with its id and name",
      );
      message.tool_calls.push(call);
    } else {
      assert.deepEqual(
        Object.keys(call),
        ["index", "function"],
        "later pieces of a call have no id and type",
      );
      assert.deepEqual(Object.keys(call.function), ["arguments"], "later pieces of a call have no name");
      known.function.arguments += call.function.arguments;
    }
  }
}

/**
 * The completion with compact JSON in its content and in the arguments of its calls, because models add spaces freely.
 */
export function withCompactJson(completion: unknown): unknown {
  const { choices: [{ message, ...choice }], ...rest } = completion as ChatCompletion;
  return {
    ...rest,
    choices: [{
      ...choice,
      message: {
        ...message,
        content: message.content === null ? null : compact(message.content),
        ...(message.tool_calls && {
          tool_calls: message.tool_calls.map((call) => ({
            ...call,
            function: { ...call.function, arguments: compact(call.function.arguments) },
          })),
        }),
      },
    }],
  };
}

/** The text as compact JSON, if it is JSON. */
export function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
