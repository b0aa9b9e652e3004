/** Turns checked values into the snapshot, in which every name is resolved. */

import { type ModelTable, traitsOf } from "../../facts/model_table.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { DataTables } from "./data.ts";
import { AccessLinker } from "./caller_access.ts";
import { checkAddresses, checkAdminReach } from "./addresses.ts";
import { indexByAccessKeyId, indexByKeyHash, type KeyIndex, linkCaller } from "./callers.ts";
import { checkKeyHash, DEMO_KEY_HASH } from "./keys.ts";
import { warnOfDoubts } from "./doubts.ts";
import { LinkContext, type LinkOptions } from "./context.ts";
import { linkRateLimits } from "./limit_rules.ts";
import { linkModels, linkRoute } from "./models.ts";
import { linkBudgets } from "./budget_rules.ts";
import { linkPrices } from "./price_settings.ts";
import { linkProvider } from "./providers.ts";
import { type Problem, quote, quoteKey } from "../../base/problems.ts";
import type { Config } from "../schema/config_file.ts";
import type { Provider } from "../../snapshot/provider.ts";
import type { ListenAddress, Snapshot, TlsMaterial } from "../../snapshot/snapshot.ts";
import { seal } from "../../base/secret.ts";
import { MODEL_NAME, NAME, parseKeyHash, ROUTE_PATH } from "../schema/values.ts";
import { bracketed, isLoopback, unbracketed } from "../../base/host.ts";

