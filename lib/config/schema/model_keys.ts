/** The keys of a model and of its targets. */

import { z } from "zod";

import {
  AFTER_CLIENT_LEFT,
  GUARDRAIL_TRACES,
  INPUT_TYPES,
  LATENCIES,
  MANTLE_PATHS,
  MODEL_APIS,
  OWN_ENDPOINTS,
  PICKS,
  SERVICE_TIERS,
} from "../../snapshot/snapshot.ts";
import {
  about,
  decimal,
  duration,
  either,
  flag,
  integer,
  list,
  mapping,
  percentage,
  text,
} from "./fields.ts";
import { traits } from "./trait_keys.ts";
import { NAME } from "./values.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const stop = () => text({ expected: "a string", maxLength: 1000 });

const defaults = mapping(() => ({
  max_tokens: integer({ min: 1, max: 10_000_000 }).optional().describe("Maximum number of output tokens."),
  temperature: decimal({ min: 0, max: 1 }).optional().describe("Randomness."),
  top_p: decimal({ min: 0, max: 1 }).optional().describe("Probability mass for nucleus sampling."),
  stop: either("a string, or a list of 1 to 100 strings", [stop(), list(stop(), { min: 1, max: 100 })])
    .optional()
    .describe("Stop sequence, or list of stop sequences."),
  service_tier: z.enum(SERVICE_TIERS).optional().describe("Bedrock service tier."),
  latency: z.enum(LATENCIES).optional().describe("Latency in Bedrock's performanceConfig."),
  dimensions: integer({ min: 1, max: 65_536 }).optional().describe("Size of embedding vectors."),
  input_type: z.enum(INPUT_TYPES).optional()
    .describe("Purpose of embeddings; default: search_document. Queries need search_query."),
  additional_model_request_fields: z.record(z.string(), z.json())
    .register(about, { expected: "a mapping of the model's own request fields" }).optional()
    .describe(
      "Model-specific request fields that Bedrock passes to the model; a request's own fields override them.",
    ),
}));

const guardrail = mapping(() => ({
  id: text({
    expected: "a guardrail id or ARN",
    pattern: /^(?:[a-z0-9]+|arn:[a-z0-9:/-]+)$/,
    maxLength: 2048,
  })
    .describe("Guardrail id or ARN."),
  version: either("a guardrail version number, or DRAFT", [
    z.string().regex(/^(?:[1-9]\d{0,7}|DRAFT)$/),
    z.int().min(1).max(99_999_999),
  ]).describe("Version number, or DRAFT."),
  trace: z.enum(GUARDRAIL_TRACES).prefault("disabled")
    .describe("Whether Bedrock's response includes the guardrail's trace."),
}));

