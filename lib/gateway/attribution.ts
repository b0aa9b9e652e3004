/**
 * Attributes requests to callers and teams in AWS's bill and logs: by names in the metadata, by the model id of the
 * team, and by the session of an assumed role.
 */

import { hasNoMembers } from "../base/json.ts";
import type { Target } from "../snapshot/plan.ts";
import type { Caller } from "../snapshot/snapshot.ts";
import { fillNames, isForEach } from "../snapshot/subject.ts";

/** Maximum length of a value of Bedrock's request metadata. */
const MAX_VALUE = 256;

/** The target for a caller: with the model id of its team, and with names instead of `{caller}` and `{team}`. */
export function attributed(target: Target, caller: Caller): Target {
  const { provider } = target;
  const plain = withNames(target, caller);
  const isPersonal = provider.kind === "bedrock" && provider.credentials.kind === "role" &&
    isForEach(provider.credentials);
  return isPersonal ? { ...plain, subject: { caller: caller.name, team: caller.team } } : plain;
}

function withNames(target: Target, caller: Caller): Target {
  const { settings } = target;
  if (settings === undefined) return target;
  const own = idOfTeam(settings.teamIds, caller.team);
  if (own === undefined && hasNoMembers(settings.metadata)) return target;
  const entries = Object.entries(settings.metadata);
  if (own === undefined && !entries.some(([, value]) => value.includes("{"))) return target;
  const metadata = Object.fromEntries(entries.map(([key, value]) => [key, filled(value, caller)]));
  if (own === undefined) return { ...target, settings: { ...settings, metadata } };
  // The ARN of an application inference profile names neither the model nor its price.
  const baseModel = settings.baseModel ?? settings.id;
  return { ...target, modelId: own, settings: { ...settings, id: own, baseModel, metadata } };
}

/** A team may be called "constructor". */
function idOfTeam(ids: Readonly<Record<string, string>>, team: string | undefined): string | undefined {
  return team !== undefined && Object.hasOwn(ids, team) ? ids[team] : undefined;
}

function filled(value: string, { name, team }: Caller): string {
  return fillNames(value, { caller: name, team }).slice(0, MAX_VALUE);
}
