/** Callers: what each may use, and how each is recognised. */

import { Secret } from "../../base/secret.ts";
import { compileGlob, isGlob } from "../../base/glob.ts";
import type { LinkContext } from "./context.ts";
import { type Path, quote } from "../../base/problems.ts";
import type { CallerConfig, Config } from "../schema/config_file.ts";
import type { Caller, Model, NativeAccess } from "../../snapshot/snapshot.ts";
import { checkKeyHash, linkKeys } from "./keys.ts";

export interface CallerTargets {
  readonly context: LinkContext;
  readonly models: ReadonlyMap<string, Model>;
  /** Regions that have a provider. */
  readonly regions: readonly string[];
}

/** The caller with its globs compared to what there is: one that may use nothing is warned of, not refused. */
export function linkCaller(name: string, entry: CallerConfig, targets: CallerTargets): Caller {
  const path = ["callers", name];
  const { context } = targets;
  if (entry.key === undefined && entry.aws === undefined) {
    context.fail(path, 'missing key: "adit keygen" makes a key and prints the line to paste');
  }
  if (entry.models.length === 0 && entry.native === undefined) {
    context.warn(path, "the caller may use no model: models is empty and native is not given");
  }
  return {
    name,
    models: expandGlobs([...path, "models"], entry.models, targets),
    native: linkNative([...path, "native"], entry.native, targets),
    expiresAtMs: entry.expires,
    disabled: entry.disabled,
    aws: entry.aws && {
      accessKeyId: entry.aws.access_key_id,
      secretAccessKey: new Secret(entry.aws.secret_access_key),
    },
  };
}

function expandGlobs(
  path: Path,
  globs: readonly string[],
  { context, models }: CallerTargets,
): ReadonlySet<string> {
  const names = context.namesIn("models");
  const compiled = globs.map(compileGlob);
  for (const [index, glob] of compiled.entries()) {
    const place = [...path, index];
    if (!isGlob(glob.pattern)) context.find(place, glob.pattern, { section: "models", entries: models });
    else if (names.length > 0 && !names.some(glob.matches)) context.warn(place, "the glob matches no model");
  }
  // In the order of the models, whatever the order of the globs: clients are shown this list.
  return new Set([...models.keys()].filter((name) => compiled.some((glob) => glob.matches(name))));
}

function linkNative(
  path: Path,
  entry: CallerConfig["native"],
  { context, regions: known }: CallerTargets,
): NativeAccess | undefined {
  if (entry === undefined) return undefined;
  const isList = Array.isArray(entry);
  const regions = isList ? entry : entry.regions;
  for (const [index, region] of regions.entries()) {
    const place = isList ? [...path, index] : [...path, "regions", index];
    // The region of a provider that was cut is not known here.
    if (known.includes(region) || context.isCut(["providers"])) continue;
    context.fail(place, `no provider is in the region ${context.shown(place, region, known)}`);
  }
  return { regions: new Set(regions), ids: (isList ? ["*"] : entry.ids).map(compileGlob) };
}

/** The callers by the SHA-256 of their keys, and when those keys end that have an end of their own. */
export interface KeyIndex {
  readonly callersByKeyHash: ReadonlyMap<string, Caller>;
  readonly keyExpiresAtMs: ReadonlyMap<string, number>;
}

/** Indexes the keys; one key of two callers is a problem, and so is a key that keeps nobody out. */
export function indexByKeyHash(
  entries: Config["callers"],
  callers: ReadonlyMap<string, Caller>,
  context: LinkContext,
): KeyIndex {
  const callersByKeyHash = new Map<string, Caller>();
  const keyExpiresAtMs = new Map<string, number>();
  for (const caller of callers.values()) {
    for (
      const { path, hash, expiresAtMs } of linkKeys(
        ["callers", caller.name, "key"],
        entries[caller.name]?.key,
      )
    ) {
      checkKeyHash(path, hash, context);
      const other = callersByKeyHash.get(hash);
      if (other === caller) context.fail(path, "the same key twice");
      else if (other !== undefined) context.fail(path, `the same key as that of caller ${quote(other.name)}`);
      callersByKeyHash.set(hash, caller);
      if (expiresAtMs !== undefined) keyExpiresAtMs.set(hash, expiresAtMs);
    }
  }
  return { callersByKeyHash, keyExpiresAtMs };
}

/** The callers by the access key id of their `aws` pair; two callers with one id are a problem. */
export function indexByAccessKeyId(
  callers: ReadonlyMap<string, Caller>,
  context: LinkContext,
): ReadonlyMap<string, Caller> {
  const byId = new Map<string, Caller>();
  for (const caller of callers.values()) {
    if (caller.aws === undefined) continue;
    const other = byId.get(caller.aws.accessKeyId);
    if (other !== undefined) {
      const path = ["callers", caller.name, "aws", "access_key_id"];
      context.fail(path, `the same access key id as that of caller ${quote(other.name)}`);
    }
    byId.set(caller.aws.accessKeyId, caller);
  }
  return byId;
}
