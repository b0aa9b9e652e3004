/** ApplyGuardrail and InvokeGuardrailChecks: the emulated guardrail without a model. */

import { z } from "zod";
import type { JsonValue } from "../../base/json.ts";
import { parseShape } from "../converse/issues.ts";
import { BLOCKED_INPUT_WORD, BLOCKED_OUTPUT_WORD } from "./guardrail.ts";
import { invalid } from "../server/exception.ts";

const content = z.strictObject({
  text: z.strictObject({
    text: z.string(),
    qualifiers: z.array(z.enum(["grounding_source", "query", "guard_content"])).optional(),
  }).optional(),
  image: z.strictObject({
    format: z.enum(["png", "jpeg"]),
    source: z.strictObject({ bytes: z.base64() }),
  }).optional(),
});

const applyRequest = z.strictObject({
  source: z.enum(["INPUT", "OUTPUT"]),
  content: z.array(content),
  outputScope: z.enum(["INTERVENTIONS", "FULL"]).optional(),
});

const ID = /^(?:[a-z0-9]+|arn:aws[^:]*:bedrock:[a-z0-9-]{1,20}:\d{12}:guardrail\/[a-z0-9]+)$/;
const VERSION = /^(?:[1-9]\d{0,7}|DRAFT)$/;

export interface GuardrailName {
  readonly id: string;
  readonly version: string;
}

/** Blocks the word for its source, with any guardrail. */
export function applyGuardrail({ id, version }: GuardrailName, body: JsonValue | undefined): object {
  if (!ID.test(id) || !VERSION.test(version)) {
    throw invalid("The guardrail identifier or version provided in the request does not exist.");
  }
  const { source, content } = parseShape(applyRequest, body ?? {});
  const word = source === "INPUT" ? BLOCKED_INPUT_WORD : BLOCKED_OUTPUT_WORD;
  const texts = content.flatMap(({ text }) => text === undefined ? [] : [text.text]);
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const blocked = texts.some((text) => text.includes(word));
  const units = textUnits(texts);
  return {
    action: blocked ? "GUARDRAIL_INTERVENED" : "NONE",
    actionReason: blocked ? "Guardrail blocked." : "No action.",
    outputs: blocked ? [{ text: "Sorry, this was blocked by the guardrail." }] : [],
    assessments: blocked
      ? [{
        wordPolicy: {
          customWords: [{ match: word, action: "BLOCKED", detected: true }],
          managedWordLists: [],
        },
      }]
      : [],
    usage: {
      topicPolicyUnits: 0,
      contentPolicyUnits: units,
      wordPolicyUnits: units,
      sensitiveInformationPolicyUnits: 0,
      sensitiveInformationPolicyFreeUnits: 0,
      contextualGroundingPolicyUnits: 0,
    },
    guardrailCoverage: { textCharacters: { guarded: total, total } },
  };
}

const CATEGORIES = ["VIOLENCE", "HATE", "SEXUAL", "MISCONDUCT", "INSULTS"] as const;
const ATTACKS = ["JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE"] as const;

function categories<Names extends readonly [string, ...string[]]>(names: Names) {
  const category = z.strictObject({ category: z.enum(names) });
  return z.strictObject({ categories: z.array(category).min(1).max(names.length) });
}

const checksRequest = z.strictObject({
  messages: z.array(z.strictObject({
    role: z.enum(["user", "assistant", "system"]),
    content: z.array(z.strictObject({ text: z.string().min(1) })).min(1),
  })).min(1),
  checks: z.strictObject({
    contentFilter: categories(CATEGORIES).optional(),
    promptAttack: categories(ATTACKS).optional(),
    sensitiveInformation: z.strictObject({
      entities: z.array(z.strictObject({ type: z.string().regex(/^[A-Z_]+$/) })).min(1).max(31),
    }).optional(),
  }),
});

const EMAIL = /[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+/g;

/**
 * Scores 1 for every category if a text contains the blocked word, else 0; the only sensitive data it knows is e-mail
 * addresses.
 */
export function invokeGuardrailChecks(body: JsonValue | undefined): object {
  const { messages, checks } = parseShape(checksRequest, body ?? {});
  const texts = messages.flatMap(({ content }) => content.map(({ text }) => text));
  const severityScore = texts.some((text) => text.includes(BLOCKED_INPUT_WORD)) ? 1 : 0;
  const scored = (list: readonly { readonly category: string }[]) => ({
    results: list.map(({ category }) => ({ category, severityScore })),
  });
  const { contentFilter, promptAttack, sensitiveInformation } = checks;
  const used = { textUnits: textUnits(texts) };
  const usage = Object.fromEntries(Object.keys(checks).map((name) => [name, used]));
  return {
    results: {
      ...(contentFilter && { contentFilter: scored(contentFilter.categories) }),
      ...(promptAttack && { promptAttack: scored(promptAttack.categories) }),
      ...(sensitiveInformation && {
        sensitiveInformation: {
          results: sensitiveInformation.entities.some(({ type }) => type === "EMAIL")
            ? emailsIn(messages)
            : [],
          truncated: false,
        },
      }),
    },
    usage,
  };
}

function emailsIn(messages: z.infer<typeof checksRequest>["messages"]): object[] {
  return messages.flatMap(({ content }, messageIndex) =>
    content.flatMap(({ text }, contentIndex) =>
      Array.from(text.matchAll(EMAIL), ({ 0: match, index }) => ({
        type: "EMAIL",
        confidenceScore: 1,
        beginOffset: index,
        endOffset: index + match.length,
        messageIndex,
        contentIndex,
      }))
    )
  );
}

/** The billing units of guardrails: one per thousand characters or part of one. */
function textUnits(texts: readonly string[]): number {
  return Math.max(1, Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 1000));
}
