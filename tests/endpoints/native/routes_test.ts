/** Every address of every operation of Bedrock's own API, and what is none of them. */

import { deepEqual, equal } from "node:assert/strict";
import { AditError } from "../../../lib/base/errors.ts";
import { matchNative, nativeAddress } from "../../../lib/endpoints/native/routes.ts";
import { router } from "../../../lib/endpoints/router.ts";
import { routePath } from "../../../lib/server/path.ts";

const ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x";

/** What the request asks for, or the kind of its error, or undefined where it is not Bedrock's own API at all. */
function outcomeOf(request: string): unknown {
  const [method = "", target = ""] = request.split(" ");
  const address = nativeAddress(routePath(target));
  if (address === undefined) return undefined;
  try {
    const match = matchNative(method, address);
    return match.endpoint === "native" ? [match.operation, ...match.values] : match;
  } catch (error) {
    return error instanceof AditError ? error.kind : error;
  }
}

const PREFIXES: readonly (readonly [prefix: string, region: string | undefined])[] = [
  ["", undefined],
  ["/bedrock", undefined],
  ["/aws-bedrock/bedrock-runtime/eu-west-1", "eu-west-1"],
  ["/v1/account/gateway/aws-bedrock/bedrock-runtime/eu-west-1", "eu-west-1"],
];

const OPERATIONS: readonly (readonly [request: string, outcome: unknown])[] = [
  [`POST /model/${ID}/converse`, ["converse", ID]],
  [`POST /model/${ID}/converse-stream`, ["converseStream", ID]],
  [`POST /model/${ID}/invoke`, ["invoke", ID]],
  [`POST /model/${ID}/invoke-with-response-stream`, ["invokeStream", ID]],
  [`POST /model/${ID}/count-tokens`, ["countTokens", ID]],
  ["POST /guardrail/abc/version/DRAFT/apply", ["applyGuardrail", "abc", "DRAFT"]],
  ["POST /guardrail-checks/invoke", ["invokeGuardrailChecks"]],
  ["POST /async-invoke", ["startAsyncInvoke"]],
  [`GET /async-invoke/${encodeURIComponent(ARN)}`, ["getAsyncInvoke", ARN]],
  ["GET /async-invoke?maxResults=1", ["listAsyncInvokes"]],
  ["GET /foundation-models?byProvider=x", { endpoint: "catalog", list: "foundationModels" }],
  ["GET /inference-profiles?type=SYSTEM_DEFINED", { endpoint: "catalog", list: "inferenceProfiles" }],
  [`POST /model/${ID}/invoke-with-bidirectional-stream`, "unsupported"],
  [`GET /model/${ID}/invoke-with-bidirectional-stream-websocket`, "unsupported"],
];

for (const [prefix, region] of PREFIXES) {
  for (const [request, expected] of OPERATIONS) {
    const [method = "", target = ""] = request.split(" ");
    Deno.test(`${method} ${prefix}${target} is ${JSON.stringify(expected)}`, () => {
      const path = prefix + target;
      deepEqual(outcomeOf(`${method} ${path}`), expected);
      equal(nativeAddress(path)?.region, region);
      equal(router.dialectOf(routePath(path), new Headers()), "bedrock");
      // Base URLs with a slash at their end, and the other way round.
      const [address = "", query = ""] = path.split("?");
      deepEqual(outcomeOf(`${method} ${address.replaceAll("/", "//")}/?${query}`), expected);
    });
  }
}

