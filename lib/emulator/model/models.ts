/** Look-up of models by id, profile or ARN. */

import { BedrockException, invalid } from "../server/exception.ts";
import { type Model, MODELS } from "./catalog.ts";
import { isCallableFrom } from "./geography.ts";

const BY_ID = new Map(MODELS.map((model) => [model.id, model]));

const BY_PROFILE = new Map<string, Model>(
  MODELS.flatMap((model) => model.profiles.map((geography) => [`${geography}.${model.id}`, model])),
);

/** The model behind every application inference profile of the emulated account. */
export const APPLICATION_PROFILE_MODEL = "global.anthropic.claude-haiku-4-5-20251001-v1:0";

/**
 * The model for a decoded id or ARN in a region; throws like the service, also for a model that requires a profile and
 * for a profile of another geography.
 */
export function findModel(modelId: string, region: string): Model {
  const id = unwrapArn(modelId, region);
  const byProfile = BY_PROFILE.get(id);
  if (byProfile !== undefined) {
    const geography = id.slice(0, -(byProfile.id.length + 1));
    if (!isCallableFrom(geography, region)) throw invalid(UNKNOWN_ID);
    return byProfile;
  }
  const model = BY_ID.get(id);
  if (model === undefined) throw invalid(UNKNOWN_ID);
  if (!model.onDemand) {
    throw invalid(
      `Invocation of model ID ${modelId} with on-demand throughput isn’t supported. Retry your request with the ` +
        "ID or ARN of an inference profile that contains this model.",
    );
  }
  return model;
}

/** The model whose tokens are to be counted: always a bare id, never a profile. */
export function findCountingModel(modelId: string, region: string): Model {
  const model = BY_ID.get(unwrapArn(modelId, region));
  if (model === undefined) throw invalid(UNKNOWN_ID);
  if (!model.countsTokens) throw invalid("The provided model doesn't support counting tokens.");
  return model;
}

const UNKNOWN_ID = "The provided model identifier is invalid.";

const ARN =
  /^arn:aws[^:]*:bedrock:([a-z0-9-]+):(?:\d{12})?:(foundation-model|inference-profile|application-inference-profile)\/(.+)$/;

function unwrapArn(modelId: string, region: string): string {
  if (!modelId.startsWith("arn:")) return modelId;
  const [, arnRegion, type, id = ""] = ARN.exec(modelId) ?? [];
  if (type !== undefined && arnRegion !== region) throw invalid(UNKNOWN_ID);
  if (type === "application-inference-profile") return APPLICATION_PROFILE_MODEL;
  if (type === undefined) {
    throw new BedrockException("ResourceNotFoundException", "The provided model identifier was not found.");
  }
  return id;
}
