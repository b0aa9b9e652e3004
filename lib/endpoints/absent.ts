/** Paths of OpenAI's and Anthropic's APIs that the gateway does not serve, with what to use instead. */

import { AditError } from "../base/errors.ts";

const ABSENT: readonly (readonly [path: RegExp, what: string])[] = [
  [
    /^\/images\/(?:generations|edits|variations)$/,
    "images are not served here; send the model's own body to POST /model/{id}/invoke",
  ],
  [/^\/videos(?:\/|$)/, "videos are not served here; use Bedrock's POST /async-invoke, which writes to S3"],
  [
    /^\/audio\/(?:speech|transcriptions|translations)$/,
    "speech is not served here; Bedrock's speech models need a two-way stream",
  ],
  [/^\/realtime(?:\/|$)/, "the Realtime API is not served here; use POST /v1/chat/completions"],
  [
    /^\/(?:batches|files|uploads|messages\/batches)(?:\/|$)/,
    "batches and files are not served here; create a batch with Bedrock's CreateModelInvocationJob",
  ],
  [/^\/completions$/, "use POST /v1/chat/completions"],
  [/^\/complete$/, "use POST /v1/messages"],
  [/^\/moderations$/, "use a guardrail: POST /guardrail/{id}/version/{version}/apply"],
  [
    /^\/(?:assistants|threads|vector_stores|conversations|containers|evals|fine_tuning)(?:\/|$)/,
    "this API needs stored state, which the gateway does not keep",
  ],
];

/** Throws `route_not_found` with what to use instead, if the path is one of them. */
export function refuseAbsent(path: string): void {
  const [, rest = ""] = /^(?:\/openai|\/anthropic)?\/v1(\/.*)$/.exec(path) ?? [];
  const found = ABSENT.find(([pattern]) => pattern.test(rest));
  if (found !== undefined) throw new AditError("route_not_found", `route not found: ${found[1]}`);
}
