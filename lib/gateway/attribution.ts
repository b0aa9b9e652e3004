/** How a request is attributed in AWS's bill and logs: the caller's and the team's names in its metadata, and the team's id. */

import type { Target } from "../snapshot/plan.ts";
import type { Caller } from "../snapshot/snapshot.ts";

/** Maximum length of a value of Bedrock's request metadata. */
const MAX_VALUE = 256;

/** The target as it is used for a caller: with the team's own id, and with names in place of `{caller}` and `{team}`. */
export function attributed(target: Target, caller: Caller): Target {
  const { settings } = target;
  if (settings === undefined) return target;
  const own = caller.team === undefined ? undefined : settings.teamIds[caller.team];
  const entries = Object.entries(settings.metadata);
  if (own === undefined && !entries.some(([, value]) => value.includes("{"))) return target;
  const metadata = Object.fromEntries(entries.map(([key, value]) => [key, filled(value, caller)]));
  if (own === undefined) return { ...target, settings: { ...settings, metadata } };
  // The ARN of an application profile says neither which model it is nor what that costs.
  const baseModel = settings.baseModel ?? settings.id;
  return { ...target, modelId: own, settings: { ...settings, id: own, baseModel, metadata } };
}

function filled(value: string, { name, team = "" }: Caller): string {
  return value.replaceAll("{caller}", name).replaceAll("{team}", team).slice(0, MAX_VALUE);
}
