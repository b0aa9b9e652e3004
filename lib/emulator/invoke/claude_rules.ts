/** Refusals of Claude's provider, in every operation. */

import type { Model } from "../model/catalog.ts";
import { countPromptTokens, type Part, type Prompt, type Turn } from "../model/prompt.ts";
import type { ReasoningSeal } from "../model/reasoning.ts";
import { ModelRefusal } from "../server/exception.ts";
import { bareName } from "./claude_answer.ts";
import { checkCachePoints } from "./claude_cache.ts";
import { checkFlags } from "./claude_flags.ts";
import { checkClaudeSchemas } from "./claude_schema.ts";
import { checkThinking } from "./claude_thinking.ts";

/** The token limit of a prompt, and the limit with the long context flag. */
const CONTEXT_TOKENS = 200_000;
const LONG_CONTEXT_TOKENS = 1_000_000;
const LONG_CONTEXT_FLAG = "context-1m-2025-08-07";

/** Output limit of Claude 3.7 with the flag for long responses. */
const LONG_ANSWER_TOKENS = 128_000;
const LONG_ANSWER_FLAG = "output-128k-2025-02-19";

export interface ClaudeContext {
  readonly model: Model;
  readonly seal: ReasoningSeal;
  /** Whether the operation is InvokeModel. */
  readonly isInvoke: boolean;
}

/** Throws `ModelRefusal` with the provider's message. */
export function checkClaudePrompt(prompt: Prompt, { model, seal, isInvoke }: ClaudeContext): void {
  checkFlags(prompt.betaFlags);
  checkSystemTurns(prompt.turns, { model, isInvoke });
  checkMaxTokens(prompt, model);
  checkClaudeSchemas(prompt, model);
  checkSampling(prompt, model);
  if (model.stopSequences === "visible" && prompt.stopSequences.some((sequence) => sequence.trim() === "")) {
    throw new ModelRefusal("stop_sequences: each stop sequence must contain non-whitespace");
  }
  checkThinking(prompt, model);
  checkCallIds(prompt.turns);
  checkReasoning(prompt.turns, seal);
  checkToolLoop(prompt);
  checkCachePoints(prompt, model);
  checkEnd(prompt.turns, model);
  checkLength(prompt);
}

/** A system message must follow a user message, and be last or precede an assistant message. */
function checkSystemTurns(
  turns: readonly Turn[],
  { model, isInvoke }: Pick<ClaudeContext, "model" | "isInvoke">,
): void {
  turns.forEach(({ role, parts }, at) => {
    if (role !== "system") return;
    if (!(model.system === "invoke" && isInvoke)) {
      throw new ModelRefusal(
        model.hidesThoughts
          ? "role 'system' is not supported on this model"
          : 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" ' +
            "as an input message role.",
      );
    }
    if (at === 0) {
      throw new ModelRefusal(
        "messages.0: use the top-level 'system' parameter for the initial system prompt; the directive-only form " +
          "(content: [] with output_config) is accepted at any position",
      );
    }
    if (turns[at - 1]?.role !== "user") {
      throw new ModelRefusal(`messages.${at}: a 'system' message must follow a 'user' message`);
    }
    if ((turns[at + 1]?.role ?? "assistant") !== "assistant") {
      throw new ModelRefusal(
        `messages.${at}: a 'system' message must be the last message or be followed by an 'assistant' message`,
      );
    }
    if (parts.some(({ kind }) => kind !== "text" && kind !== "cache_point")) {
      throw new ModelRefusal(`messages.${at}.content: a 'system' message may only contain text`);
    }
  });
}

function checkMaxTokens({ maxTokens = 1, betaFlags }: Prompt, { id, maxOutputTokens }: Model): void {
  const limit = betaFlags.includes(LONG_ANSWER_FLAG) && id.includes("3-7-sonnet")
    ? LONG_ANSWER_TOKENS
    : maxOutputTokens;
  if (maxTokens > limit) {
    throw new ModelRefusal(
      `max_tokens: ${maxTokens} > ${limit}, which is the maximum allowed number of output tokens for ` +
        bareName(id),
    );
  }
}

/** Tool call ids must be unique in the whole conversation. */
function checkCallIds(turns: readonly Turn[]): void {
  const ids = new Set<string>();
  turns.forEach(({ parts }, turn) =>
    parts.filter(({ kind }) => kind !== "cache_point").forEach((part, at) => {
      if (part.kind !== "tool_use") return;
      if (ids.has(part.id)) {
        throw new ModelRefusal(`messages.${turn}.content.${at}: \`tool_use\` ids must be unique`);
      }
      ids.add(part.id);
    })
  );
}

function checkEnd(turns: readonly Turn[], model: Model): void {
  const last = turns.at(-1);
  if (last?.role !== "assistant") return;
  if (!model.prefill) {
    throw new ModelRefusal(
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  }
  const end = last.parts.at(-1);
  if (end?.kind === "text" && /\s$/.test(end.text)) {
    throw new ModelRefusal("messages: final assistant content cannot end with trailing whitespace");
  }
}

function checkSampling({ temperature, topP, topK }: Prompt, { sampling }: Model): void {
  if (sampling === "none") {
    const asked = Object.entries({ temperature, top_p: topP, top_k: topK });
    const refused = asked.find(([, value]) => value !== undefined)?.[0];
    if (refused !== undefined) throw new ModelRefusal(`\`${refused}\` is deprecated for this model.`);
  }
  if (sampling === "one" && temperature !== undefined && topP !== undefined) {
    throw new ModelRefusal(
      "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    );
  }
}

function checkLength(prompt: Prompt): void {
  const limit = prompt.betaFlags.includes(LONG_CONTEXT_FLAG) ? LONG_CONTEXT_TOKENS : CONTEXT_TOKENS;
  const tokens = countPromptTokens(prompt);
  if (tokens > limit) throw new ModelRefusal(`prompt is too long: ${tokens} tokens > ${limit} maximum`);
}

/** Reasoning must be sent back unchanged. */
function checkReasoning(turns: readonly Turn[], seal: ReasoningSeal): void {
  turns.forEach(({ parts }, turn) =>
    parts.forEach((part, at) => {
      if (part.kind === "reasoning" && !seal.isGenuine(part.text, part.signature ?? "")) {
        throw new ModelRefusal(`messages.${turn}.content.${at}: Invalid \`signature\` in \`thinking\` block`);
      }
      if (part.kind === "redacted" && !seal.isGenuineRedaction(part.data)) {
        throw new ModelRefusal(
          `messages.${turn}.content.${at}: Invalid \`data\` in \`redacted_thinking\` block`,
        );
      }
    })
  );
}

const THOUGHTS: ReadonlySet<Part["kind"]> = new Set(["reasoning", "redacted"]);

/** With a thinking budget, the assistant message whose tools have just run must begin with thinking. */
function checkToolLoop({ thinking, turns: all }: Prompt): void {
  const turns = all.filter(({ role }) => role !== "system");
  const answered = turns.at(-1)?.parts.some(({ kind }) => kind === "tool_result") ?? false;
  const first = turns.at(-2)?.parts[0];
  if (thinking.kind !== "budget" || !answered || first === undefined || THOUGHTS.has(first.kind)) return;
  throw new ModelRefusal(
    `messages.${
      turns.length - 2
    }.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found ` +
      `\`${first.kind}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking ` +
      "block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking " +
      "blocks from previous turns. To avoid this requirement, disable `thinking`.",
  );
}
