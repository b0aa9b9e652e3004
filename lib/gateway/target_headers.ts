/** Response headers that name the model that was used, the target that answered and those that failed before. */

import { codeOf } from "../base/errors.ts";
import type { Call } from "./call.ts";

/** Paths of Cloudflare's AI Gateway, whose clients read its headers. */
const CLOUDFLARE = /(?:^|\/)(?:compat|aws-bedrock)\//;

/** Names the model that replaced the requested one because of a spent budget. */
function addSubstitute(headers: Headers, { plan, insteadOf }: Call): void {
  if (insteadOf === undefined) return;
  const asked = headerText(insteadOf.model);
  headers.set("x-adit-model", `${plan?.name};instead-of=${asked};budget=${insteadOf.budget}`);
}

/** The model of a native request can be any text, but a header cannot. */
function headerText(model: string): string {
  return model.replaceAll(/[^\x21-\x7e]|;/g, "?");
}

/** Adds the headers for a replaced model and, unless the configuration hides them, those for the targets. */
export function addTargetHeaders(headers: Headers, call: Call): void {
  addSubstitute(headers, call);
  const { plan, attempts, snapshot, options } = call;
  const last = attempts.at(-1);
  if (plan === undefined || last === undefined || !snapshot.responseHeaders.target) return;
  const hadChoice = plan.targets.length > 1 || attempts.length > 1;
  if (hadChoice) {
    headers.set("x-adit-attempts", String(attempts.length));
    if (last.error === undefined) headers.set("x-adit-target", last.target);
    const failed = attempts.filter(({ error }) => error !== undefined);
    if (failed.length > 0) {
      const tried = failed.map(({ target, error }) => `${target}:${error && codeOf(error)}`);
      headers.set("x-adit-tried", tried.join(","));
    }
  }
  if (!CLOUDFLARE.test(options.path)) return;
  const index = plan.targets.findIndex(({ settings }) => settings?.name === last.target);
  headers.set("cf-aig-step", String(Math.max(0, index)));
  headers.set("cf-aig-provider", "aws-bedrock");
  const { modelId = "" } = plan.targets[Math.max(0, index)] ?? {};
  // An ARN would reveal the operator's account.
  headers.set("cf-aig-model", headerText(modelId.startsWith("arn:") ? plan.name : modelId));
}
