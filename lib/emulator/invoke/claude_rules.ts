/** What Claude's provider refuses, whichever operation is used. */

import { ModelRefusal } from "../server/exception.ts";
import type { Model } from "../model/models.ts";
import { countPromptTokens, type Part, type Prompt, type Turn } from "../model/prompt.ts";
import type { ReasoningSeal } from "../model/reasoning.ts";

/** The beta flags that Bedrock passes on; any other makes it refuse the request. */
const BETA_FLAGS: ReadonlySet<string> = new Set([
  "compact-2026-01-12",
  "computer-use-2024-10-22",
  "computer-use-2025-01-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "dev-full-thinking-2025-05-14",
  "effort-2025-11-24",
  "fine-grained-tool-streaming-2025-05-14",
  "interleaved-thinking-2025-05-14",
  "mcp-client-2025-04-04",
  "mcp-client-2025-11-20",
  "model-context-window-exceeded-2025-08-26",
  "output-128k-2025-02-19",
  "pdfs-2024-09-25",
  "search-results-2025-06-09",
  "structured-outputs-2025-11-13",
  "token-counting-2024-11-01",
  "token-efficient-tools-2025-02-19",
  "tool-search-tool-2025-10-19",
  "web-search-2025-03-05",
]);

/** The token limit of a prompt, and the limit with the long context flag. */
const CONTEXT_TOKENS = 200_000;
const LONG_CONTEXT_TOKENS = 1_000_000;
const LONG_CONTEXT_FLAG = "context-1m-2025-08-07";

const MIN_THINKING_TOKENS = 1024;
const MAX_CACHE_POINTS = 4;

/** Throws `ModelRefusal` with the provider's message. */
export function checkClaudePrompt(prompt: Prompt, model: Model, seal: ReasoningSeal): void {
  if (prompt.betaFlags.some((flag) => !BETA_FLAGS.has(flag))) throw new ModelRefusal("invalid beta flag");
  checkSampling(prompt, model);
  checkThinking(prompt, model);
  checkReasoning(prompt.turns, seal);
  checkToolLoop(prompt);
  checkCachePoints(prompt);
  const last = prompt.turns.at(-1);
  const end = last?.parts.at(-1);
  if (last?.role === "assistant" && end?.kind === "text" && /\s$/.test(end.text)) {
    throw new ModelRefusal("messages: final assistant content cannot end with trailing whitespace");
  }
  checkLength(prompt);
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

function checkThinking(prompt: Prompt, model: Model): void {
  if (prompt.thinking.kind === "off") return;
  if (model.reasoning !== "claude") {
    throw new ModelRefusal("thinking: Extra inputs are not permitted");
  }
  if (prompt.thinking.kind === "budget") {
    const { tokens } = prompt.thinking;
    if (tokens < MIN_THINKING_TOKENS) {
      throw new ModelRefusal(
        `thinking.enabled.budget_tokens: Input should be greater than or equal to ${MIN_THINKING_TOKENS}`,
      );
    }
    if (tokens >= (prompt.maxTokens ?? model.maxOutputTokens)) {
      throw new ModelRefusal(
        "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at " +
          "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
      );
    }
  }
  if (prompt.temperature !== undefined && prompt.temperature !== 1) {
    throw new ModelRefusal("`temperature` may only be set to 1 when thinking is enabled.");
  }
  if (prompt.topK !== undefined) throw new ModelRefusal("`top_k` must be unset when thinking is enabled.");
  if (prompt.toolChoice.kind === "any" || prompt.toolChoice.kind === "tool") {
    throw new ModelRefusal("Thinking may not be enabled when tool_choice forces tool use.");
  }
}

/** Reasoning must come back exactly as it was returned. */
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
function checkToolLoop({ thinking, turns }: Prompt): void {
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

function checkCachePoints(prompt: Prompt): void {
  const all = [...prompt.tools, ...prompt.system, ...prompt.turns.flatMap(({ parts }) => parts)];
  const count = all.filter(({ kind }) => kind === "cache_point").length;
  if (count > MAX_CACHE_POINTS) {
    throw new ModelRefusal(
      `A maximum of ${MAX_CACHE_POINTS} blocks with cache_control may be provided. Found ${count}.`,
    );
  }
  prompt.turns.forEach(({ parts }, turn) =>
    parts.forEach((part, at) => {
      const before = parts[at - 1]?.kind;
      if (part.kind === "cache_point" && (before === "reasoning" || before === "redacted")) {
        throw new ModelRefusal(
          `messages.${turn}.content.${at - 1}: thinking blocks cannot have cache_control`,
        );
      }
    })
  );
}
