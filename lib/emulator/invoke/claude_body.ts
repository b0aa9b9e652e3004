/** Claude's own body in InvokeModel: validation, and conversion to the model's prompt. */

import { z } from "zod";
import type { JsonValue } from "../../base/json.ts";
import type { Model } from "../model/catalog.ts";
import {
  type CachePoint,
  cachePoint,
  type Guardrail,
  type Part,
  type Prompt,
  type Tool,
  type ToolChoice,
} from "../model/prompt.ts";
import { ModelRefusal } from "../server/exception.ts";
import { checkFlaggedFields, checkFlags, isOpened } from "./claude_flags.ts";
import { describeIssues, wrongTag } from "./claude_issues.ts";
import { checkMedia } from "./claude_media.ts";
import { cacheControl, outputConfigShape, thinkingShape, toolChoiceShape } from "./claude_shapes.ts";
import { type ClaudeTool, parseClaudeTools } from "./claude_tools.ts";

const cached = { cache_control: cacheControl };
const id = z.string().regex(/^[a-zA-Z0-9_-]+$/);
const loose = z.looseObject({});
const source = z.looseObject({
  type: z.string(),
  media_type: z.string().optional(),
  data: z.string().optional(),
});

const text = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  citations: z.array(loose).nullish(),
  ...cached,
});
const image = z.strictObject({ type: z.literal("image"), source, ...cached });
const document = z.strictObject({
  type: z.literal("document"),
  source,
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations: loose.nullish(),
  ...cached,
});
const searchResult = z.strictObject({
  type: z.literal("search_result"),
  source: z.string(),
  title: z.string(),
  content: z.array(text),
  citations: loose.nullish(),
  ...cached,
});

/** A tool found by tool search. */
const toolReference = z.strictObject({
  type: z.literal("tool_reference"),
  tool_name: z.string(),
  ...cached,
});

const block = z.discriminatedUnion("type", [
  text,
  image,
  document,
  searchResult,
  z.strictObject({
    type: z.literal("tool_use"),
    id,
    name: z.string(),
    input: z.json(),
    caller: loose.optional(),
    ...cached,
  }),
  z.strictObject({
    type: z.literal("tool_result"),
    tool_use_id: id,
    content: z.union([
      z.string(),
      z.array(z.discriminatedUnion("type", [text, image, document, searchResult, toolReference])),
    ]).optional(),
    is_error: z.boolean().optional(),
    ...cached,
  }),
  z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
]);

/** Bedrock's own version, and the one that Anthropic's client for Bedrock (1.1.2) puts into its bodies. */
const VERSIONS = ["bedrock-2023-05-31", "2026-10-21"];

const claudeBody = z.strictObject({
  anthropic_version: z.literal(VERSIONS),
  anthropic_beta: z.array(z.string()).optional(),
  max_tokens: z.int().min(1),
  messages: z.array(z.strictObject({
    role: z.enum(["user", "assistant", "system"]),
    content: z.union([z.string(), z.array(block)]),
  })).min(1),
  system: z.union([z.string(), z.array(text)]).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  stop_sequences: z.array(z.string().min(1)).optional(),
  tools: z.array(z.json()).optional(),
  tool_choice: toolChoiceShape.optional(),
  thinking: thinkingShape.optional(),
  output_config: outputConfigShape.optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  context_management: loose.optional(),
  mcp_servers: z.array(loose).optional(),
  "amazon-bedrock-guardrailConfig": loose.optional(),
});

type ClaudeBody = z.infer<typeof claudeBody>;
type ClaudeBlock = z.infer<typeof block>;

/** The body with parsed tools. */
type ReadBody = Omit<ClaudeBody, "tools"> & { readonly tools: readonly ClaudeTool[] };

export interface ClaudeBodyOptions {
  readonly model: Model;
  readonly guardrail: Guardrail | undefined;
}

/** The prompt of an InvokeModel body; throws `ModelRefusal` in the words of Anthropic's API. */
export function parseClaudeBody(
  body: JsonValue | undefined,
  { model, guardrail }: ClaudeBodyOptions,
): Prompt {
  const result = claudeBody.safeParse(body, { reportInput: true });
  if (!result.success) throw new ModelRefusal(describeIssues(result.error.issues, body));
  const flags = result.data.anthropic_beta ?? [];
  checkFlags(flags);
  checkFlaggedFields(result.data, flags);
  const read = { ...result.data, tools: parseClaudeTools(result.data.tools ?? [], { flags, model }) };
  checkToolChoice(read);
  checkTurns(read);
  checkSources(read);
  return toPrompt(read, guardrail);
}

function checkToolChoice({ tools, tool_choice: choice }: ReadBody): void {
  if (choice === undefined) return;
  if (tools.length === 0) {
    throw new ModelRefusal("tool_choice: tool_choice may only be specified while providing tools");
  }
  if (choice.type === "tool" && !tools.some(({ name }) => name === choice.name)) {
    throw new ModelRefusal(`Tool '${choice.name}' not found in provided tools`);
  }
}

function checkSources({ messages, anthropic_beta: flags = [] }: ReadBody): void {
  messages.forEach(({ content }, turn) => {
    blocksOf(content).forEach((block, at) =>
      checkBlockSources(block, `messages.${turn}.content.${at}`, flags)
    );
  });
}

/** Block types in a tool result that require no flag. */
const RESULT_TYPES = ["document", "image", "search_result", "text"];

