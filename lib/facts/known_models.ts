/** Known beginnings of model ids, to detect misspelt ones, and where models can be called. */

import { namesProvider } from "./model_id.ts";

/** https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html; a model newer than the list still works. */
const STEMS: readonly string[] = [
  ...[
    "micro",
    "lite",
    "pro",
    "premier",
    "canvas",
    "reel",
    "sonic",
    "2-lite",
    "2-multimodal",
    "2-pro",
    "2-sonic",
    "2-5-sonic",
  ].map((
    name,
  ) => `amazon.nova-${name}`),
  ...["text", "embed-text", "embed-g1-text", "embed-image", "image-generator"].map((name) =>
    `amazon.titan-${name}`
  ),
  ...["haiku", "sonnet", "opus"].flatMap((
    size,
  ) => [`anthropic.claude-${size}`, `anthropic.claude-3-${size}`]),
  ...["fable", "mythos", "3-5-haiku", "3-5-sonnet", "3-7-sonnet", "instant", "v1", "v2"].map((name) =>
    `anthropic.claude-${name}`
  ),
  ...[
    "command-r",
    "command-text",
    "command-light",
    "embed-english",
    "embed-multilingual",
    "embed-v4",
    "rerank",
  ].map((name) => `cohere.${name}`),
  ...["amazon.rerank", "google.gemma", "twelvelabs.marengo", "xai.grok"],
  ...[
    "deepseek.r1",
    "deepseek.v3",
    "openai.gpt-oss-20b",
    "openai.gpt-oss-120b",
    "openai.gpt-5",
    "openai.gpt-6",
    "ai21.jamba",
  ],
  ...["llama3", "llama4"].map((name) => `meta.${name}`),
  ...["mistral", "mixtral", "ministral", "magistral", "pixtral", "voxtral"].map((name) => `mistral.${name}`),
];

/** Models that are called only through an inference profile. */
const PROFILE_ONLY =
  /^(?:anthropic\.claude-(?:(?:haiku|sonnet|opus|fable|mythos)-\d|3-7)|amazon\.nova-premier|deepseek\.r1|meta\.llama4)/;

/** The known beginnings of model ids, unless the id has one of them. */
export function knownStems(foundationId: string): readonly string[] | undefined {
  return STEMS.some((stem) => foundationId.startsWith(stem)) ? undefined : STEMS;
}

/** The known beginning of an id from which the model provider is missing, such as `claude-haiku-4-5`. */
export function stemWithoutProvider(modelId: string): string | undefined {
  if (namesProvider(modelId)) return undefined;
  return STEMS.find((stem) => modelId.startsWith(stem.slice(stem.indexOf(".") + 1)));
}

/** Whether Bedrock refuses this model id without the prefix of a profile, such as `us.`. */
export function needsProfile(modelId: string): boolean {
  return PROFILE_ONLY.test(modelId);
}

/** The regions from which the profiles of a geography can be called. */
const GEOGRAPHIES: ReadonlyMap<string, RegExp> = new Map([
  ["apac", /^ap-/],
  ["au", /^ap-southeast-[246]$/],
  ["ca", /^ca-/],
  ["eu", /^(?:eu|il)-/],
  ["jp", /^ap-northeast-[13]$/],
  ["us", /^(?:us-(?!gov-|iso)|ca-)/],
  ["us-gov", /^us-gov-/],
]);

/** The geography of a profile that cannot be called from the region, such as `eu` in us-east-1. */
export function foreignGeography(modelId: string, region: string): string | undefined {
  const [geography = "", rest] = modelId.split(".", 2);
  const regions = rest === undefined ? undefined : GEOGRAPHIES.get(geography);
  return regions === undefined || regions.test(region) ? undefined : geography;
}
