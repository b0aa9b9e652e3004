/** Claude's own body in InvokeModel: validation, and conversion to the model's prompt. */

import { z } from "zod";
import { checkMedia } from "./claude_media.ts";
import { ModelRefusal } from "../server/exception.ts";
import type { CachePoint, Guardrail, Part, Prompt, Thinking, Tool, ToolChoice } from "../model/prompt.ts";

const cacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() })
  .nullish();
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
      z.array(z.discriminatedUnion("type", [text, image, document, searchResult])),
    ]).optional(),
    is_error: z.boolean().optional(),
    ...cached,
  }),
  z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
]);

const tool = z.looseObject({
  type: z.string().optional(),
  name: z.string().min(1).max(128).regex(/^[a-zA-Z0-9_-]+$/),
  description: z.string().optional(),
  input_schema: z.json().optional(),
  ...cached,
});

const parallel = { disable_parallel_tool_use: z.boolean().optional() };

/** Settings of Claude's thinking, in its own body and in Converse's additional fields. */
export const thinkingShape = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("disabled") }),
  z.strictObject({ type: z.literal("adaptive"), display: z.string().optional() }),
  z.strictObject({ type: z.literal("enabled"), budget_tokens: z.int(), display: z.string().optional() }),
]).transform((value): Thinking => {
  switch (value.type) {
    case "disabled":
      return { kind: "off" };
    case "adaptive":
      return { kind: "adaptive" };
    case "enabled":
      return { kind: "budget", tokens: value.budget_tokens };
  }
});

/** Bedrock's own version, and the one that Anthropic's client for Bedrock (1.1.2) puts into its bodies. */
const VERSIONS = ["bedrock-2023-05-31", "2026-10-21"];

const claudeBody = z.strictObject({
  anthropic_version: z.literal(VERSIONS),
  anthropic_beta: z.array(z.string()).optional(),
  max_tokens: z.int().min(1),
  messages: z.array(z.strictObject({
    role: z.enum(["user", "assistant"]),
    content: z.union([z.string(), z.array(block)]),
  })).min(1),
  system: z.union([z.string(), z.array(text)]).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  stop_sequences: z.array(z.string().min(1)).optional(),
  tools: z.array(tool).optional(),
  tool_choice: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("auto"), ...parallel }),
    z.strictObject({ type: z.literal("any"), ...parallel }),
    z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
    z.strictObject({ type: z.literal("none") }),
  ]).optional(),
  thinking: thinkingShape.optional(),
  output_config: z.strictObject({
    effort: z.string().optional(),
    format: z.strictObject({ type: z.literal("json_schema"), schema: z.json() }).optional(),
  }).optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  context_management: loose.optional(),
  mcp_servers: z.array(loose).optional(),
  "amazon-bedrock-guardrailConfig": loose.optional(),
});

type ClaudeBody = z.infer<typeof claudeBody>;
type ClaudeBlock = z.infer<typeof block>;

/** The prompt of an InvokeModel body; throws `ModelRefusal` in the words of Anthropic's API. */
export function parseClaudeBody(body: unknown, guardrail: Guardrail | undefined): Prompt {
  const result = claudeBody.safeParse(body, { reportInput: true });
  if (!result.success) throw new ModelRefusal(describe(result.error.issues));
  checkFlaggedFields(result.data);
  checkTurns(result.data);
  checkSources(result.data);
  return toPrompt(result.data, guardrail);
}

/** Fields that require a beta flag, with prefixes of the flags. */
const FLAGGED_FIELDS = {
  context_management: ["context-management-", "compact-"],
  mcp_servers: ["mcp-client-"],
} as const satisfies Partial<Record<keyof ClaudeBody, readonly string[]>>;

function checkFlaggedFields(body: ClaudeBody): void {
  const opened = (starts: readonly string[]) =>
    (body.anthropic_beta ?? []).some((flag) => starts.some((start) => flag.startsWith(start)));
  for (const name of Object.keys(FLAGGED_FIELDS) as (keyof typeof FLAGGED_FIELDS)[]) {
    if (body[name] !== undefined && !opened(FLAGGED_FIELDS[name])) {
      throw new ModelRefusal(`${name}: Extra inputs are not permitted`);
    }
  }
}

function checkSources({ messages }: ClaudeBody): void {
  messages.forEach(({ content }, turn) => {
    blocksOf(content).forEach((block, at) => checkBlockSources(block, `messages.${turn}.content.${at}`));
  });
}

