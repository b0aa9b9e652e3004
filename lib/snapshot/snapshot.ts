/** The compiled configuration: immutable plain data for every layer above. */

import type { JsonObject } from "../base/json.ts";
import type { Path } from "../base/problems.ts";
import type { LogLevel } from "../base/log/log.ts";
import type { SealedSecret } from "../base/secret.ts";
import type { BetaTable } from "../facts/beta_table.ts";
import type { Budget } from "./budget.ts";
import type { PriceRow } from "../facts/price_table.ts";
import type { ModelTraits } from "../facts/traits.ts";
import type { RateLimit } from "./limits.ts";
import type { Provider } from "./provider.ts";

/** One version of the configuration; a request keeps the snapshot with which it began. */
export interface Snapshot {
  readonly listen: readonly ListenAddress[];
  /** Undefined for `admin: off`. */
  readonly admin: ListenAddress | SocketAddress | undefined;
  /** Undefined if the admin API is disabled. */
  readonly adminApi: AdminApiAccess | undefined;
  /** Undefined: the admin listener speaks plain HTTP. */
  readonly adminTls: TlsMaterial | undefined;
  /** SHA-256 of the key that can only read metrics, in lowercase hex. */
  readonly metricsKeyHash: string | undefined;
  /** Applies to all addresses of `listen`; undefined for plain HTTP. */
  readonly tls: TlsMaterial | undefined;
  /** Undefined if web pages of other origins may not read responses. */
  readonly cors: Cors | undefined;
  /** Addresses and networks whose `x-forwarded-for` and `forwarded` headers are trusted. */
  readonly trustedProxies: readonly string[];
  /** Threads that serve requests; `auto`: as many as there are cores, up to 8. */
  readonly threads: number | "auto";
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly log: LogSettings;
  readonly responseHeaders: ResponseHeaders;
  /** Undefined if requests are not traced. */
  readonly traces: TraceSettings | undefined;
  /** By name, in file order. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** The first provider of each region in file order; it serves native requests with a model id. */
  readonly providersByRegion: ReadonlyMap<string, Provider>;
  readonly models: ReadonlyMap<string, Model>;
  /** Which of Anthropic's beta flags are sent to Bedrock. */
  readonly betaFlags: BetaTable;
  readonly prices: PriceSettings;
  /** Undefined if nothing is stored on disk. */
  readonly state: StateSettings | undefined;
  /** By path, such as `/bedrock`: begins with a slash and never ends with one. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly callers: CallerIndex;
  /** By the SHA-256 of the key in lowercase hex, including expired and disabled callers. */
  readonly callersByKeyHash: CallerIndex;
  /**
   * By the same hash, for keys that expire before their caller: milliseconds since the Unix epoch from which the key is
   * refused.
   */
  readonly keyExpiresAtMs: ReadonlyMap<string, number>;
  /** By the `access_key_id` of the caller's `aws` pair. */
  readonly callersByAccessKeyId: CallerIndex;
  /** Every rule that matches a request applies to it. */
  readonly rateLimits: readonly RateLimit[];
  /** In file order, then those of callers. */
  readonly budgets: readonly Budget[];
}

/** Callers by name, hash or id, with the methods of a `Map` that are in use. */
export interface CallerIndex {
  readonly size: number;
  get(key: string): Caller | undefined;
  /** In file order, as are the other iterators. */
  keys(): IterableIterator<string>;
  values(): IterableIterator<Caller>;
  entries(): IterableIterator<[string, Caller]>;
}

export interface ListenAddress {
  /** Host name or address; IPv6 without brackets. */
  readonly hostname: string;
  /** 0 selects a free port. */
  readonly port: number;
}

/** A Unix socket. */
export interface SocketAddress {
  /** Absolute. */
  readonly path: string;
}

export interface AdminApiAccess {
  /** SHA-256 of the key in lowercase hex. */
  readonly keyHash: string;
}

export interface TlsMaterial {
  /** PEM of the certificate and its chain. */
  readonly certificate: string;
  /** PEM. */
  readonly key: SealedSecret;
  /** The last moment at which the first certificate is valid, in milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
}

export interface Cors {
  /** Such as `https://app.example.com`, or `*` for all. */
  readonly origins: readonly string[];
}

export interface Limits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** Maximum nesting depth of a JSON body. */
  readonly jsonDepth: number;
  /** Maximum number of members and elements in a JSON body, at any depth. */
  readonly jsonValues: number;
  /** Maximum number of in-flight requests. */
  readonly concurrent: number;
  /** Whether images are fetched from https URLs. */
  readonly fetchImages: boolean;
}