const MODEL_PATHS: readonly (readonly [request: string, outcome: unknown])[] = [
  ["POST /model/amazon.nova-micro-v1%3A0/invoke", ["invoke", "amazon.nova-micro-v1:0"]],
  ["POST /model/amazon.nova-micro-v1%3a0/invoke", ["invoke", "amazon.nova-micro-v1:0"]],
  [`POST /model/${encodeURIComponent(ARN)}/converse`, ["converse", ARN]],
  [`POST /model/${ARN.replace("/", "%2F")}/converse`, ["converse", ARN]],
  [`POST /model/${ARN}/converse`, ["converse", ARN]],
  [`POST /guardrail/${ARN}/version/12/apply`, ["applyGuardrail", ARN, "12"]],
  [`GET /async-invoke/${ARN}`, ["getAsyncInvoke", ARN]],
  ["POST /model/xx.vendor.model/converse", ["converse", "xx.vendor.model"]],
  ["POST /model/my-name/converse", ["converse", "my-name"]],
  ["POST /model/team/model@2027/converse", ["converse", "team/model@2027"]],
  ["POST /model/a%252Fb/invoke", ["invoke", "a%2Fb"]],
  ["POST /model/converse/converse", ["converse", "converse"]],
  ["POST /model/m/invoke/converse", ["converse", "m/invoke"]],
  ["POST /model/m%3F/invoke?x=/converse", ["invoke", "m?"]],
];

const REFUSED: readonly (readonly [request: string, outcome: unknown])[] = [
  ["GET /model/m/converse", "method_not_allowed"],
  ["HEAD /model/m/converse", "method_not_allowed"],
  ["HEAD /async-invoke", "method_not_allowed"],
  ["DELETE /async-invoke/x", "method_not_allowed"],
  ["PUT /bedrock/foundation-models", "method_not_allowed"],
  ["POST /model/m%/converse", "invalid_request"],
  ["POST /model/../converse", "invalid_request"],
  ["POST /model/a/../b/converse", "invalid_request"],
  ["POST /model/%2e%2E/converse", "invalid_request"],
  ["POST /model/a%2F..%2Fb/converse", "invalid_request"],
  ["POST /model/./converse", "invalid_request"],
  ["GET /async-invoke/..", "invalid_request"],
  ["POST /guardrail/../version/1/apply", "invalid_request"],
  ["POST /guardrail/x/version/../apply", "invalid_request"],
  ["POST /model/m/other", "route_not_found"],
  ["POST /model/m/toString", "route_not_found"],
  ["POST /model//converse", "route_not_found"],
  ["POST /model/converse", "route_not_found"],
  ["POST /model", "route_not_found"],
  ["POST /guardrail/x/apply", "route_not_found"],
  ["POST /bedrock/x", "route_not_found"],
  ["POST /bedrock/v1/messages", "route_not_found"],
  ["POST /aws-bedrock/bedrock-runtime", "route_not_found"],
  ["POST /aws-bedrock/bedrock-runtime/us-east-1", "route_not_found"],
  ["POST /v1/a/b/aws-bedrock/bedrock-runtime/us-east-1/x", "route_not_found"],
  ["POST /bedrock", undefined],
  ["POST /models/x/converse", undefined],
  ["POST /gw/../model/m/invoke", undefined],
  ["POST /gw/model/m/invoke", undefined],
  ["POST /bedrockx/model/m/invoke", undefined],
  ["POST /v1/a/aws-bedrock/bedrock-runtime/us-east-1/model/m/invoke", undefined],
  ["POST /Model/m/invoke", undefined],
];

for (const [request, expected] of [...MODEL_PATHS, ...REFUSED]) {
  Deno.test(`${request} comes to ${JSON.stringify(expected)}`, () => deepEqual(outcomeOf(request), expected));
}

Deno.test("the number of segments before the operation's own path is known", () => {
  const numbers = PREFIXES.map(([prefix]) => nativeAddress(`${prefix}/model/m/converse`)?.prefixSegments);
  deepEqual(numbers, [0, 1, 3, 6]);
});

Deno.test("a path of any length is matched in linear time", () => {
  equal(outcomeOf(`POST /model${"/converse".repeat(100_000)}/x`), "route_not_found");
  equal(outcomeOf(`POST /guardrail${"/version".repeat(100_000)}`), "route_not_found");
});