function checkBlockSources(
  block: ClaudeBlock | z.infer<typeof toolReference>,
  path: string,
  flags: readonly string[],
): void {
  if (block.type === "image" || block.type === "document") {
    checkMedia[block.type](block.source, `${path}.${block.type}.source`);
  } else if (block.type === "tool_reference" && !isOpened(flags, ["tool-search-tool-"])) {
    throw new ModelRefusal(wrongTag(block.type, path, RESULT_TYPES));
  } else if (block.type === "tool_result" && Array.isArray(block.content)) {
    block.content.forEach((inner, at) =>
      checkBlockSources(inner, `${path}.tool_result.content.${at}`, flags)
    );
  }
}

function blocksOf(content: string | readonly ClaudeBlock[]): readonly ClaudeBlock[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function checkTurns({ messages: all, system }: ReadBody): void {
  if (blocksOf(system ?? []).some((block) => block.type === "text" && block.text === "")) {
    throw new ModelRefusal("system: text content blocks must be non-empty");
  }
  const messages = all.map((message, at) => ({ ...message, at })).filter(({ role }) => role !== "system");
  if (messages[0]?.role === "assistant") {
    throw new ModelRefusal('messages: first message must use the "user" role');
  }
  messages.forEach(({ role, content, at }, index) => {
    const blocks = blocksOf(content);
    if (blocks.some((block) => block.type === "text" && block.text === "")) {
      throw new ModelRefusal("messages: text content blocks must be non-empty");
    }
    if (blocks.some((block) => block.type === "text" && block.text.trim() === "")) {
      throw new ModelRefusal("messages: text content blocks must contain non-whitespace text");
    }
    if (blocks.length === 0 && (role === "user" || index < messages.length - 1)) {
      throw new ModelRefusal(`messages.${at}: all messages must have non-empty content`);
    }
    const called = blocksOf(messages[index - 1]?.content ?? []).flatMap((block) =>
      block.type === "tool_use" ? block.id : []
    );
    const answered = blocks.flatMap((block) => (block.type === "tool_result" ? block.tool_use_id : []));
    const stray = answered.find((id) => !called.includes(id));
    if (stray !== undefined) {
      throw new ModelRefusal(
        `messages.${at}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each ` +
          "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
      );
    }
    const twice = answered.find((id, place) => answered.indexOf(id) !== place);
    if (twice !== undefined) {
      throw new ModelRefusal(
        `messages.${at}.content: each tool_use must have a single result. Found multiple \`tool_result\` blocks with ` +
          `id: ${twice}`,
      );
    }
    const open = called.filter((id) => !answered.includes(id));
    if (open.length > 0) {
      throw new ModelRefusal(
        `messages.${
          messages[index - 1]?.at
        }: \`tool_use\` ids were found without \`tool_result\` blocks immediately ` +
          `after: ${
            open.join(", ")
          }. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the ` +
          "next message.",
      );
    }
  });
}

function toPrompt(body: ReadBody, guardrail: Guardrail | undefined): Prompt {
  const choice = body.tool_choice;
  return {
    tools: body.tools.flatMap(toTool),
    system: blocksOf(body.system ?? []).flatMap(toParts),
    turns: body.messages.map(({ role, content }) => ({ role, parts: blocksOf(content).flatMap(toParts) })),
    toolChoice: toToolChoice(choice),
    parallelTools: !(choice !== undefined && choice.type !== "none" && choice.disable_parallel_tool_use),
    maxTokens: body.max_tokens,
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    stopSequences: body.stop_sequences ?? [],
    thinking: body.thinking ?? { kind: "unset" },
    effort: body.output_config?.effort ?? undefined,
    outputSchema: body.output_config?.format?.schema,
    jsonObject: false,
    betaFlags: body.anthropic_beta ?? [],
    guardrail,
  };
}

function toToolChoice(choice: ClaudeBody["tool_choice"]): ToolChoice {
  if (choice?.type === "tool") return { kind: "tool", name: choice.name };
  return { kind: choice?.type ?? "auto" };
}

function cachePoints(control: z.infer<typeof cacheControl>): CachePoint[] {
  return control ? [cachePoint(control.ttl)] : [];
}

function toTool({ cacheControl: control, ...tool }: ClaudeTool): (CachePoint | Tool)[] {
  return [{ kind: "tool", ...tool }, ...cachePoints(control)];
}

function toParts(block: ClaudeBlock): Part[] {
  switch (block.type) {
    case "text":
      return [{ kind: "text", text: block.text }, ...cachePoints(block.cache_control)];
    case "image":
    case "document":
      return [
        { kind: "media", media: block.type, bytes: (block.source.data?.length ?? 0) * 3 / 4 },
        ...cachePoints(block.cache_control),
      ];
    case "search_result":
      return [...block.content.flatMap(toParts), ...cachePoints(block.cache_control)];
    case "tool_use":
      return [
        { kind: "tool_use", id: block.id, name: block.name, input: block.input },
        ...cachePoints(block.cache_control),
      ];
    case "tool_result":
      return [
        { kind: "tool_result", id: block.tool_use_id, text: resultText(block.content) },
        ...cachePoints(block.cache_control),
      ];
    case "thinking":
      return [{ kind: "reasoning", text: block.thinking, signature: block.signature }];
    case "redacted_thinking":
      return [{ kind: "redacted", data: block.data }];
  }
}

function resultText(content: Extract<ClaudeBlock, { type: "tool_result" }>["content"]): string {
  if (content === undefined || typeof content === "string") return content ?? "";
  return content.map((item) => {
    if (item.type === "text") return item.text;
    return item.type === "tool_reference" ? item.tool_name : item.type;
  }).join(" ");
}
