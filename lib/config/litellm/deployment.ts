/** A deployment of LiteLLM's `model_list`, as far as it concerns Amazon Bedrock. */

import { type ReadBudget, readBudget } from "./litellm_budgets.ts";
import { isMapping } from "../file/merge.ts";
import { REGION } from "../schema/regions.ts";

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The settings of one deployment. Strings may be references such as `${env:NAME}`; undefined means not set.
 */
export interface Deployment {
  /** The name that clients send as `model`. */
  readonly name: string;
  readonly id: string;
  readonly baseModel: string | undefined;
  readonly api: "converse" | "invoke" | undefined;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** In the form of `providers.NAME.credentials`; empty if LiteLLM uses its default credentials. */
  readonly credentials: Mapping;
  /** In the form of `models.NAME.defaults`. */
  readonly defaults: Mapping;
  /** In the form of `models.NAME.guardrail`. */
  readonly guardrail: Mapping | undefined;
  /** Share among the deployments of one name. */
  readonly weight: number | undefined;
  /** Deployments with a lower order are used first. */
  readonly order: number | undefined;
  /** Requests and tokens per minute that the deployment may use. */
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
  /** Maximum cost, if there is one. */
  readonly budget: ReadBudget | undefined;
  /** Parameters that have no counterpart. */
  readonly lost: readonly string[];
}

/** LiteLLM's parameters with a counterpart of the same value, by its path. */
const CREDENTIALS: Readonly<Record<string, string>> = {
  aws_access_key_id: "access_key_id",
  aws_secret_access_key: "secret_access_key",
  aws_session_token: "session_token",
  aws_profile_name: "profile",
  api_key: "api_key",
};
const ROLE: Readonly<Record<string, string>> = {
  aws_role_name: "arn",
  aws_session_name: "session_name",
  aws_external_id: "external_id",
};
const DEFAULTS: readonly string[] = ["max_tokens", "temperature", "top_p", "stop"];
const ENDPOINTS: readonly string[] = ["aws_bedrock_runtime_endpoint", "api_base"];
/** Parameters that are integers, with the range in which they have a counterpart. */
const INTEGERS = {
  weight: { min: 1, max: 1000 },
  order: { min: 0, max: 100 },
  rpm: { min: 1, max: 999_999_999 },
  tpm: { min: 1, max: 999_999_999 },
} as const;
const READ_ELSEWHERE: readonly string[] = [
  ...["model", "model_id", "aws_region_name", "guardrailConfig", "custom_llm_provider"],
  ...["max_budget", "budget_duration", "litellm_credential_name"],
];

/** Parses an entry of `model_list`, or returns the reason it is skipped. */
export function readDeployment(entry: unknown, credentialList: unknown): Deployment | string {
  if (!isMapping(entry) || !isMapping(entry["litellm_params"])) return "an entry without litellm_params";
  const name = entry["model_name"];
  const shared = sharedCredentials(entry["litellm_params"], credentialList);
  const params: Mapping = { ...shared, ...entry["litellm_params"] };
  const { model } = params;
  if (typeof name !== "string" || typeof model !== "string") return "an entry without model_name or model";
  const path = readModelPath(model, params["custom_llm_provider"]);
  if (typeof path === "string") return `${name}: ${path}`;

  const text = (key: string) => reference(params[key]);
  const renamed = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(names).flatMap(([from, to]) => text(from) === undefined ? [] : [[to, text(from)]]),
    );
  const role = renamed(ROLE);
  const credentials = { ...renamed(CREDENTIALS), ...(role["arn"] === undefined ? {} : { role }) };
  const defaults = DEFAULTS.filter((key) => params[key] !== undefined && params[key] !== null);
  const guardrail = readGuardrail(params["guardrailConfig"]);
  const endpoint = ENDPOINTS.map(text).find((value) => value !== undefined);
  const modelId = text("model_id");
  const known = [
    ...[CREDENTIALS, ROLE].flatMap(Object.keys),
    ...[...DEFAULTS, ...ENDPOINTS, ...Object.keys(INTEGERS), ...READ_ELSEWHERE],
  ];
  const integer = (key: keyof typeof INTEGERS) => integerWithin(params[key], INTEGERS[key]);
  return {
    name,
    id: modelId ?? path.id,
    baseModel: modelId === undefined ? undefined : path.id,
    api: path.api,
    region: text("aws_region_name") ?? path.region ?? regionOfArn(modelId ?? path.id),
    endpoint,
    credentials,
    defaults: Object.fromEntries(defaults.map((key) => [key, reference(params[key]) ?? params[key]])),
    guardrail,
    weight: integer("weight"),
    order: integer("order"),
    requestsPerMinute: integer("rpm"),
    tokensPerMinute: integer("tpm"),
    budget: readBudget(params["max_budget"], params["budget_duration"]),
    lost: [
      ...path.lost,
      ...Object.keys(params).filter((key) => !known.includes(key)),
      ...(["weight", "order", "rpm", "tpm"] as const)
        .filter((key) => params[key] !== undefined && params[key] !== null && integer(key) === undefined),
      ...(role["arn"] === undefined ? Object.keys(ROLE).filter((key) => text(key) !== undefined) : []),
      ...(shared === undefined ? ["litellm_credential_name (not in credential_list)"] : []),
      ...(params["guardrailConfig"] !== undefined && guardrail === undefined ? ["guardrailConfig"] : []),
      ...Object.keys(entry).filter((key) => key !== "model_name" && key !== "litellm_params"),
    ],
  };
}

