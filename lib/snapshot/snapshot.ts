/** The compiled configuration: immutable plain data that every layer above reads and none changes. */

import type { JsonObject } from "../base/json.ts";
import type { Path } from "../base/problems.ts";
import type { LogLevel } from "../base/log.ts";
import type { SealedSecret } from "../base/secret.ts";
import type { BetaTable } from "../facts/beta_table.ts";
import type { ModelTraits } from "../facts/traits.ts";

/** All that one version of the configuration says; a request keeps the snapshot it began with. */
export interface Snapshot {
  readonly listen: readonly ListenAddress[];
  /** Undefined where the file says `admin: off`. */
  readonly admin: ListenAddress | SocketAddress | undefined;
  /** Undefined where the configuration cannot be changed by requests. */
  readonly adminApi: AdminApiAccess | undefined;
  /** For every address of `listen`; the admin listener speaks plain HTTP. */
  readonly tls: TlsMaterial | undefined;
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly log: LogSettings;
  /** By name, in the order of the file. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** The first provider of each region in the order of the file: it answers native requests that name a model id. */
  readonly providersByRegion: ReadonlyMap<string, Provider>;
  readonly models: ReadonlyMap<string, Model>;
  /** Which of Anthropic's beta flags go to Bedrock. */
  readonly betaFlags: BetaTable;
  /** By path, such as `/bedrock`: begins with a slash and never ends with one. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly callers: ReadonlyMap<string, Caller>;
  /** By the SHA-256 of the key in lower-case hex; expired and disabled callers are in it too. */
  readonly callersByKeyHash: ReadonlyMap<string, Caller>;
  /** By the same hash, milliseconds since the Unix epoch from which a key is refused that ends before its caller does. */
  readonly keyExpiresAtMs: ReadonlyMap<string, number>;
  /** By the `access_key_id` of the caller's `aws` pair. */
  readonly callersByAccessKeyId: ReadonlyMap<string, Caller>;
}

export interface ListenAddress {
  /** Host name or address, IPv6 without its brackets. */
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/** A Unix socket. */
export interface SocketAddress {
  /** Absolute. */
  readonly path: string;
}

export interface AdminApiAccess {
  /** SHA-256 of the key in lower-case hex. */
  readonly keyHash: string;
}

export interface TlsMaterial {
  /** PEM text of the certificate and the chain behind it. */
  readonly certificate: string;
  /** PEM text. */
  readonly key: SealedSecret;
}

export interface Limits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** Levels of nesting that a JSON body may have. */
  readonly jsonDepth: number;
  /** Requests in hand at once. */
  readonly concurrent: number;
  /** Whether images behind https URLs are fetched. */
  readonly fetchImages: boolean;
}

export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  /** Longest silence of the upstream between two chunks. */
  readonly idleMs: number;
  readonly totalMs: number;
  /** How long the requests in hand may take to finish at shutdown; 0 ends them at once. */
  readonly drainMs: number;
  /** Silence after which a stream's client is sent a ping; 0 sends none. */
  readonly keepaliveMs: number;
}

export interface LogSettings {
  readonly level: LogLevel;
  /** Whether each request is logged in one line. */
  readonly requests: boolean;
}

export type Provider = BedrockProvider | EmulatorProvider;

/** A region of Amazon Bedrock and the credentials for it. */
export interface BedrockProvider {
  readonly kind: "bedrock";
  readonly name: string;
  readonly region: string;
  /** Origin, with a path prefix if the file gives one, without a trailing slash; undefined: AWS's own host. */
  readonly endpoint: string | undefined;
  /** Never set together with `endpoint`. */
  readonly fips: boolean;
  /** Never set together with `endpoint`. */
  readonly dualstack: boolean;
  readonly credentials: Credentials;
}

/** The built-in Bedrock: no account, no network. */
export interface EmulatorProvider {
  readonly kind: "emulator";
  readonly name: string;
  readonly region: string;
}

export type Credentials = KeySource | RoleCredentials | ApiKeyCredentials | CallerCredentials;

/** Where an AWS key pair comes from. */
export type KeySource = StaticCredentials | ChainCredentials | ProfileCredentials;

