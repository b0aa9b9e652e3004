/** `POST /v1/embeddings`: OpenAI's Embeddings, through InvokeModel. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { foundationModelId } from "../../facts/model_id.ts";
import { type Attempt, attemptWith, type CallerEndpoint } from "../../gateway/endpoint.ts";
import { jsonAnswer } from "../../gateway/outcome.ts";
import { resolveModel } from "../../gateway/resolve.ts";
import type { RequestSize } from "../../gateway/admission/asked.ts";
import type { Call } from "../../gateway/call.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import { embeddingsToOpenAi, usageOfPieces } from "../../translate/embeddings/answer.ts";
import { embeddingsToInvoke } from "../../translate/embeddings/request.ts";
import { type EmbeddingInput, parseEmbeddingsRequest } from "../../wire/openai/embeddings.ts";
import { jsonBody } from "../json_body.ts";
import { settingsOf } from "../model_api.ts";
import { Pieces } from "./pieces.ts";

/** Responses repeat the model name that the caller sent. */
export const embeddings: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "embeddings" },
  counts: "tokens",
  read(received) {
    const request = parseEmbeddingsRequest(jsonBody(received));
    const plan = withOneModel(resolveModel(request.model, received.caller, received.snapshot));
    const pieces = new Pieces();
    const attempt = async (target: Target, call: Call): Promise<Attempt> => {
      const settings = settingsOf(target);
      const invoke = embeddingsToInvoke(request, { traits: settings.traits, settings });
      return await attemptWith(invoke.ignored, async () => {
        const embedded = await pieces.send(invoke, target, call);
        const answer = embeddingsToOpenAi(embedded, request);
        return jsonAnswer(answer, {
          usage: usageOfPieces(embedded),
          upstreamRequestId: pieces.requestId,
          anomalies: [],
        });
      });
    };
    return { kind: "model", request: { plan, attempt, measure: () => sizeOf(request.inputs) } };
  },
};

function sizeOf(inputs: readonly EmbeddingInput[]): RequestSize {
  const texts = inputs.map(({ text = "" }) => encodeUtf8(text).length);
  return {
    textBytes: texts.reduce((sum, bytes) => sum + bytes, 0),
    images: inputs.filter(({ image }) => image !== undefined).length,
    documentBytes: 0,
    maxOutputTokens: 0,
  };
}

/**
 * The plan without targets of other models than the first: vectors of different models cannot be compared, so one of
 * them would spoil the caller's index without an error.
 */
function withOneModel(plan: Plan): Plan {
  const [first, ...others] = plan.targets;
  const isSame = (target: Target) => modelOf(target) === modelOf(first);
  const passed = others.filter((target) => !isSame(target)).map(({ settings, provider }) => ({
    target: settings?.name ?? provider.name,
    because: "another embedding model, whose vectors are not comparable",
  }));
  return {
    ...plan,
    targets: [first, ...others.filter(isSame)],
    passedOver: [...plan.passedOver, ...passed],
  };
}

function modelOf({ settings, modelId }: Target): string {
  return foundationModelId(settings?.baseModel ?? modelId);
}