/** A value may contain the names of the caller and its team. */
const metadataValue = () =>
  z.string().max(256).regex(/^(?:[a-zA-Z0-9\s:_@$#=\/+,.-]|\{caller\}|\{team\})*$/)
    .register(about, {
      expected: "a string of at most 256 letters, digits, spaces or :_@$#=/+,.-, with {caller} and {team}",
    });

const metadataText = (minLength: number) =>
  z.string().min(minLength).max(256).regex(/^[a-zA-Z0-9\s:_@$#=\/+,.-]*$/)
    .register(about, { expected: "a string of at most 256 letters, digits, spaces or :_@$#=/+,.-" });

/** A geography of inference profiles, or a region. */
export const geography = () =>
  text({
    expected: "a geography such as us or eu, or a region such as eu-central-1",
    pattern: /^[a-z]{2,6}(?:-[a-z]+)*(?:-\d{1,2})?$/,
    maxLength: 32,
  });

const modelId = () => text({ expected: "a model id", pattern: /^[\x21-\x7e]+$/, maxLength: 2048 });

const teamName = () =>
  z.string().min(1).max(64).register(about, { expected: "a team of 1 to 64 characters" });

/** Keys that depend on the model id. */
const target = () => ({
  provider: text({ expected: "the name of a provider" }).optional()
    .describe("Name of the provider that serves the model."),
  id: text({
    expected: "a model id, inference profile id or ARN",
    pattern: /^[\x21-\x7e]+$/,
    maxLength: 2048,
  }).optional().describe("Complete Bedrock model id, inference profile id or ARN."),
  base_model: modelId().optional()
    .describe("Id of the underlying model, if id is an ARN that does not contain it."),
  traits: traits.default({}).describe("What the model supports; overrides the data tables."),
  api: z.enum(MODEL_APIS).optional()
    .describe(
      "Bedrock operation for Anthropic Messages requests; default: invoke for Claude, converse for other models.",
    ),
  chat: z.enum(OWN_ENDPOINTS).optional()
    .describe("Pass Chat Completions requests on to Bedrock's own API; default: translate them."),
  responses: z.enum(OWN_ENDPOINTS).optional()
    .describe("Pass Responses requests on to Bedrock's own API; default: translate them."),
  messages: z.enum(OWN_ENDPOINTS).optional()
    .describe("Pass Anthropic Messages requests on to Bedrock's own API; default: see api."),
  mantle_path: z.enum(MANTLE_PATHS).optional()
    .describe(
      "Path of OpenAI's APIs on the mantle endpoint, which depends on the model; default: /openai/v1.",
    ),
  drop_tools: list(text({ expected: "a type of tool, such as web_search", maxLength: 64 }), {
    min: 0,
    max: 32,
  })
    .optional().describe(
      "Types of tools to leave out: any in requests that are passed on; in translated Responses, those that Bedrock does not run.",
    ),
  hoist_tools: flag().optional().describe(
    "Move the tools in additional_tools items of Responses that are passed on into tools; default: false.",
  ),
  ids: z.record(teamName(), modelId()).register(about, {
    expected: "a mapping from teams to model ids",
  })
    .optional().describe(
      "By team, the id to send for its callers instead of id, such as an application inference profile of the same model.",
    ),
  defaults: defaults.default({}).describe("Defaults for fields that a request does not set."),
});

const targetEntry = mapping(() => ({
  name: text({
    expected: "letters, digits and . _ - (at most 64)",
    pattern: NAME,
  })
    .optional().describe("Name of the target in headers and logs; default: the name of its provider."),
  model: text({ expected: "the name of a model" }).optional()
    .describe("Another model whose targets are used here; excludes provider and id."),
  ...target(),
  guardrail: guardrail.optional().describe("Guardrail for this target; replaces the model's."),
  priority: integer({ min: 0, max: 100 }).prefault(0)
    .describe("Targets with the lowest priority are used first."),
  weight: integer({ min: 1, max: 1000 }).prefault(1)
    .describe("Share of requests among targets of the same priority."),
}));

const affinityKey = () =>
  text({
    expected: "header:NAME, prompt_cache_key, user or prefix",
    pattern: /^(?:header:[A-Za-z0-9-]{1,64}|prompt_cache_key|user|prefix)$/,
  });

const retry = mapping(() => ({
  attempts: integer({ min: 1, max: 10 }).optional()
    .describe(
      "Maximum number of attempts for a request, including the first; default: 3, or 1 for a model with one target.",
    ),
  budget: percentage({ min: 0, max: 100 }).prefault("20%")
    .describe("Maximum share of retries in the model's requests, in addition to 3 per second."),
  backoff: duration({ min: 1, max: MINUTE }).prefault("200ms")
    .describe("Maximum pause before the first retry at the same target; it doubles with each retry."),
  backoff_max: duration({ min: 1, max: MINUTE }).prefault("5s").describe("Upper limit of that pause."),
  retry_after_max: duration({ min: 0, max: MINUTE }).prefault("10s")
    .describe("Longest retry-after of Bedrock that Adit waits for."),
}));

const health = mapping(() => ({
  failures: integer({ min: 1, max: 100 }).prefault(3)
    .describe("Consecutive failures after which a target is taken out of use for a while."),
  cool: duration({ min: 100, max: HOUR }).prefault("5s").describe(
    "How long, the first time; it doubles with each repetition.",
  ),
  cool_max: duration({ min: 100, max: HOUR }).prefault("2m").describe("Upper limit of that time."),
}));

/** `models.NAME`. */
export const model = mapping(() => ({
  ...target(),
  guardrail: guardrail.optional().describe(
    "Guardrail for every request to this model, in every API; replaces a guardrail in the request.",
  ),
  metadata: z.record(metadataText(1), metadataValue()).register(about, { expected: "a mapping of strings" })
    .prefault({}).describe(
      "Request metadata, at most 16 entries, that is sent to Bedrock for its invocation logs; {caller} and {team} are replaced by names.",
    ),
  targets: list(targetEntry, { min: 1, max: 16 }).optional()
    .describe("Several targets that can serve the model; excludes provider and id."),
  pick: z.enum(PICKS).prefault("load")
    .describe(
      "How to choose among targets of the same priority: load (the less loaded of two random ones) or weight (fixed shares).",
    ),
  affinity: mapping(() => ({
    by: list(affinityKey(), { min: 1, max: 8 }).describe(
      "What identifies a conversation; the first one in the list that a request has is used.",
    ),
  })).optional().describe(
    "Send the requests of a conversation to the same target, so that its prompt cache is reused.",
  ),
  retry: retry.prefault({}).describe("When a request is retried."),
  health: health.prefault({}).describe("When a failing target is taken out of use."),
  first_token: duration({ min: 10, max: HOUR }).optional()
    .describe(
      "Maximum time to the first content of a stream, in each attempt; default: no separate limit.",
    ),
  commit_within: duration({ min: 0, max: MINUTE }).prefault("15s")
    .describe("How long a stream without content is held back while another target could answer."),
  after_client_left: z.enum(AFTER_CLIENT_LEFT).prefault("abort").describe(
    "What to do if a client leaves during a response: abort it and estimate its tokens, or drain it, for exact counts.",
  ),
  data_residency: list(geography(), { min: 1, max: 16 }).optional()
    .describe(
      "Geographies, such as eu, or regions that requests must stay in; inference profiles that may leave them are refused.",
    ),
}));
