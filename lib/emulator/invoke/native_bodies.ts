/** The native bodies of InvokeModel, one row for each model family that has one here. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Answer, ModelState } from "../model/answer.ts";
import { CHAT } from "./chat.ts";
import { claudeEvents, claudeMessage } from "./claude_answer.ts";
import { parseClaudeBody } from "./claude_body.ts";
import { checkClaudePrompt } from "./claude_rules.ts";
import { COMMAND, LLAMA, MISTRAL } from "./completions.ts";
import { converseToPrompt } from "../converse/prompt.ts";
import type { ConverseRequest } from "../converse/request.ts";
import { checkConversation } from "../converse/rules.ts";
import { invalid, ModelRefusal } from "../server/exception.ts";
import type { Model } from "../model/catalog.ts";
import type { NativeBody } from "./native_body.ts";
import { novaEvents, novaMessage, novaToConverse } from "./nova.ts";
import { checkNovaPrompt } from "./nova_rules.ts";
import type { Guardrail, Prompt } from "../model/prompt.ts";
import { unsupportedIn } from "../model/schema_subset.ts";

export interface PromptContext {
  readonly model: Model;
  readonly state: ModelState;
  /** Whether the response is a stream; default: no. */
  readonly stream?: boolean;
}

export interface InvokeContext extends PromptContext {
  readonly guardrail?: Guardrail | undefined;
}

const BY_CONVERSE: Readonly<Record<Exclude<Model["family"], "claude" | "other">, NativeBody>> = {
  chat: CHAT,
  command: COMMAND,
  llama: LLAMA,
  mistral: MISTRAL,
  nova: { toConverse: novaToConverse, message: novaMessage, events: novaEvents },
};

/** The prompt of a Converse request; throws Converse's exception. */
export function promptOfConverse(
  request: ConverseRequest,
  { model, state, stream = false }: PromptContext,
): Prompt {
  checkConversation(request, { model, stream });
  try {
    const prompt = converseToPrompt(request, model);
    if (model.family === "claude") checkClaudePrompt(prompt, { model, seal: state.seal, isInvoke: false });
    if (model.family === "nova") checkNovaPrompt(prompt);
    if (model.family === "chat") checkOutputSchema(prompt);
    return prompt;
  } catch (error) {
    throw error instanceof ModelRefusal ? error.viaConverse() : error;
  }
}

/** Throws `ModelRefusal` if the response schema is outside of Bedrock's subset of JSON Schema. */
function checkOutputSchema({ outputSchema }: Prompt): void {
  const problem = outputSchema === undefined ? undefined : unsupportedIn(outputSchema);
  if (problem !== undefined) throw new ModelRefusal(`output_config.format.schema: ${problem}`);
}

/** The prompt of a native body; throws InvokeModel's exception. */
export function promptOfInvoke(
  body: JsonValue | undefined,
  { model, state, stream = false, guardrail }: InvokeContext,
): Prompt {
  try {
    if (model.family === "claude") {
      const prompt = parseClaudeBody(body, { model, guardrail });
      checkClaudePrompt(prompt, { model, seal: state.seal, isInvoke: true });
      return prompt;
    }
    const { toConverse } = nativeBodyOf(model.family);
    return { ...promptOfConverse(toConverse(body), { model, state, stream }), guardrail };
  } catch (error) {
    throw error instanceof ModelRefusal ? error.viaInvoke() : error;
  }
}

/** The response in the model's native form. */
export function nativeMessage(answer: Answer, model: Model): JsonObject {
  return model.family === "claude"
    ? claudeMessage(answer, model)
    : nativeBodyOf(model.family).message(answer, model);
}

/** The response as the model's native stream. */
export function nativeEvents(answer: Answer, model: Model): Iterable<JsonObject> {
  return model.family === "claude"
    ? claudeEvents(answer, model)
    : nativeBodyOf(model.family).events(answer, model);
}

function nativeBodyOf(family: Exclude<Model["family"], "claude">): NativeBody {
  if (family === "other") {
    throw invalid("The emulator has no native body for this model; use Converse instead.");
  }
  return BY_CONVERSE[family];
}