export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  /** Maximum time between two chunks from the upstream. */
  readonly idleMs: number;
  readonly totalMs: number;
  /** How long in-flight requests may take to finish at shutdown; 0 aborts them immediately. */
  readonly drainMs: number;
  /** How long requests are still accepted at shutdown, once the gateway reports that it is not ready. */
  readonly drainDelayMs: number;
  /** Time without data after which a streaming client is sent a ping; 0 disables pings. */
  readonly keepaliveMs: number;
}

/** Where usage is stored, and for how long. */
export interface StateSettings {
  /** Absolute path of a folder. */
  readonly path: string;
  readonly requestDays: number;
  readonly hourDays: number;
  readonly maxBytes: number;
  /** Whether the gateway refuses to run without its ledger. */
  readonly required: boolean;
}

/** Where prices come from. */
export interface PriceSettings {
  /** Rows of the operator's file, which override the built-in ones. */
  readonly rows: readonly PriceRow[];
  /** What to do with a request whose price is unknown: serve it, or refuse it to callers with a budget in USD. */
  readonly unknown: "allow" | "refuse";
  /** The model whose price is used for an unknown one. */
  readonly assume: string | undefined;
}

/** Headers of responses that can be turned on and off. */
export interface ResponseHeaders {
  /** Whether headers name the target that answered and those that failed before. */
  readonly target: boolean;
  /** Whether a header names the cost of a response that is not streamed. */
  readonly cost: boolean;
  /** Whether a comment after the last event of a stream names its cost. */
  readonly streamCost: boolean;
}

/** Where traces are sent. */
export interface TraceSettings {
  /** URL of the collector's traces, without a trailing slash. */
  readonly endpoint: string;
  readonly headers: readonly (readonly [name: string, value: SealedSecret])[];
  /** Share of requests to trace, from 0 to 1, among those that arrive without a trace context. */
  readonly share: number;
}

export interface LogSettings {
  readonly level: LogLevel;
  /** Whether each request is logged, in one line. */
  readonly requests: boolean;
}

/** A model that callers request by name. */
export interface Model {
  readonly name: string;
  /** The model's targets, in file order. */
  readonly targets: readonly [ModelTarget, ...ModelTarget[]];
  readonly routing: Routing;
}

export const PICKS = ["load", "weight"] as const;

export const AFTER_CLIENT_LEFT = ["abort", "drain"] as const;

/** How one of a model's targets is chosen, and when another one is tried. */
export interface Routing {
  /** How to choose among targets of one priority: the less loaded of two random ones, or by weight. */
  readonly pick: (typeof PICKS)[number];
  /**
   * Keys that tie a conversation to one target, in order of precedence: see `AFFINITY_KEY`. Empty for none.
   */
  readonly affinity: readonly string[];
  readonly retry: RetryPolicy;
  readonly health: HealthPolicy;
  /** From the start of an attempt to the first content of a stream; undefined for no separate limit. */
  readonly firstTokenMs: number | undefined;
  /** How long the first frames of a stream are held back while another target could still answer. */
  readonly commitWithinMs: number;
  /** What to do with a response whose client has left: abort it, or read it to the end for its token counts. */
  readonly afterClientLeft: (typeof AFTER_CLIENT_LEFT)[number];
}

export interface RetryPolicy {
  /** Maximum number of attempts for one request, including the first. */
  readonly attempts: number;
  /** Number of retries that each request adds to its model's retry budget. */
  readonly share: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** If the upstream's retry-after is longer, the target is not retried. */
  readonly retryAfterMaxMs: number;
}

export interface HealthPolicy {
  /** Consecutive failures after which a target rests. */
  readonly failures: number;
  /** Duration of the first rest; each further one is twice as long. */
  readonly coolMs: number;
  readonly coolMaxMs: number;
}

/** One target of a model: a provider, the model id to use there, and everything that depends on that id. */
export interface ModelTarget {
  /** Unique among the model's targets; default: the provider's name. */
  readonly name: string;
  /** The target's path in the file: `["models", "fast"]`, or with `"targets"` and an index. */
  readonly path: Path;
  /** File and line of the target, such as `adit.yaml:12`. */
  readonly origin: string;
  /** Targets with the lowest priority are tried first. */
  readonly priority: number;
  /** Share among the targets of one priority. */
  readonly weight: number;
  readonly provider: Provider;
  /** Model id, inference profile id or ARN to send to Bedrock. */
  readonly id: string;
  /** The id of the underlying model, if `id` does not contain it. */
  readonly baseModel: string | undefined;
  /** What the model supports, from the data tables and the model's own entry. */
  readonly traits: ModelTraits;
  /** Bedrock operation for Anthropic Messages requests; undefined for the family's default. */
  readonly api: ModelApi | undefined;
  /** The APIs that Bedrock itself offers for this model; undefined if every request is translated. */
  readonly ownApis: OwnApis | undefined;
  /** Types of tools that are dropped from requests that are passed on, and from Responses. */
  readonly dropTools: readonly string[];
  /** Defaults for fields that a request does not set. */
  readonly defaults: ModelDefaults;
  readonly guardrail: Guardrail | undefined;
  /** Sent as Bedrock's `requestMetadata`; empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Ids to send instead of `id` for callers of a team, such as application inference profiles; by team. */
  readonly teamIds: Readonly<Record<string, string>>;
}

