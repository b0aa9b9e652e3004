/** Thinking, effort and forced tool calls that Claude's provider refuses, by model. */

import type { Model } from "../model/catalog.ts";
import { isThinking, type Prompt, type Thinking } from "../model/prompt.ts";
import { EFFORTS } from "../model/capabilities.ts";
import { ModelRefusal } from "../server/exception.ts";
import { listed } from "./claude_issues.ts";

const MIN_THINKING_TOKENS = 1024;
const MIN_TOP_P = 0.95;
/** The highest effort that is allowed with thinking disabled. */
const MAX_EFFORT_WITHOUT_THINKING = "high";

/** Throws `ModelRefusal` with the provider's message. */
export function checkThinking(prompt: Prompt, model: Model): void {
  checkType(prompt.thinking, model);
  checkEffort(prompt, model);
  checkForcedCall(prompt, model);
  if (prompt.thinking.kind === "budget") checkBudget(prompt.thinking.tokens, prompt, model);
  if (prompt.thinking.kind !== "budget" && prompt.thinking.kind !== "adaptive") return;
  if (prompt.temperature !== undefined && prompt.temperature !== 1) {
    throw new ModelRefusal("`temperature` may only be set to 1 when thinking is enabled.");
  }
  if (prompt.topK !== undefined) throw new ModelRefusal("`top_k` must be unset when thinking is enabled.");
  if (prompt.topP !== undefined && prompt.topP < MIN_TOP_P) {
    throw new ModelRefusal(
      `\`top_p\` must be greater than or equal to ${MIN_TOP_P} or unset when thinking is enabled.`,
    );
  }
}

const TYPE_OF_KIND = {
  adaptive: "adaptive",
  between_tools: "between_tools",
  budget: "enabled",
  disabled: "disabled",
} as const;

function checkType({ kind }: Thinking, { thinking }: Model): void {
  if (kind === "unset") return;
  const type = TYPE_OF_KIND[kind];
  if (thinking.includes(type) || type === "disabled" && thinking.length === 0) return;
  if (thinking.length === 0) throw new ModelRefusal("thinking: Extra inputs are not permitted");
  if (type === "adaptive") throw new ModelRefusal("adaptive thinking is not supported on this model");
  throw new ModelRefusal(
    `"thinking.type.${type}" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" ` +
      "to control thinking behavior.",
  );
}

function checkEffort({ effort, thinking }: Prompt, model: Model): void {
  if (effort === undefined) return;
  if (model.efforts.length === 0) throw new ModelRefusal("This model does not support the effort parameter.");
  if (!EFFORTS.includes(effort)) {
    throw new ModelRefusal(
      `output_config.effort: Input should be ${listed(EFFORTS.map((each) => `'${each}'`))}`,
    );
  }
  if (!model.efforts.includes(effort)) {
    throw new ModelRefusal(
      `This model does not support effort level '${effort}'. Supported levels: ${
        [...model.efforts].sort().join(", ")
      }.`,
    );
  }
  const limit = EFFORTS.indexOf(MAX_EFFORT_WITHOUT_THINKING);
  const isOff = thinking.kind === "disabled" || thinking.kind === "between_tools";
  if (model.hidesThoughts && isOff && EFFORTS.indexOf(effort) > limit) {
    throw new ModelRefusal(
      `output_config.effort '${effort}' is not supported when thinking is disabled on this model. Use effort ` +
        `'${MAX_EFFORT_WITHOUT_THINKING}' or below, or enable thinking.`,
    );
  }
}

function checkForcedCall(prompt: Prompt, model: Model): void {
  const { kind } = prompt.toolChoice;
  if (kind !== "any" && kind !== "tool") return;
  if (!model.toolChoice.includes(kind)) {
    throw new ModelRefusal('tool_choice: type "tool" and "any" are not supported for this model.');
  }
  if (isThinking(prompt, model) && !model.forcedWithThinking) {
    throw new ModelRefusal("Thinking may not be enabled when tool_choice forces tool use.");
  }
}

function checkBudget(tokens: number, { maxTokens }: Prompt, model: Model): void {
  if (tokens < MIN_THINKING_TOKENS) {
    throw new ModelRefusal(
      `thinking.enabled.budget_tokens: Input should be greater than or equal to ${MIN_THINKING_TOKENS}`,
    );
  }
  if (tokens >= (maxTokens ?? model.maxOutputTokens)) {
    throw new ModelRefusal(
      "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at " +
        "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
    );
  }
}