/** The values of the entry of `credential_list` that a deployment names; undefined if there is no such entry. */
function sharedCredentials(params: Mapping, credentialList: unknown): Mapping | undefined {
  const name = params["litellm_credential_name"];
  if (name === undefined || name === null) return {};
  const found: unknown = (Array.isArray(credentialList) ? credentialList : []).find((entry) =>
    isMapping(entry) && entry["credential_name"] === name
  );
  return isMapping(found) && isMapping(found["credential_values"]) ? found["credential_values"] : undefined;
}

interface ModelPath {
  readonly id: string;
  readonly api: "converse" | "invoke" | undefined;
  readonly region: string | undefined;
  readonly lost: readonly string[];
}

/** Prefixes that are not part of a model id. */
const HANDLERS: readonly string[] = [
  ...["converse_like", "deepseek_r1", "llama", "moonshot", "nova", "openai", "qwen2", "qwen3"],
  "cohere",
  "mistral",
  "titan",
];

/**
 * Splits `bedrock/converse/us-west-2/anthropic.claude-…`, or returns the reason it is not a Bedrock Runtime model.
 */
function readModelPath(model: string, provider: unknown): ModelPath | string {
  const isBedrock = model.startsWith("bedrock/") || model.startsWith("bedrock_converse/") ||
    provider === "bedrock";
  if (!isBedrock) return `${model} is not on Amazon Bedrock`;
  let rest = model.replace(/^bedrock(?:_converse)?\//, "");
  let api: ModelPath["api"] = model.startsWith("bedrock_converse/") ? "converse" : undefined;
  let region: string | undefined;
  const lost: string[] = [];
  // ARNs contain slashes.
  while (!rest.startsWith("arn:") && rest.includes("/")) {
    const [part = ""] = rest.split("/", 1);
    if (part === "converse" || part === "invoke") api = part;
    else if (REGION.test(part)) region = part;
    else if (HANDLERS.includes(part) || part.endsWith("-commitment")) {
      lost.push(`the prefix ${part}/ of the model id`);
    } else return `${model} does not use Converse or InvokeModel`;
    rest = rest.slice(part.length + 1);
  }
  if (!/^[\x21-\x7e]+$/.test(rest) || rest.includes("*")) return `${model} is not a single model`;
  return { id: rest, api, region, lost };
}

function regionOfArn(id: string): string | undefined {
  return id.startsWith("arn:") ? id.split(":", 4)[3] : undefined;
}

function readGuardrail(config: unknown): Mapping | undefined {
  if (!isMapping(config)) return undefined;
  const { guardrailIdentifier: id, guardrailVersion: version, trace } = config;
  if (typeof id !== "string" || version === undefined) return undefined;
  return {
    id: reference(id),
    version: reference(String(version)),
    ...(typeof trace === "string" ? { trace } : {}),
  };
}

/** LiteLLM's `os.environ/NAME` as a reference; any other string escaped as a literal. */
function reference(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const [, variable] = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(value) ?? [];
  return variable === undefined ? value.replaceAll("${", () => "$${") : `\${env:${variable}}`;
}

function integerWithin(
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
    ? value
    : undefined;
}
