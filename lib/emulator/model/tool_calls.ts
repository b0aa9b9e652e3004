/** Which tools the emulated model calls, and with which input. */

import { isJsonObject, type JsonValue } from "../../base/json.ts";
import { objectAt, objectFor } from "./json_object.ts";
import { lastRequestText, lastUserParts, type Prompt, type Tool } from "./prompt.ts";
import { instanceOf } from "./schema_instance.ts";

export interface ToolCall {
  readonly name: string;
  readonly input: JsonValue;
}

/** Precedes a tool's name in a tool result that requests another call. */
const FOLLOW_UP = "then call ";

/** Words in the names of tools that end a task, such as `final_answer` or `submitResult`. */
const ENDINGS: ReadonlySet<string> = new Set(
  "answer complete done end exit final finish json output reply respond response result return stop submit"
    .split(" "),
);

/**
 * The calls that the prompt requests. If the model may choose, each mention of a tool's name in the user's last
 * message is one call, and so is each name after "then call" in tool results; a JSON object directly after the name
 * is its input, otherwise the input is generated from the tool's schema. A forced call is made once: after its result,
 * the model calls the tool whose name ends a task, or responds with text if there is none.
 */
export function decideToolCalls(prompt: Prompt): readonly ToolCall[] {
  const tools = prompt.tools.filter((tool) => tool.kind === "tool");
  const calls = chooseCalls(prompt, tools);
  return prompt.parallelTools ? calls : calls.slice(0, 1);
}

function chooseCalls(prompt: Prompt, tools: readonly Tool[]): readonly ToolCall[] {
  const { toolChoice } = prompt;
  const results = lastUserParts(prompt).filter((part) => part.kind === "tool_result");
  const mentioned = results.length === 0
    ? mentionsOf(tools, { text: lastRequestText(prompt), prefix: "" })
    : mentionsOf(tools, { text: results.map(({ text }) => text).join("\n"), prefix: FOLLOW_UP });
  switch (toolChoice.kind) {
    case "none":
      return [];
    case "auto":
      return mentioned;
    case "any": {
      if (mentioned.length > 0) return mentioned;
      const ending = tools.find(({ name }) => isEnding(name));
      if (results.length > 0) {
        const called = calledSince(prompt);
        return ending === undefined || called.includes(ending.name) ? [] : [forcedCall(ending, prompt)];
      }
      const [first = ending] = tools.filter((tool) => tool !== ending);
      return first === undefined ? [] : [forcedCall(first, prompt)];
    }
    case "tool": {
      const { name } = toolChoice;
      const named = mentioned.filter((call) => call.name === name);
      if (named.length > 0) return named;
      if (results.length > 0 && calledSince(prompt).includes(name)) return [];
      return tools.filter((tool) => tool.name === name).map((tool) => forcedCall(tool, prompt));
    }
  }
}

function isEnding(name: string): boolean {
  return name.split(/[_-]|(?<=[a-z])(?=[A-Z])/).some((word) => ENDINGS.has(word.toLowerCase()));
}

/** The tools called since the last message that the user wrote. */
function calledSince({ turns }: Prompt): string[] {
  const asked = turns.findLastIndex(({ role, parts }) =>
    role === "user" && !parts.some(({ kind }) => kind === "tool_result")
  );
  return turns.slice(asked + 1).flatMap(({ parts }) =>
    parts.flatMap((part) => part.kind === "tool_use" ? [part.name] : [])
  );
}

/** A forced call; if it ends the task and its schema allows any object, the input is made from the prompt. */
function forcedCall(tool: Tool, prompt: Prompt): ToolCall {
  const { name, schema } = tool;
  const isOpen = isJsonObject(schema) && Object.keys(schema["properties"] ?? {}).length === 0 &&
    schema["additionalProperties"] !== false;
  return isOpen && isEnding(name) ? { name: tool.name, input: objectFor(prompt) } : defaultCall(tool);
}

interface Mentions {
  readonly text: string;
  /** Must precede a name for it to count. */
  readonly prefix: string;
}

function mentionsOf(tools: readonly Tool[], { text, prefix }: Mentions): ToolCall[] {
  return tools
    .flatMap((tool) => {
      const mention = new RegExp(`(?<![\\w-])${prefix}${tool.name}(?![\\w-])`, "g");
      return [...text.matchAll(mention)].map(({ 0: { length }, index }) => ({
        tool,
        index,
        end: index + length,
      }));
    })
    .sort((one, other) => one.index - other.index)
    .map(({ tool, end }) => {
      const input = leadingObject(text.slice(end));
      return input === undefined ? defaultCall(tool) : { name: tool.name, input };
    });
}

function defaultCall(tool: Tool): ToolCall {
  const input = instanceOf(tool.schema);
  return { name: tool.name, input: isJsonObject(input) ? input : {} };
}

/** The JSON object at the beginning of the text, optionally after a blank, a colon or a parenthesis. */
function leadingObject(text: string): JsonValue | undefined {
  const start = /^[\s:(]*(?=\{)/.exec(text)?.[0].length;
  return start === undefined ? undefined : objectAt(text, start)?.value;
}
