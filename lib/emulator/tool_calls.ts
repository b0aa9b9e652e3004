/** Which tools the emulated model calls, and with what. */

import { isJsonObject, type JsonValue } from "../base/json.ts";
import { lastUserParts, lastUserText, type Prompt, type Tool } from "./prompt.ts";
import { instanceOf } from "./schema_instance.ts";

export interface ToolCall {
  readonly name: string;
  readonly input: JsonValue;
}

/**
 * The calls that the prompt asks for. With the choice left to the model, each mention of a tool's name in the user's
 * last message is one call; a JSON object right behind the name is its input, otherwise the tool's schema makes one.
 */
export function decideToolCalls(prompt: Prompt): readonly ToolCall[] {
  const tools = prompt.tools.filter((tool) => tool.kind === "tool");
  const calls = chooseCalls(prompt, tools);
  return prompt.parallelTools ? calls : calls.slice(0, 1);
}

function chooseCalls(prompt: Prompt, tools: readonly Tool[]): readonly ToolCall[] {
  const { toolChoice } = prompt;
  const mentioned = lastUserParts(prompt).some(({ kind }) => kind === "tool_result")
    ? []
    : mentionsOf(tools, lastUserText(prompt));
  switch (toolChoice.kind) {
    case "none":
      return [];
    case "auto":
      return mentioned;
    case "any":
      return mentioned.length > 0 ? mentioned : tools.slice(0, 1).map(defaultCall);
    case "tool": {
      const { name } = toolChoice;
      const named = mentioned.filter((call) => call.name === name);
      return named.length > 0 ? named : tools.filter((tool) => tool.name === name).map(defaultCall);
    }
  }
}

function mentionsOf(tools: readonly Tool[], text: string): ToolCall[] {
  return tools
    .flatMap((tool) => {
      const mention = new RegExp(`(?<![\\w-])${tool.name}(?![\\w-])`, "g");
      return [...text.matchAll(mention)].map(({ index }) => ({ tool, index }));
    })
    .sort((one, other) => one.index - other.index)
    .map(({ tool, index }) => {
      const input = leadingObject(text.slice(index + tool.name.length));
      return input === undefined ? defaultCall(tool) : { name: tool.name, input };
    });
}

function defaultCall(tool: Tool): ToolCall {
  const input = instanceOf(tool.schema);
  return { name: tool.name, input: isJsonObject(input) ? input : {} };
}

/** The JSON object that the text begins with, perhaps behind a blank, a colon or a parenthesis. */
function leadingObject(text: string): JsonValue | undefined {
  const start = /^[\s:(]*(?=\{)/.exec(text)?.[0].length;
  if (start === undefined) return undefined;
  for (let end = text.indexOf("}", start); end !== -1; end = text.indexOf("}", end + 1)) {
    try {
      const value: JsonValue = JSON.parse(text.slice(start, end + 1));
      return value;
    } catch {
      // A brace inside the object; the next one may close it.
    }
  }
  return undefined;
}
