/** The models of the emulator, and their look-up by id, profile or ARN. */

import { BedrockException, invalid } from "../server/exception.ts";

/** The model's native body in InvokeModel; models without one only support Converse. */
export type Family = "claude" | "command" | "llama" | "mistral" | "nova" | "other";

/** Whether and how a model reasons before it responds. */
export type Reasoning =
  /** Never. */
  | "none"
  /** If `thinking` requests it; the blocks are signed. */
  | "claude"
  /** If `reasoningConfig` requests it; the blocks are not signed. */
  | "nova"
  /** Always; the blocks are not signed. */
  | "always";

export interface Model {
  readonly id: string;
  readonly name: string;
  readonly family: Family;
  /** Geographies of its inference profiles. */
  readonly profiles: readonly string[];
  /** Whether the bare id may be used, not only a profile. */
  readonly onDemand: boolean;
  readonly maxOutputTokens: number;
  readonly media: readonly ("audio" | "document" | "image" | "video")[];
  readonly tools: boolean;
  readonly system: boolean;
  readonly reasoning: Reasoning;
  /** Minimum length of a cached prefix; undefined if the model has no prompt cache. */
  readonly cacheMinTokens?: number;
  readonly countsTokens: boolean;
  /** Whether `temperature` and `topP` exclude each other, or are refused like `top_k`; undefined: neither. */
  readonly sampling?: "both" | "one" | "none";
  /** Whether its streams begin with an empty text block. */
  readonly emptyLead?: boolean;
  /** Whether the conversation may end with the beginning of the response. */
  readonly prefill: boolean;
}

const claude = {
  family: "claude",
  profiles: ["us", "eu", "global"],
  onDemand: false,
  maxOutputTokens: 64_000,
  media: ["image", "document"],
  tools: true,
  system: true,
  reasoning: "claude",
  cacheMinTokens: 1024,
  countsTokens: true,
  sampling: "one",
  prefill: true,
} as const satisfies Partial<Model>;

const nova = {
  family: "nova",
  profiles: ["us", "eu", "apac"],
  onDemand: true,
  maxOutputTokens: 10_000,
  media: ["image", "document", "video"],
  tools: true,
  system: true,
  reasoning: "none",
  cacheMinTokens: 1000,
  countsTokens: false,
  prefill: true,
} as const satisfies Partial<Model>;

const open = {
  family: "other",
  profiles: [],
  onDemand: true,
  maxOutputTokens: 8192,
  media: [],
  tools: true,
  system: true,
  reasoning: "none",
  countsTokens: false,
  prefill: false,
} as const satisfies Partial<Model>;

const gptOss = {
  ...open,
  reasoning: "always",
  emptyLead: true,
  maxOutputTokens: 128_000,
} as const satisfies Partial<Model>;

export const MODELS: readonly Model[] = [
  { ...claude, id: "anthropic.claude-haiku-4-5-20251001-v1:0", name: "Claude Haiku 4.5" },
  { ...claude, id: "anthropic.claude-sonnet-4-5-20250929-v1:0", name: "Claude Sonnet 4.5" },
  { ...claude, id: "anthropic.claude-sonnet-4-6", name: "Claude Sonnet 4.6", prefill: false },
  { ...claude, id: "anthropic.claude-opus-4-8", name: "Claude Opus 4.8", prefill: false, sampling: "none" },
  {
    ...claude,
    id: "anthropic.claude-3-haiku-20240307-v1:0",
    name: "Claude 3 Haiku",
    profiles: ["us"],
    onDemand: true,
    maxOutputTokens: 4096,
    reasoning: "none",
    sampling: "both",
  },
  { ...nova, id: "amazon.nova-micro-v1:0", name: "Nova Micro", media: [] },
  { ...nova, id: "amazon.nova-lite-v1:0", name: "Nova Lite" },
  { ...nova, id: "amazon.nova-pro-v1:0", name: "Nova Pro" },
  {
    ...nova,
    id: "amazon.nova-2-lite-v1:0",
    name: "Nova 2 Lite",
    profiles: ["us", "eu", "global"],
    onDemand: false,
    maxOutputTokens: 64_000,
    reasoning: "nova",
  },
  {
    ...open,
    id: "meta.llama3-3-70b-instruct-v1:0",
    family: "llama",
    name: "Llama 3.3 70B Instruct",
    profiles: ["us"],
    onDemand: false,
  },
  {
    ...open,
    id: "meta.llama4-maverick-17b-instruct-v1:0",
    family: "llama",
    name: "Llama 4 Maverick",
    profiles: ["us"],
    onDemand: false,
    media: ["image", "document"],
  },
  {
    ...open,
    id: "mistral.mistral-7b-instruct-v0:2",
    family: "mistral",
    name: "Mistral 7B",
    tools: false,
    system: false,
  },
  { ...open, id: "cohere.command-r-v1:0", family: "command", name: "Command R", maxOutputTokens: 4096 },
  { ...open, id: "mistral.mistral-large-2407-v1:0", name: "Mistral Large" },
  { ...gptOss, id: "openai.gpt-oss-20b-1:0", name: "gpt-oss 20B" },
  { ...gptOss, id: "openai.gpt-oss-120b-1:0", name: "gpt-oss 120B" },
  {
    ...open,
    id: "deepseek.r1-v1:0",
    name: "DeepSeek-R1",
    profiles: ["us"],
    onDemand: false,
    tools: false,
    reasoning: "always",
    maxOutputTokens: 32_768,
  },
  { ...open, id: "deepseek.v3-v1:0", name: "DeepSeek-V3.1" },
  { ...open, id: "qwen.qwen3-32b-v1:0", name: "Qwen3 32B" },
];

const BY_ID = new Map(MODELS.map((model) => [model.id, model]));

const BY_PROFILE = new Map<string, Model>(
  MODELS.flatMap((model) => model.profiles.map((geography) => [`${geography}.${model.id}`, model])),
);

/** The model behind every application inference profile of the emulated account. */
export const APPLICATION_PROFILE_MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/** The model for a decoded id or ARN; throws like the service, also for a model that requires a profile. */
export function findModel(modelId: string): Model {
  const id = unwrapArn(modelId);
  const byProfile = BY_PROFILE.get(id);
  if (byProfile !== undefined) return byProfile;
  const model = BY_ID.get(id);
  if (model === undefined) throw invalid("The provided model identifier is invalid.");
  if (!model.onDemand) {
    throw invalid(
      `Invocation of model ID ${modelId} with on-demand throughput isn’t supported. Retry your request with the ` +
        "ID or ARN of an inference profile that contains this model.",
    );
  }
  return model;
}

/** The model whose tokens are to be counted: always a bare id, never a profile. */
export function findCountingModel(modelId: string): Model {
  const model = BY_ID.get(unwrapArn(modelId));
  if (model === undefined) throw invalid("The provided model identifier is invalid.");
  if (!model.countsTokens) throw invalid("The provided model doesn't support counting tokens.");
  return model;
}

const ARN =
  /^arn:aws[^:]*:bedrock:[a-z0-9-]+:(?:\d{12})?:(foundation-model|inference-profile|application-inference-profile)\/(.+)$/;

function unwrapArn(modelId: string): string {
  if (!modelId.startsWith("arn:")) return modelId;
  const [, type, id = ""] = ARN.exec(modelId) ?? [];
  if (type === "application-inference-profile") return APPLICATION_PROFILE_MODEL;
  if (type === undefined) {
    throw new BedrockException("ResourceNotFoundException", "The provided model identifier was not found.");
  }
  return id;
}
