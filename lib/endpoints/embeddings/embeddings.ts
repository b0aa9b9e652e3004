/** `POST /v1/embeddings` and `/v2/embed`: OpenAI's and Cohere's embeddings, through InvokeModel. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { AditError } from "../../base/errors.ts";
import { foundationModelId } from "../../facts/model_id.ts";
import {
  type Attempt,
  attemptWith,
  type CallerEndpoint,
  type EndpointRequest,
  type Reading,
} from "../../gateway/endpoint.ts";
import { jsonAnswer } from "../../gateway/outcome.ts";
import { type Requested, resolveModel } from "../../gateway/resolve.ts";
import type { RequestSize } from "../../gateway/admission/asked.ts";
import type { Call } from "../../gateway/call.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import {
  type EmbeddedPiece,
  embeddingsToCohere,
  embeddingsToOpenAi,
  usageOfPieces,
} from "../../translate/embeddings/answer.ts";
import { embeddingsToInvoke } from "../../translate/embeddings/request.ts";
import { type EmbedAnswer, parseEmbedRequest } from "../../wire/cohere/embed.ts";
import {
  type EmbeddingInput,
  type EmbeddingsAnswer,
  type EmbeddingsRequest,
  parseEmbeddingsRequest,
} from "../../wire/openai/embeddings.ts";
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
    return reading(request, received, (embedded) => embeddingsToOpenAi(embedded, request));
  },
};

/** `POST /v2/embed`: Cohere's Embed, for its own clients. */
export const embed: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "embed" },
  counts: "tokens",
  read(received) {
    const { request, types } = parseEmbedRequest(jsonBody(received));
    const texts = request.inputs.flatMap(({ text }) => text ?? []);
    return reading(
      request,
      received,
      (embedded, { id }) => embeddingsToCohere(embedded, { id, texts, types }),
    );
  },
};

/** The form of an API's answer. */
type ToAnswer = (embedded: readonly EmbeddedPiece[], call: Call) => EmbeddingsAnswer | EmbedAnswer;

function reading(request: EmbeddingsRequest, received: EndpointRequest, toAnswer: ToAnswer): Reading {
  const plan = planFor(request.model, received);
  const pieces = new Pieces();
  const attempt = async (target: Target, call: Call): Promise<Attempt> => {
    const settings = settingsOf(target);
    const invoke = embeddingsToInvoke(request, { traits: settings.traits, settings });
    return await attemptWith(invoke.ignored, async () => {
      const embedded = await pieces.send(invoke, target, call);
      return jsonAnswer(toAnswer(embedded, call), {
        usage: usageOfPieces(embedded),
        upstreamRequestId: pieces.requestId,
        anomalies: [],
      });
    });
  };
  return { kind: "model", request: { plan, attempt, measure: () => sizeOf(request.inputs) } };
}

function sizeOf(inputs: readonly EmbeddingInput[]): RequestSize {
  const texts = inputs.map(({ text = "" }) => encodeUtf8(text).length);
  return {
    textBytes: texts.reduce((sum, bytes) => sum + bytes, 0),
    images: inputs.filter(({ image }) => image !== undefined).length,
    documentBytes: 0,
    maxOutputTokens: 0,
  };
}

/** The plan for the model. A replacement must resolve to the same model, because another one has other vectors. */
function planFor(name: string, { caller, snapshot, instead }: Requested): Plan {
  const plan = withOneModel(resolveModel(name, caller, snapshot));
  if (instead === undefined) return plan;
  const other = withOneModel(resolveModel(instead, caller, snapshot));
  if (modelOf(other.targets[0]) === modelOf(plan.targets[0])) return other;
  throw new AditError("unsupported", "another embedding model, whose vectors are not comparable");
}

/**
 * The plan without targets of other models than the first: vectors of different models cannot be compared, so mixing
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
