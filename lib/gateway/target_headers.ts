/** Response headers that name the targets of a request: which one answered, and which were tried before. */

import { codeOf } from "../base/errors.ts";
import type { Call } from "./call.ts";

/** Cloudflare's addresses, whose clients read Cloudflare's own headers. */
const CLOUDFLARE = /(?:^|\/)(?:compat|aws-bedrock)\//;

/** Adds the headers for a model with several targets, unless the configuration hides them. */
export function addTargetHeaders(headers: Headers, { plan, attempts, snapshot, options }: Call): void {
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
  // An ARN would show the operator's account.
  headers.set("cf-aig-model", modelId.startsWith("arn:") ? plan.name : modelId);
}
