/** The units that guardrails report and are billed by. */

import { isJsonObject, type JsonValue, member } from "../../base/json.ts";
import { type GuardrailPart, guardrailPart, type GuardrailUnits, type Usage } from "../../base/usage.ts";
import { NO_TOKENS, readCount } from "../usage.ts";

type Units = Partial<Record<GuardrailPart, number>>;

/** The usage with the units in a trace of Converse or InvokeModel, which have the same members. */
export function withTracedUnits(usage: Usage | undefined, trace: JsonValue | undefined): Usage | undefined {
  const guardrail = member(trace, "guardrail");
  if (guardrail === undefined || usage === undefined) return usage;
  const units: Units = {};
  for (const assessments of [member(guardrail, "inputAssessment"), member(guardrail, "outputAssessments")]) {
    if (!isJsonObject(assessments)) continue;
    for (const assessment of Object.values(assessments).flat()) {
      addUnits(units, member(member(assessment, "invocationMetrics"), "usage"));
    }
  }
  return withUnits(usage, units);
}

/** The usage of ApplyGuardrail, or of InvokeGuardrailChecks, which reports units by check. */
export function guardrailUsage(answer: JsonValue | undefined): Usage | undefined {
  const reported = member(answer, "usage");
  if (!isJsonObject(reported)) return undefined;
  const units: Units = {};
  addUnits(units, reported);
  for (const check of Object.values(reported)) add(units, "other", readCount(member(check, "textUnits")));
  return withUnits(NO_TOKENS, units);
}

/** Chunks of a stream may repeat earlier reports, so the largest count of each part is kept. */
export function mostUnits(one: GuardrailUnits = {}, other: GuardrailUnits = {}): GuardrailUnits {
  const most: Units = { ...one };
  for (const [part, units] of Object.entries(other) as [GuardrailPart, number][]) {
    most[part] = Math.max(most[part] ?? 0, units);
  }
  return most;
}

function withUnits(usage: Usage, units: GuardrailUnits): Usage {
  return Object.keys(units).length === 0 ? usage : { ...usage, guardrail: mostUnits(usage.guardrail, units) };
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_GuardrailUsage.html */
function addUnits(units: Units, reported: JsonValue | undefined): void {
  if (!isJsonObject(reported)) return;
  for (const [name, value] of Object.entries(reported)) {
    if (name.endsWith("Units")) add(units, guardrailPart(name), readCount(value));
  }
}

function add(units: Units, part: GuardrailPart, count = 0): void {
  if (count > 0) units[part] = (units[part] ?? 0) + count;
}