export interface Linked {
  /** Only usable if there are no problems, here or earlier. */
  readonly snapshot: Snapshot;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** The content of the files that the configuration names. */
interface Loaded {
  readonly tls: TlsMaterial | undefined;
  readonly adminTls: TlsMaterial | undefined;
  /** Certificate authorities by provider, as PEM. */
  readonly authorities: ReadonlyMap<string, string>;
  readonly tables: DataTables;
  readonly nowMs: number;
}

/** Links a configuration, or its valid part. Problems that follow from parts that were cut are not reported. */
export function linkConfig(
  config: Config,
  { tls, adminTls, authorities, tables, nowMs, ...options }: LinkOptions & Loaded,
): Linked {
  const context = new LinkContext(options);
  const listen = Array.isArray(config.listen) ? config.listen : [config.listen];
  const admin = config.admin === "off" ? undefined : config.admin;
  checkAddresses({ listen, admin }, context);
  checkAdminReach(config, admin, context);
  checkTimeouts(config.timeouts, context);
  checkTraces(config.traces, context);
  warnOfDoubts(config, { context, nowMs });

  const entries = entryLinker(config, context);
  const providers = entries(
    "providers",
    (name, entry) => linkProvider(name, entry, { context, authorities }),
  );
  const providersByRegion = firstOfEachRegion(providers);
  const models = linkModels(entries("models", (_name, entry) => entry), {
    context,
    providers,
    traitsOf: traitsLookup(tables.models),
  });
  const routes = entries("routes", (path, entry) => linkRoute(path, entry.model, { context, models }));
  const access = new AccessLinker({ context, models, regions: [...providersByRegion.keys()] });
  const callers = entries("callers", (name, entry) => linkCaller(name, entry, { context, access }));
  if (context.namesIn("providers").length === 0) {
    context.fail(["providers"], "at least one provider is required");
  }
  if (context.namesIn("callers").length === 0) {
    context.warn(
      ["callers"],
      'there are no callers, so every request is refused; run "adit keygen" to create a key',
    );
  }

  const keys = indexByKeyHash(config.callers, callers, context);
  checkAdminKey(config, keys, context);
  checkMetricsKey(config, context);
  checkExposure({ listen, hasTls: config.tls !== undefined }, keys, context);

  const targets = { context, callers, models };
  const snapshot: Snapshot = {
    ...settingsOf(config),
    listen,
    admin,
    adminApi: config.admin_api && { keyHash: parseKeyHash(config.admin_api.key) },
    adminTls: admin !== undefined && "port" in admin ? adminTls : undefined,
    metricsKeyHash: config.metrics_key && parseKeyHash(config.metrics_key),
    tls,
    providers,
    providersByRegion,
    models,
    betaFlags: tables.betaFlags,
    prices: linkPrices(config.prices, tables.prices, context),
    routes,
    callers,
    ...keys,
    callersByAccessKeyId: indexByAccessKeyId(callers, context),
    budgets: linkBudgets(config, entries("budgets", (_name, entry) => entry), targets),
    rateLimits: linkRateLimits(config, entries("rate_limits", (_name, entry) => entry), targets),
  };
  return { snapshot, problems: context.problems, warnings: context.warnings };
}

type Settings = Pick<
  Snapshot,
  | "cors"
  | "trustedProxies"
  | "threads"
  | "limits"
  | "timeouts"
  | "log"
  | "responseHeaders"
  | "traces"
  | "state"
>;

/** The settings that refer to nothing else in the file. */
function settingsOf(config: Config): Settings {
  return {
    cors: config.cors,
    trustedProxies: config.trusted_proxies,
    threads: config.threads,
    limits: {
      bodyBytes: config.limits.body,
      headerBytes: config.limits.headers,
      jsonDepth: config.limits.json_depth,
      jsonValues: config.limits.json_values,
      concurrent: config.limits.concurrent,
      fetchImages: config.limits.fetch_images,
    },
    timeouts: {
      connectMs: config.timeouts.connect,
      firstByteMs: config.timeouts.first_byte,
      idleMs: config.timeouts.idle,
      totalMs: config.timeouts.total,
      drainMs: config.timeouts.drain,
      drainDelayMs: config.timeouts.drain_delay,
      keepaliveMs: config.timeouts.keepalive,
    },
    log: config.log,
    responseHeaders: {
      target: config.response_headers.target,
      cost: config.response_headers.cost,
      streamCost: config.response_headers.stream_cost,
    },
    traces: config.traces && {
      endpoint: config.traces.endpoint,
      headers: Object.entries(config.traces.headers).map(([name, value]) => [name, seal(value)] as const),
      share: config.traces.share,
    },
    state: config.state && {
      path: config.state.path,
      requestDays: config.state.requests,
      hourDays: config.state.hours,
      maxBytes: config.state.max_size,
      required: config.state.required,
    },
  };
}

/** Checks the admin key, which allows everything and should therefore have no other use. */
function checkAdminKey(
  { admin_api: api }: Config,
  { callersByKeyHash }: KeyIndex,
  context: LinkContext,
): void {
  if (api === undefined) return;
  const path = ["admin_api", "key"];
  const hash = parseKeyHash(api.key);
  checkKeyHash(path, hash, context);
  const caller = callersByKeyHash.get(hash);
  if (caller !== undefined) {
    context.warn(
      path,
      `caller ${quote(caller.name)} has the same key and can therefore change the configuration`,
    );
  }
  if (hash === DEMO_KEY_HASH) context.warn(path, `this is the demo key, which is public; ${NEW_KEY}`);
}

/** Checks the metrics key, which must allow nothing else. */
function checkMetricsKey({ admin_api: api, metrics_key: key }: Config, context: LinkContext): void {
  if (key === undefined) return;
  const hash = parseKeyHash(key);
  checkKeyHash(["metrics_key"], hash, context);
  if (api !== undefined && parseKeyHash(api.key) === hash) {
    context.fail(["metrics_key"], "must not be the key of admin_api, which allows everything");
  }
  if (hash === DEMO_KEY_HASH) {
    context.warn(["metrics_key"], `this is the demo key, which is public; ${NEW_KEY}`);
  }
}

const NEW_KEY = 'run "adit keygen" to create another';

interface Exposure {
  readonly listen: readonly ListenAddress[];
  readonly hasTls: boolean;
}

/** Reports listeners that other hosts can reach if they accept the demo key or are unencrypted. */
function checkExposure(
  { listen, hasTls }: Exposure,
  { callersByKeyHash }: KeyIndex,
  context: LinkContext,
): void {
  const index = listen.findIndex(({ hostname }) => !isLoopback(hostname));
  if (index === -1) return;
  const demo = callersByKeyHash.get(DEMO_KEY_HASH);
  if (demo !== undefined) {
    context.warn(
      ["callers", demo.name, "key"],
      `this is the demo key, which is public, and other hosts can reach ${
        addressText(listen[index])
      }; ${NEW_KEY}`,
    );
  }
  if (!hasTls) {
    context.warn(
      listen.length > 1 ? ["listen", index] : ["listen"],
      "keys and prompts are sent unencrypted; set tls, or listen on 127.0.0.1 behind a TLS proxy",
    );
  }
}

function addressText(address: ListenAddress | undefined): string {
  return address === undefined ? "" : `${bracketed(address.hostname)}:${address.port}`;
}

const NAMES = {
  providers: { pattern: NAME, expected: "letters, digits and . _ - (at most 64)" },
  models: { pattern: MODEL_NAME, expected: "letters, digits and . _ : @ / - (at most 128)" },
  routes: { pattern: ROUTE_PATH, expected: "a path such as /bedrock, without a trailing slash," },
  rate_limits: { pattern: NAME, expected: "letters, digits and . _ - (at most 64)" },
  budgets: { pattern: NAME, expected: "letters, digits and . _ - (at most 64)" },
  callers: { pattern: NAME, expected: "letters, digits and . _ - (at most 64)" },
} as const;

type Section = keyof typeof NAMES;

/**
 * Checks a section's names and links its entries, in file order; entries that link to undefined are dropped.
 */
function entryLinker(config: Config, context: LinkContext) {
  return <Key extends Section, Value>(
    section: Key,
    link: (name: string, entry: Config[Key][string]) => Value | undefined,
  ): ReadonlyMap<string, Value> => {
    const entries: Config[Key] = config[section];
    const { pattern, expected } = NAMES[section];
    const linked = new Map<string, Value>();
    for (const name of context.namesIn(section)) {
      if (!pattern.test(name)) {
        context.failName(
          [section, name],
          `expected ${expected} as the name, found ${section === "models" ? quote(name) : quoteKey(name)}`,
        );
      }
      if (!Object.hasOwn(entries, name)) continue;
      const value = link(name, entries[name] as Config[Key][string]);
      if (value !== undefined) linked.set(name, value);
    }
    return linked;
  };
}

/** Looks up the traits of model ids, each once, so that models with the same id share one object. */
function traitsLookup(table: ModelTable): (modelId: string) => ModelTraits {
  const known = new Map<string, ModelTraits>();
  return (modelId) => {
    let traits = known.get(modelId);
    if (traits === undefined) {
      traits = traitsOf(modelId, table);
      known.set(modelId, traits);
    }
    return traits;
  };
}

function firstOfEachRegion(providers: ReadonlyMap<string, Provider>): ReadonlyMap<string, Provider> {
  const byRegion = new Map<string, Provider>();
  for (const provider of providers.values()) {
    if (!byRegion.has(provider.region)) byRegion.set(provider.region, provider);
  }
  return byRegion;
}

function checkTraces(traces: Config["traces"], context: LinkContext): void {
  if (traces === undefined || !traces.endpoint.startsWith("http:")) return;
  if (Object.keys(traces.headers).length === 0) return;
  if (isLoopback(unbracketed(new URL(traces.endpoint).hostname))) return;
  context.warn(["traces", "endpoint"], "the headers are sent unencrypted; use https");
}

/** Checks only values in the file: a default that is longer than a small `total` needs no warning. */
function checkTimeouts(timeouts: Config["timeouts"], context: LinkContext): void {
  const given = context.namesIn("timeouts");
  for (const key of ["connect", "first_byte", "idle"] as const) {
    if (given.includes(key) && timeouts[key] > timeouts.total) {
      context.warn(["timeouts", key], "longer than timeouts.total, which ends the request earlier");
    }
  }
}
