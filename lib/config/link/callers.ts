/** Links callers: their access to models, and their keys. */

import { seal } from "../../base/secret.ts";
import { type AccessLinker, checkGeographies } from "./caller_access.ts";
import type { LinkContext } from "./context.ts";
import { quote } from "../../base/problems.ts";
import type { CallerConfig, Config } from "../schema/config_file.ts";
import type { Caller } from "../../snapshot/snapshot.ts";
import { checkKeyHash, linkKeys } from "./keys.ts";

export interface CallerTargets {
  readonly context: LinkContext;
  readonly access: AccessLinker;
}

/** Links a caller; one that may not use any model is only a warning. */
export function linkCaller(name: string, entry: CallerConfig, { context, access }: CallerTargets): Caller {
  const path = ["callers", name];
  if (entry.key === undefined && entry.aws === undefined) {
    context.fail(path, 'missing key; run "adit keygen" and paste the line it prints');
  }
  if (entry.models.length === 0 && entry.native === undefined) {
    context.warn(path, "the caller may not use any model: models is empty and native is not set");
  }
  if (entry.data_residency !== undefined) {
    checkGeographies([...path, "data_residency"], entry.data_residency, context);
    access.checkResidency([...path, "models"], entry.models, entry.data_residency);
  }
  return {
    name,
    team: entry.team,
    tags: entry.tags,
    models: access.models([...path, "models"], entry.models),
    native: access.native([...path, "native"], entry.native),
    expiresAtMs: entry.expires,
    disabled: entry.disabled,
    dataResidency: entry.data_residency,
    aws: entry.aws && {
      accessKeyId: entry.aws.access_key_id,
      secretAccessKey: seal(entry.aws.secret_access_key),
    },
    s3: entry.s3,
  };
}

/** Callers by the SHA-256 of their keys, and the expiry of keys that expire before their caller. */
export interface KeyIndex {
  readonly callersByKeyHash: ReadonlyMap<string, Caller>;
  readonly keyExpiresAtMs: ReadonlyMap<string, number>;
}

/** Indexes the keys; the key of two callers, an empty key and an obvious key are reported. */
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
      if (other === caller) context.fail(path, "duplicate key");
      else if (other !== undefined) context.fail(path, `caller ${quote(other.name)} has the same key`);
      callersByKeyHash.set(hash, caller);
      if (expiresAtMs !== undefined) keyExpiresAtMs.set(hash, expiresAtMs);
    }
  }
  return { callersByKeyHash, keyExpiresAtMs };
}

/** Callers by the access key id of their `aws` pair; the id of two callers is a problem. */
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
      context.fail(path, `caller ${quote(other.name)} has the same access key id`);
    }
    byId.set(caller.aws.accessKeyId, caller);
  }
  return byId;
}
