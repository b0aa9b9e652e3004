/** The native bodies of InvokeModel, one row for each model family that has one here. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Answer, ModelState } from "../model/answer.ts";
import { claudeEvents, claudeMessage } from "./claude_answer.ts";
import { parseClaudeBody } from "./claude_body.ts";
import { checkClaudePrompt } from "./claude_rules.ts";
import { COMMAND, LLAMA, MISTRAL } from "./completions.ts";
import { converseToPrompt } from "../converse/prompt.ts";
import type { ConverseRequest } from "../converse/request.ts";
import { checkConversation } from "../converse/rules.ts";
import { invalid, ModelRefusal } from "../server/exception.ts";
import type { Family, Model } from "../model/models.ts";
import type { NativeBody } from "./native_body.ts";
import { novaEvents, novaMessage, novaToConverse } from "./nova.ts";
import { checkNovaPrompt } from "./nova_rules.ts";
import type { Guardrail, Prompt } from "../model/prompt.ts";

export interface InvokeContext {
  readonly model: Model;
  readonly state: ModelState;
  readonly guardrail?: Guardrail | undefined;
}

const BY_CONVERSE: Readonly<Record<Exclude<Family, "claude" | "other">, NativeBody>> = {
  command: COMMAND,
  llama: LLAMA,
  mistral: MISTRAL,
  nova: { toConverse: novaToConverse, message: novaMessage, events: novaEvents },
};

/** The prompt of a Converse request; throws Converse's exception. */
export function promptOfConverse(request: ConverseRequest, model: Model, state: ModelState): Prompt {
  checkConversation(request, model);
  try {
    const prompt = converseToPrompt(request, model);
    if (model.family === "claude") checkClaudePrompt(prompt, model, state.seal);
    if (model.family === "nova") checkNovaPrompt(prompt);
    return prompt;
  } catch (error) {
    throw error instanceof ModelRefusal ? error.viaConverse() : error;
  }
}

/** The prompt of a native body; throws InvokeModel's exception. */
export function promptOfInvoke(
  body: JsonValue | undefined,
  { model, state, guardrail }: InvokeContext,
): Prompt {
  try {
    if (model.family === "claude") {
      const prompt = parseClaudeBody(body, guardrail);
      checkClaudePrompt(prompt, model, state.seal);
      return prompt;
    }
    const { toConverse } = nativeBodyOf(model.family);
    return { ...promptOfConverse(toConverse(body), model, state), guardrail };
  } catch (error) {
    throw error instanceof ModelRefusal ? error.viaInvoke() : error;
  }
}

/** The response in the model's native form. */
export function nativeMessage(answer: Answer, model: Model): JsonObject {
  return model.family === "claude"
    ? claudeMessage(answer, model)
    : nativeBodyOf(model.family).message(answer);
}

/** The response as the model's native stream. */
export function nativeEvents(answer: Answer, model: Model): Iterable<JsonObject> {
  return model.family === "claude" ? claudeEvents(answer, model) : nativeBodyOf(model.family).events(answer);
}

function nativeBodyOf(family: Exclude<Family, "claude">): NativeBody {
  if (family === "other") {
    throw invalid("The emulator has no native body for this model; use Converse instead.");
  }
  return BY_CONVERSE[family];
}
