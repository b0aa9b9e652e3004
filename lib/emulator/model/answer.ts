/** The emulated model: its response to a prompt, which is always the same. */

import { createHash } from "node:crypto";
import type { JsonValue } from "../../base/json.ts";
import type { CacheAccount, PromptCache } from "./cache.ts";
import { type Intervention, interventionFor } from "../guardrail/guardrail.ts";
import type { Model } from "./catalog.ts";
import {
  isThinking,
  lastRequestText,
  lastUserParts,
  lastUserText,
  type Part,
  type Prompt,
  segmentsOf,
  type Thinking,
} from "./prompt.ts";
import type { ReasoningSeal } from "./reasoning.ts";
import { objectFor } from "./json_object.ts";
import { instanceOf } from "./schema_instance.ts";
import { countTokens, tokenize } from "./tokens.ts";
import { decideToolCalls } from "./tool_calls.ts";

export type AnswerBlock =
  | { readonly kind: "reasoning"; readonly text: string; readonly signature: string | undefined }
  | { readonly kind: "redacted"; readonly data: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tool_use"; readonly key: string; readonly name: string; readonly input: JsonValue };

export type StopReason = "end_turn" | "guardrail_intervened" | "max_tokens" | "stop_sequence" | "tool_use";

export interface Answer {
  readonly blocks: readonly AnswerBlock[];
  readonly stopReason: StopReason;
  /** The stop sequence that ended the text. */
  readonly stopSequence: string | undefined;
  readonly account: CacheAccount;
  readonly outputTokens: number;
  readonly intervention: Intervention | undefined;
  /** 24 characters derived from the prompt, used in ids. */
  readonly key: string;
}

export interface ModelState {
  readonly cache: PromptCache;
  readonly seal: ReasoningSeal;
}

/** Anthropic's documented string that makes Claude return redacted reasoning. */
const REDACTION_TRIGGER = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";
/** Precedes a text that the response repeats exactly. */
const REPLY_WITH = /reply with:\s*([^]*)/i;
const MAX_QUOTE_CHARS = 400;

/** The response of the model, or of a guardrail instead, with its token counts; updates the prompt cache. */
export function answerPrompt(prompt: Prompt, model: Model, { cache, seal }: ModelState): Answer {
  const segments = segmentsOf(prompt);
  const account = cache.account(model.id, segments, model.cacheMinTokens ?? Infinity);
  const key = keyOf(JSON.stringify([model.id, segments, prompt.toolChoice]));
  const intervention = interventionFor(prompt);
  if (intervention !== undefined) {
    const blocks: AnswerBlock[] = [{ kind: "text", text: intervention.text }];
    const shown = { blocks, stopReason: "guardrail_intervened", stopSequence: undefined } as const;
    return { ...shown, account, outputTokens: 0, intervention, key };
  }
  const whole = [...reasoningOf(prompt, model, seal), ...contentOf(prompt, model, key)];
  return { ...limit(whole, prompt, model), account, intervention, key };
}

function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("base64").replace(/[^A-Za-z0-9]/g, "").slice(0, 24).padEnd(
    24,
    "0",
  );
}

function reasoningOf(prompt: Prompt, model: Model, seal: ReasoningSeal): AnswerBlock[] {
  const reasons = model.reasoning === "always" || model.reasoning !== "none" && isThinking(prompt, model);
  if (!reasons) return [];
  const text = `The user wrote ${
    countTokens(lastUserText(prompt))
  } tokens. I will answer them in one sentence.`;
  if (model.reasoningHistory === "redacted") return [{ kind: "redacted", data: seal.redact(text) }];
  if (model.reasoning !== "claude") return [{ kind: "reasoning", text, signature: undefined }];
  if (lastUserText(prompt).includes(REDACTION_TRIGGER)) {
    return [{ kind: "redacted", data: seal.redact(text) }];
  }
  // Hidden reasoning is signed as well.
  const shown = isShown(prompt.thinking, model) ? text : "";
  return [{ kind: "reasoning", text: shown, signature: seal.sign(shown) }];
}

function isShown(thinking: Thinking, { hidesThoughts }: Model): boolean {
  const display = "display" in thinking ? thinking.display : undefined;
  return (display ?? (hidesThoughts ? "omitted" : "summarized")) === "summarized";
}