function checkBlockSources(block: ClaudeBlock, path: string): void {
  if (block.type === "image" || block.type === "document") {
    checkMedia[block.type](block.source, `${path}.${block.type}.source`);
  } else if (block.type === "tool_result" && Array.isArray(block.content)) {
    block.content.forEach((inner, at) => checkBlockSources(inner, `${path}.tool_result.content.${at}`));
  }
}

function describe(issues: readonly z.core.$ZodIssue[]): string {
  const [issue] = issues;
  if (issue === undefined) return "invalid body";
  const path = (...more: string[]) => [...issue.path.map(String), ...more].join(".");
  switch (issue.code) {
    case "unrecognized_keys":
      return `${path(issue.keys[0] ?? "")}: Extra inputs are not permitted`;
    case "invalid_type":
      if (issue.input === undefined) return `${path()}: Field required`;
      return `${path()}: Input should be a valid ${issue.expected === "int" ? "integer" : issue.expected}`;
    case "too_small":
      return `${path()}: Input should be greater than or equal to ${issue.minimum}`;
    case "too_big":
      return `${path()}: Input should be less than or equal to ${issue.maximum}`;
    case "invalid_value":
      if (issue.input === undefined) return `${path()}: Field required`;
      return `${path()}: Input should be ${issue.values.map((value) => `'${String(value)}'`).join(" or ")}`;
    case "invalid_union": {
      // For a union of plain alternatives, the most deeply nested issue is the most helpful.
      const inner = issue.errors.flat().sort((one, other) => other.path.length - one.path.length)[0];
      if (inner !== undefined) return describe([{ ...inner, path: [...issue.path, ...inner.path] }]);
      return `${path()}: Input tag does not match any of the expected tags`;
    }
    default:
      return `${path()}: ${issue.message}`;
  }
}

function blocksOf(content: string | readonly ClaudeBlock[]): readonly ClaudeBlock[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function checkTurns({ messages }: ClaudeBody): void {
  if (messages[0]?.role !== "user") {
    throw new ModelRefusal('messages: first message must use the "user" role');
  }
  messages.forEach(({ role, content }, index) => {
    const blocks = blocksOf(content);
    if (blocks.some((block) => block.type === "text" && block.text === "")) {
      throw new ModelRefusal("messages: text content blocks must be non-empty");
    }
    if (blocks.length === 0 && (role === "user" || index < messages.length - 1)) {
      throw new ModelRefusal(`messages.${index}: all messages must have non-empty content`);
    }
    const called = blocksOf(messages[index - 1]?.content ?? []).flatMap((block) =>
      block.type === "tool_use" ? block.id : []
    );
    const answered = blocks.flatMap((block) => (block.type === "tool_result" ? block.tool_use_id : []));
    const stray = answered.find((id) => !called.includes(id));
    if (stray !== undefined) {
      throw new ModelRefusal(
        `messages.${index}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each ` +
          "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
      );
    }
    const open = called.filter((id) => !answered.includes(id));
    if (open.length > 0) {
      throw new ModelRefusal(
        `messages.${
          index - 1
        }: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
          `${
            open.join(", ")
          }. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      );
    }
  });
}

function toPrompt(body: ClaudeBody, guardrail: Guardrail | undefined): Prompt {
  const choice = body.tool_choice;
  return {
    tools: (body.tools ?? []).flatMap(toTool),
    system: blocksOf(body.system ?? []).flatMap(toParts),
    turns: body.messages.map(({ role, content }) => ({ role, parts: blocksOf(content).flatMap(toParts) })),
    toolChoice: toToolChoice(choice),
    parallelTools: !(choice !== undefined && choice.type !== "none" && choice.disable_parallel_tool_use),
    maxTokens: body.max_tokens,
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    stopSequences: body.stop_sequences ?? [],
    thinking: body.thinking ?? { kind: "off" },
    outputSchema: body.output_config?.format?.schema,
    betaFlags: body.anthropic_beta ?? [],
    guardrail,
  };
}

function toToolChoice(choice: ClaudeBody["tool_choice"]): ToolChoice {
  if (choice?.type === "tool") return { kind: "tool", name: choice.name };
  return { kind: choice?.type ?? "auto" };
}

function cachePoints(control: z.infer<typeof cacheControl>): CachePoint[] {
  return control ? [{ kind: "cache_point", ttl: control.ttl ?? "5m" }] : [];
}

function toTool(
  { name, description = "", input_schema: schema = {}, cache_control }: z.infer<typeof tool>,
): (CachePoint | Tool)[] {
  return [{ kind: "tool", name, description, schema }, ...cachePoints(cache_control)];
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
  return content.map((item) => (item.type === "text" ? item.text : item.type)).join(" ");
}
