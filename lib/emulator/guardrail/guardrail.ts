/** The emulated guardrail: it blocks one word in prompts and another in responses. */

import type { JsonObject } from "../../base/json.ts";
import { type Guardrail, lastUserText, type Prompt } from "../model/prompt.ts";

/** Blocks the request if the user's last message contains it. */
export const BLOCKED_INPUT_WORD = "blocked-input";
/** Blocks the response if the user's last message asks for it. */
export const BLOCKED_OUTPUT_WORD = "blocked-output";

export interface Intervention {
  readonly guardrail: Guardrail;
  readonly source: "input" | "output";
  readonly word: string;
  /** The text that replaces the model's. */
  readonly text: string;
}

/** The intervention of the prompt's guardrail, if it names one. */
export function interventionFor(prompt: Prompt): Intervention | undefined {
  const { guardrail } = prompt;
  if (guardrail === undefined) return undefined;
  const text = lastUserText(prompt);
  if (text.includes(BLOCKED_INPUT_WORD)) {
    return {
      guardrail,
      source: "input",
      word: BLOCKED_INPUT_WORD,
      text: "Sorry, this request was blocked by the guardrail.",
    };
  }
  if (text.includes(BLOCKED_OUTPUT_WORD)) {
    return {
      guardrail,
      source: "output",
      word: BLOCKED_OUTPUT_WORD,
      text: "Sorry, this answer was blocked by the guardrail.",
    };
  }
  return undefined;
}

/** The trace of one request that named a guardrail, as Converse and InvokeModel return it. */
export function guardrailTrace(guardrail: Guardrail, intervention: Intervention | undefined): JsonObject {
  const assessment = {
    invocationMetrics: {
      guardrailCoverage: { textCharacters: { guarded: 1, total: 1 } },
      guardrailProcessingLatency: 1,
      usage: {
        contentPolicyUnits: 1,
        contextualGroundingPolicyUnits: 0,
        sensitiveInformationPolicyFreeUnits: 0,
        sensitiveInformationPolicyUnits: 0,
        topicPolicyUnits: 0,
        wordPolicyUnits: 1,
      },
    },
    ...(intervention === undefined ? {} : {
      wordPolicy: {
        customWords: [{ action: "BLOCKED", detected: true, match: intervention.word }],
        managedWordLists: [],
      },
    }),
  };
  return {
    actionReason: intervention === undefined ? "No action." : "Guardrail blocked.",
    ...(intervention?.source === "output"
      ? { outputAssessments: { [guardrail.id]: [assessment] } }
      : { inputAssessment: { [guardrail.id]: assessment } }),
  };
}
