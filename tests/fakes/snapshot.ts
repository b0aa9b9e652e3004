/** Small configurations that are built without a file. */

import { createHash } from "node:crypto";
import { seal } from "../../lib/base/secret.ts";
import { builtInBetaTable } from "../../lib/facts/beta_table.ts";
import { DIRECT } from "../../lib/snapshot/plan.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { modelAccess } from "../../lib/snapshot/access.ts";
import type { BedrockProvider, Provider } from "../../lib/snapshot/provider.ts";
import type { Caller, Model, ModelTarget, Snapshot, Timeouts } from "../../lib/snapshot/snapshot.ts";

export const TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  firstByteMs: 60_000,
  idleMs: 30_000,
  totalMs: 600_000,
  drainMs: 30_000,
  drainDelayMs: 0,
  keepaliveMs: 15_000,
};

/** A Bedrock provider with a key pair, at AWS's own host unless `endpoint` is given. */
export function provider(name: string, region: string, endpoint?: string): BedrockProvider {
  return {
    kind: "bedrock",
    name,
    region,
    endpoint,
    mantleEndpoint: undefined,
    fips: false,
    dualstack: false,
    network: undefined,
    credentials: {
      kind: "static",
      accessKeyId: "AKIDEXAMPLE",
      secretAccessKey: seal("upstream-secret-key"),
      sessionToken: undefined,
    },
    quotas: [],
  };
}

export function model(name: string, from: Provider, id = `anthropic.${name}-v1:0`): Model {
  return { name, targets: [modelTarget(name, from, id)], routing: DIRECT };
}

/** The only target of a model. */
export function modelTarget(name: string, from: Provider, id: string): ModelTarget {
  return {
    name: from.name,
    path: ["models", name],
    origin: "adit.yaml:1",
    priority: 0,
    weight: 1,
    provider: from,
    id,
    baseModel: undefined,
    traits: traitsOf(id, builtInModelTable()),
    api: undefined,
    ownApis: undefined,
    dropTools: [],
    defaults: {},
    guardrail: undefined,
    metadata: {},
    teamIds: {},
  };
}

/** The model with these settings on each of its targets. */
export function withSettings(model: Model, settings: Partial<ModelTarget>): Model {
  const [first, ...others] = model.targets;
  return {
    ...model,
    targets: [{ ...first, ...settings }, ...others.map((target) => ({ ...target, ...settings }))],
  };
}

/** A caller; `key` is what it authenticates with. */
export interface KeyedCaller extends Caller {
  readonly key: string;
}

/** The settings of a caller; its models are names and globs. */
type CallerParts = Partial<Omit<Caller, "models">> & { readonly models?: Iterable<string> };

export function caller(name: string, { models = [], ...overrides }: CallerParts = {}): KeyedCaller {
  return {
    key: `key-of-${name}`,
    name,
    team: undefined,
    tags: {},
    models: modelAccess([...models]),
    native: undefined,
    expiresAtMs: undefined,
    disabled: false,
    dataResidency: undefined,
    aws: undefined,
    s3: undefined,
    ...overrides,
  };
}

/** Native access to the regions, in this order, for the model ids that a glob matches. */
export function native(regions: readonly string[], ids: readonly string[] = ["*"]): Caller["native"] {
  return { regions: new Set(regions), ids };
}

export interface SnapshotParts
  extends Partial<Omit<Snapshot, "providers" | "models" | "callers" | "routes">> {
  readonly models?: readonly Model[];
  readonly callers?: readonly KeyedCaller[];
  /** Default model by path. */
  readonly routes?: Readonly<Record<string, Model>>;
}

export function snapshot(
  { models = [], callers = [], routes = {}, ...overrides }: SnapshotParts = {},
): Snapshot {
  const providers = new Map(
    models.flatMap(({ targets }) => targets.map(({ provider }) => [provider.name, provider])),
  );
  return {
    listen: [],
    admin: undefined,
    adminApi: undefined,
    adminTls: undefined,
    traces: undefined,
    metricsKeyHash: undefined,
    tls: undefined,
    cors: undefined,
    trustedProxies: [],
    threads: 1,
    limits: {
      bodyBytes: 1024 * 1024,
      headerBytes: 16 * 1024,
      jsonDepth: 64,
      jsonValues: 100_000,
      concurrent: 100,
      fetchImages: false,
    },
    timeouts: TIMEOUTS,
    log: { level: "info", requests: true },
    responseHeaders: { target: true, cost: true, streamCost: false },
    providers,
    providersByRegion: new Map([...providers.values()].reverse().map((each) => [each.region, each])),
    models: new Map(models.map((each) => [each.name, each])),
    betaFlags: builtInBetaTable(),
    state: undefined,
    prices: { rows: [], unknown: "allow", assume: undefined },
    routes: new Map(Object.entries(routes).map(([path, each]) => [path, { path, model: each }])),
    callers: new Map(callers.map((each) => [each.name, each])),
    keyExpiresAtMs: new Map(),
    callersByKeyHash: new Map(callers.map((each) => [keyHash(each.key), each])),
    callersByAccessKeyId: new Map(
      callers.flatMap((each) => each.aws === undefined ? [] : [[each.aws.accessKeyId, each] as const]),
    ),
    rateLimits: [],
    budgets: [],
    ...overrides,
  };
}

function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
