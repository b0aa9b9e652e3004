/** From checked values with names in them to the snapshot, where every name has become the thing it names. */

import type { DataTables } from "./data.ts";
import { checkAddresses } from "./addresses.ts";
import { indexByAccessKeyId, indexByKeyHash, linkCaller } from "./callers.ts";
import { LinkContext, type LinkOptions } from "./context.ts";
import { linkModel, linkRoute } from "./models.ts";
import { linkProvider } from "./providers.ts";
import { type Problem, quote } from "../../base/problems.ts";
import { type Config, MODEL_NAME, NAME, ROUTE_PATH } from "../schema/config_file.ts";
import type { Provider, Snapshot, TlsMaterial } from "../../snapshot/snapshot.ts";
import { parseKeyHash } from "../schema/values.ts";

export interface Linked {
  /** Only to be used if there are no problems, here or earlier. */
  readonly snapshot: Snapshot;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** What the files that the configuration names came to. */
interface Loaded {
  readonly tls: TlsMaterial | undefined;
  readonly tables: DataTables;
}

/** Links a configuration, or the sound part of one: what was cut from it, and what is missing because of that, is no problem. */
export function linkConfig(
  config: Config,
  { tls, tables, ...options }: LinkOptions & Loaded,
): Linked {
  const context = new LinkContext(options);
  const listen = Array.isArray(config.listen) ? config.listen : [config.listen];
  const admin = config.admin === "off" ? undefined : config.admin;
  checkAddresses({ listen, admin, hasAdminApi: config.admin_api !== undefined }, context);
  checkTimeouts(config.timeouts, context);

  const entries = entryLinker(config, context);
  const providers = entries("providers", (name, entry) => linkProvider(name, entry, context));
  const providersByRegion = firstOfEachRegion(providers);
  const models = entries("models", (name, entry) => linkModel(name, entry, { context, providers, tables }));
  const routes = entries("routes", (path, entry) => linkRoute(path, entry.model, { context, models }));
  const targets = { context, models, regions: [...providersByRegion.keys()] };
  const callers = entries("callers", (name, entry) => linkCaller(name, entry, targets));
  if (context.namesIn("providers").length === 0) {
    context.fail(["providers"], "at least one provider is needed");
  }
  if (context.namesIn("callers").length === 0) {
    context.warn(["callers"], 'there are no callers, so every request is refused: "adit keygen" makes a key');
  }

  const snapshot: Snapshot = {
    listen,
    admin,
    adminApi: config.admin_api && { keyHash: parseKeyHash(config.admin_api.key) },
    tls,
    limits: {
      bodyBytes: config.limits.body,
      headerBytes: config.limits.headers,
      jsonDepth: config.limits.json_depth,
      concurrent: config.limits.concurrent,
      fetchImages: config.limits.fetch_images,
    },
    timeouts: {
      connectMs: config.timeouts.connect,
      firstByteMs: config.timeouts.first_byte,
      idleMs: config.timeouts.idle,
      totalMs: config.timeouts.total,
      drainMs: config.timeouts.drain,
      keepaliveMs: config.timeouts.keepalive,
    },
    log: config.log,
    providers,
    providersByRegion,
    models,
    betaFlags: tables.betaFlags,
    routes,
    callers,
    callersByKeyHash: indexByKeyHash(config.callers, callers, context),
    callersByAccessKeyId: indexByAccessKeyId(callers, context),
  };
  return { snapshot, problems: context.problems, warnings: context.warnings };
}

const NAMES = {
  providers: { pattern: NAME, expected: "letters, digits and . _ - (at most 64)" },
  models: { pattern: MODEL_NAME, expected: "letters, digits and . _ : @ / - (at most 128)" },
  routes: { pattern: ROUTE_PATH, expected: "a path such as /bedrock, without a slash at its end," },
  callers: { pattern: NAME, expected: "letters, digits and . _ - (at most 64)" },
} as const;

type Section = keyof typeof NAMES;

/** Checks a section's names and links its entries, in the order of the file; what gives undefined is left out. */
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
        context.failName([section, name], `expected ${expected} as the name, found ${quote(name)}`);
      }
      if (!Object.hasOwn(entries, name)) continue;
      const value = link(name, entries[name] as Config[Key][string]);
      if (value !== undefined) linked.set(name, value);
    }
    return linked;
  };
}

function firstOfEachRegion(providers: ReadonlyMap<string, Provider>): ReadonlyMap<string, Provider> {
  const byRegion = new Map<string, Provider>();
  for (const provider of providers.values()) {
    if (!byRegion.has(provider.region)) byRegion.set(provider.region, provider);
  }
  return byRegion;
}

/** Only of what the file says: a default above a small `total` is nothing to be told of. */
function checkTimeouts(timeouts: Config["timeouts"], context: LinkContext): void {
  const given = context.namesIn("timeouts");
  for (const key of ["connect", "first_byte", "idle"] as const) {
    if (given.includes(key) && timeouts[key] > timeouts.total) {
      context.warn(["timeouts", key], "longer than timeouts.total, which ends the request before");
    }
  }
}