/** Bedrock's endpoints that offer OpenAI's and Anthropic's APIs. */
export const OWN_ENDPOINTS = ["runtime", "mantle"] as const;
export type OwnEndpoint = (typeof OWN_ENDPOINTS)[number];

export const OWN_APIS = ["chat", "responses", "messages"] as const;
export type OwnApi = (typeof OWN_APIS)[number];

export const MANTLE_PATHS = ["/openai/v1", "/v1"] as const;

/** By API: the endpoint to which requests are passed on; undefined if they are translated. */
export interface OwnApis extends Readonly<Record<OwnApi, OwnEndpoint | undefined>> {
  /** Path of OpenAI's APIs for this model at the mantle endpoint. */
  readonly mantlePath: (typeof MANTLE_PATHS)[number];
  /** Whether tools in the input items of Responses become tools of the request. */
  readonly hoistsTools: boolean;
}

/**
 * The operator's settings for requests: defaults apply to what the caller does not set; the others override the
 * caller's.
 */
export type ModelSettings = Pick<ModelTarget, "defaults" | "guardrail" | "metadata">;

export const MODEL_APIS = ["converse", "invoke"] as const;
export type ModelApi = (typeof MODEL_APIS)[number];

export interface ModelDefaults {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stop?: readonly string[];
  readonly serviceTier?: ServiceTier;
  readonly latency?: Latency;
  /** Size of the vectors of embeddings. */
  readonly dimensions?: number;
  readonly inputType?: InputType;
  /** The `additionalModelRequestFields` of a request are merged over these. */
  readonly additionalModelRequestFields?: JsonObject;
}

export const SERVICE_TIERS = ["default", "flex", "priority", "reserved"] as const;
export type ServiceTier = (typeof SERVICE_TIERS)[number];

export const LATENCIES = ["standard", "optimized"] as const;
export type Latency = (typeof LATENCIES)[number];

/** What embeddings are used for: some models return different vectors for documents and for queries. */
export const INPUT_TYPES = ["search_document", "search_query", "classification", "clustering"] as const;
export type InputType = (typeof INPUT_TYPES)[number];

export const GUARDRAIL_TRACES = ["enabled", "disabled", "enabled_full"] as const;
export type GuardrailTrace = (typeof GUARDRAIL_TRACES)[number];

export interface Guardrail {
  /** Guardrail id or ARN. */
  readonly id: string;
  /** A number or `DRAFT`. */
  readonly version: string;
  readonly trace: GuardrailTrace;
}

/** An additional path for OpenAI Chat with a default model. */
export interface Route {
  readonly path: string;
  readonly model: Model;
}

export interface Caller {
  readonly name: string;
  /** Callers of a team can share limits and budgets. */
  readonly team: string | undefined;
  /** Names and values for limits, budgets and reports; empty if the file has none. */
  readonly tags: Readonly<Record<string, string>>;
  /** One object for all callers with equal lists. */
  readonly models: ModelAccess;
  /** Undefined if the caller may not use Bedrock's native API. */
  readonly native: NativeAccess | undefined;
  /** Milliseconds since the Unix epoch from which the key is refused. */
  readonly expiresAtMs: number | undefined;
  readonly disabled: boolean;
  /** Geographies or regions in which its requests must stay; undefined for anywhere. */
  readonly dataResidency: readonly string[] | undefined;
  /** The key pair with which AWS SDKs sign their requests to this gateway. */
  readonly aws: CallerKeyPair | undefined;
  /** Globs over the S3 buckets that native requests may name; undefined for none. */
  readonly s3: readonly string[] | undefined;
}

/**
 * The configured models that a caller may use, as written in the file, so that its size does not depend on the number
 * of models.
 */
export interface ModelAccess {
  /** Models listed by name. */
  readonly names: ReadonlySet<string>;
  /** Globs over names; one match is enough. */
  readonly globs: readonly string[];
}

/** Permission to call Bedrock's native API with model ids instead of configured names. */
export interface NativeAccess {
  /** In file order; a request that names no region uses the first. */
  readonly regions: ReadonlySet<string>;
  /** Globs over model ids; one match is enough. */
  readonly ids: readonly string[];
}

export interface CallerKeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: SealedSecret;
}