function contentOf(prompt: Prompt, model: Model, key: string): AnswerBlock[] {
  const calls = decideToolCalls(prompt);
  if (calls.length > 0) {
    const names = calls.map(({ name }) => name).join(" and ");
    // A model that is forced to call a tool sends no text first.
    const preface: AnswerBlock[] = prompt.toolChoice.kind === "auto"
      ? [{ kind: "text", text: `I will call ${names}.` }]
      : [];
    return [
      ...preface,
      ...calls.map(({ name, input }, index): AnswerBlock => ({
        kind: "tool_use",
        key: keyOf(`${key}:${index}`),
        name,
        input,
      })),
    ];
  }
  if (prompt.outputSchema !== undefined) {
    return [{ kind: "text", text: JSON.stringify(instanceOf(prompt.outputSchema)) }];
  }
  if (prompt.jsonObject) return [{ kind: "text", text: JSON.stringify(objectFor(prompt)) }];
  return [{ kind: "text", text: sentence(prompt, model) }];
}

function sentence(prompt: Prompt, model: Model): string {
  const exactly = REPLY_WITH.exec(lastRequestText(prompt))?.[1];
  if (exactly) return exactly;
  const parts = lastUserParts(prompt);
  const results = parts.flatMap((
    part,
  ) => (part.kind === "tool_result" ? [`${toolName(prompt, part.id)}: ${part.text}`] : []));
  if (results.length > 0) return `Here is what the tools returned. ${results.join("; ")}`;
  const media = parts.flatMap((part) => (part.kind === "media" ? [part.media] : []));
  const seen = media.length === 0 ? "" : ` and sent ${media.map((kind) => `one ${kind}`).join(", ")}`;
  return `You said: "${
    quote(lastRequestText(prompt))
  }"${seen}. I am the built-in emulator in the place of ${model.name}: ` +
    "I repeat what I am told, count every token and charge nothing.";
}

function quote(text: string): string {
  return text.length > MAX_QUOTE_CHARS ? `${text.slice(0, MAX_QUOTE_CHARS)}…` : text;
}

function toolName(prompt: Prompt, id: string): string {
  const isCall = (part: Part) => part.kind === "tool_use" && part.id === id;
  const call = prompt.turns.flatMap(({ parts }) => parts).findLast(isCall);
  return call?.kind === "tool_use" ? call.name : id;
}

type Limited = Pick<Answer, "blocks" | "outputTokens" | "stopReason" | "stopSequence">;

/** Truncates the response at a stop sequence or the token limit. */
function limit(whole: readonly AnswerBlock[], prompt: Prompt, model: Model): Limited {
  const maxTokens = prompt.maxTokens ?? model.maxOutputTokens;
  const blocks: AnswerBlock[] = [];
  let outputTokens = 0;
  for (const block of whole) {
    const stop = block.kind === "text" ? firstStop(block.text, prompt.stopSequences) : undefined;
    const allowed = block.kind === "text" && stop
      ? { ...block, text: block.text.slice(0, stop.index) }
      : block;
    const tokens = tokensOf(allowed);
    if (outputTokens + tokens > maxTokens) {
      const left = maxTokens - outputTokens;
      if (allowed.kind === "text" || allowed.kind === "reasoning") {
        blocks.push({ ...allowed, text: tokenize(allowed.text).slice(0, left).join("") });
      }
      return { blocks, outputTokens: maxTokens, stopReason: "max_tokens", stopSequence: undefined };
    }
    outputTokens += tokens;
    blocks.push(allowed);
    if (stop !== undefined) {
      return { blocks, outputTokens, stopReason: "stop_sequence", stopSequence: stop.sequence };
    }
  }
  const stopReason = whole.some(({ kind }) => kind === "tool_use") ? "tool_use" : "end_turn";
  return { blocks, outputTokens, stopReason, stopSequence: undefined };
}

function firstStop(
  text: string,
  sequences: readonly string[],
): { readonly index: number; readonly sequence: string } | undefined {
  return sequences
    .map((sequence) => ({ sequence, index: text.indexOf(sequence) }))
    .filter(({ index }) => index !== -1)
    .sort((one, other) => one.index - other.index)[0];
}

function tokensOf(block: AnswerBlock): number {
  switch (block.kind) {
    case "reasoning":
    case "text":
      return countTokens(block.text);
    case "redacted":
      return countTokens(block.data);
    case "tool_use":
      return countTokens(block.name) + countTokens(JSON.stringify(block.input));
  }
}