/** An AWS key pair, which signs with SigV4. */
export interface StaticCredentials {
  readonly kind: "static";
  readonly accessKeyId: string;
  readonly secretAccessKey: SealedSecret;
  readonly sessionToken: SealedSecret | undefined;
}

/** AWS's default chain: environment, shared files, web identity, container, EC2 instance. */
export interface ChainCredentials {
  readonly kind: "chain";
}

/** A profile of the shared AWS files. */
export interface ProfileCredentials {
  readonly kind: "profile";
  readonly profile: string;
}

/** An IAM role, assumed with the key pair of another source. */
export interface RoleCredentials {
  readonly kind: "role";
  readonly base: KeySource;
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly durationMs: number;
}

/** A Bedrock API key, sent as a bearer token. */
export interface ApiKeyCredentials {
  readonly kind: "api_key";
  readonly key: SealedSecret;
}

/** None: callers sign for AWS themselves, and their signatures are passed on untouched. */
export interface CallerCredentials {
  readonly kind: "caller";
}

/** What callers ask for by one name. */
export interface Model {
  readonly name: string;
  /** The places that may answer, in the order of the file. */
  readonly targets: readonly [ModelTarget, ...ModelTarget[]];
}

/** One place that may answer for a model: a provider, the id by which it is asked, and all that depends on that id. */
export interface ModelTarget {
  /** Unique among the model's targets: the provider's name unless the file gives another. */
  readonly name: string;
  /** Where the file has it: `["models", "fast"]`, or with `"targets"` and an index. */
  readonly path: Path;
  readonly provider: Provider;
  /** Model id, inference profile id or ARN, as Bedrock is to be asked for it. */
  readonly id: string;
  /** The model id that tells the family, where `id` hides it. */
  readonly baseModel: string | undefined;
  /** What the model can do, by the data tables and the model's own entry. */
  readonly traits: ModelTraits;
  /** Bedrock operation for Anthropic Messages requests; undefined: by the model's family. */
  readonly api: ModelApi | undefined;
  /** Taken where a request leaves the field out. */
  readonly defaults: ModelDefaults;
  readonly guardrail: Guardrail | undefined;
  /** Sent as Bedrock's `requestMetadata`; empty where the file gives none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the operator sets for requests: defaults apply where the caller is silent; the others override the caller's. */
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
  /** What a request's own `additionalModelRequestFields` are merged over. */
  readonly additionalModelRequestFields?: JsonObject;
}

export const SERVICE_TIERS = ["default", "flex", "priority", "reserved"] as const;
export type ServiceTier = (typeof SERVICE_TIERS)[number];

export const LATENCIES = ["standard", "optimized"] as const;
export type Latency = (typeof LATENCIES)[number];

export const GUARDRAIL_TRACES = ["enabled", "disabled", "enabled_full"] as const;
export type GuardrailTrace = (typeof GUARDRAIL_TRACES)[number];

export interface Guardrail {
  /** Guardrail id or ARN. */
  readonly id: string;
  /** A number or `DRAFT`. */
  readonly version: string;
  readonly trace: GuardrailTrace;
}

/** A path of the operator's own that speaks OpenAI Chat with a default model. */
export interface Route {
  readonly path: string;
  readonly model: Model;
}

export interface Caller {
  readonly name: string;
  /** Callers with equal lists share one. */
  readonly models: ModelAccess;
  /** Undefined: it may not use Bedrock's own API with model ids. */
  readonly native: NativeAccess | undefined;
  /** Milliseconds since the Unix epoch from which the key is refused. */
  readonly expiresAtMs: number | undefined;
  readonly disabled: boolean;
  /** The pair with which AWS SDKs sign their requests to this gateway. */
  readonly aws: CallerKeyPair | undefined;
}

/** The configured models that a caller may use, as the file says it: never more than that, however many models match. */
export interface ModelAccess {
  /** Those listed by name. */
  readonly names: ReadonlySet<string>;
  /** Globs over names; one match is enough. */
  readonly globs: readonly string[];
}

/** Leave to use Bedrock's own API with model ids instead of configured names. */
export interface NativeAccess {
  /** In the order of the file; a request that names no region means the first. */
  readonly regions: ReadonlySet<string>;
  /** Globs over model ids; one match is enough. */
  readonly ids: readonly string[];
}

export interface CallerKeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: SealedSecret;
}
