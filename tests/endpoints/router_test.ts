/** From paths as they come off the wire to endpoints. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import { OWN_SEGMENTS, YIELDING_PATHS } from "../../lib/config/link/models.ts";
import { CATALOG_PATHS } from "../../lib/endpoints/native/routes.ts";
import { FIXED, router } from "../../lib/endpoints/router.ts";
import { routePath } from "../../lib/server/path.ts";
import { OPERATIONS } from "../../lib/providers/bedrock/operations.ts";
import { model, provider, snapshot } from "../fakes/snapshot.ts";

const HAIKU = model("haiku", provider("east", "us-east-1"));
const CONFIG = snapshot({ models: [HAIKU], routes: { "/bedrock": HAIKU } });

const chat = (defaultModel?: string) => ({ endpoint: "chat", defaultModel, modelPrefix: "" });
const compat = { endpoint: "chat", defaultModel: undefined, modelPrefix: "aws-bedrock/" };
const models = (name?: string) => ({ endpoint: "models", name });

const ROUTES: readonly (readonly [request: string, match: unknown])[] = [
  ["GET /healthz", { endpoint: "health" }],
  ["HEAD /", { endpoint: "health" }],
  ["GET /?x=1", { endpoint: "health" }],
  ["POST /v1/chat/completions", chat()],
  ["POST /v1/chat/completions/", chat()],
  ["POST //v1//chat/completions?beta=true", chat()],
  ["POST /bedrock", chat("haiku")],
  ["POST /bedrock/?a=/b", chat("haiku")],
  ["POST /compat/chat/completions", compat],
  ["POST /v1/account/gateway/compat/chat/completions?x=1", compat],
  ["POST /v1/gateway/compat/chat/completions", "route_not_found"],
  ["GET /compat/chat/completions", "method_not_allowed"],
  ["GET /v1/models", models()],
  ["HEAD /v1/models", models()],
  ["GET /v1/models?limit=1000", models()],
  ["GET /v1/models/haiku", models("haiku")],
  ["GET /v1/models/a%2Fb", models("a/b")],
  ["GET /v1/models/a/b", models("a/b")],
  ["GET /anthropic/v1/models?limit=1000", models()],
  ["GET /anthropic/v1/models/haiku", models("haiku")],
  ["POST /v1/messages?beta=true", { endpoint: "messages" }],
  ["POST /anthropic/v1/messages", { endpoint: "messages" }],
  ["POST /v1/messages/count_tokens?beta=true", { endpoint: "countTokens" }],
  ["POST /anthropic/v1/messages/count_tokens", { endpoint: "countTokens" }],
  ["POST /v1/responses", { endpoint: "responses" }],
  ["POST /v1/responses/input_tokens", { endpoint: "inputTokens" }],
  ["GET /v1/responses", { endpoint: "responsesSocket" }],
  ["PUT /v1/responses", "method_not_allowed"],
  ["GET /v1/responses/input_tokens", "method_not_allowed"],
  ["DELETE /v1/responses/resp_1", { endpoint: "storedResponse" }],
  ["POST /v1/embeddings", { endpoint: "embeddings" }],
  ["GET /v1/embeddings", "method_not_allowed"],
  ["POST /v2/embed", { endpoint: "embed" }],
  ["POST /rerank", { endpoint: "rerank" }],
  ["POST /v1/rerank", { endpoint: "rerank" }],
  ["POST /v2/rerank?x=1", { endpoint: "rerank" }],
  ["GET /v1/messages", "method_not_allowed"],
  ["POST /anthropic/v1/chat/completions", "route_not_found"],
  ["POST /gw/../model/m/invoke", "route_not_found"],
  ["GET /v1/chat/completions", "method_not_allowed"],
  ["POST /v1/models", "method_not_allowed"],
  ["DELETE /bedrock", "method_not_allowed"],
  ["GET /v1/models/%ff", "invalid_request"],
  ["GET /constructor", "route_not_found"],
  ["POST /bedrock/x", "route_not_found"],
  ["GET /bedrock/foundation-models", { endpoint: "catalog", list: "foundationModels" }],
  ["POST /V1/chat/completions", "route_not_found"],
  ["OPTIONS /nothing", "route_not_found"],
];

for (const [request, expected] of ROUTES) {
  Deno.test(`${request} is ${typeof expected === "string" ? expected : JSON.stringify(expected)}`, () => {
    const [method = "", target = ""] = request.split(" ");
    let outcome: unknown;
    try {
      outcome = router.route(method, routePath(target), CONFIG).about;
    } catch (error) {
      outcome = error instanceof AditError ? error.kind : error;
    }
    deepEqual(outcome, expected);
  });
}

const MEANT: readonly (readonly [path: string, meant: string | undefined])[] = [
  ["/chat/completions", "/v1/chat/completions"],
  ["/v1/v1/chat/completions", "/v1/chat/completions"],
  ["/api/v1/chat/completions", "/v1/chat/completions"],
  ["/messages", "/v1/messages"],
  ["/v1/v1/messages", "/v1/messages"],
  ["/count_tokens", "/v1/messages/count_tokens"],
  ["/api/v1/models", "/v1/models"],
  ["/nothing", undefined],
  ["/v1", undefined],
];

for (const [path, meant] of MEANT) {
  Deno.test(`${path} is answered with ${meant ?? "no other route"}`, () => {
    throws(() => router.route("POST", path, CONFIG), {
      message: `route not found: POST ${path}${meant === undefined ? "" : `; use ${meant}`}`,
    });
  });
}

const DIALECTS: readonly (readonly [path: string, dialect: string, headers?: Record<string, string>])[] = [
  ["/v1/chat/completions", "openai"],
  ["/bedrock", "openai"],
  ["/v1/account/gateway/compat/chat/completions", "openai"],
  ["/nothing", "openai"],
  ["/v1/messages", "anthropic"],
  ["/v1/messages/count_tokens", "anthropic"],
  ["/anthropic/v1/messages", "anthropic"],
  ["/anthropic/v1/models", "anthropic"],
  ["/v1/models", "openai"],
  ["/v1/models", "anthropic", { "anthropic-version": "2023-06-01" }],
  ["/v1/models/haiku", "anthropic", { "anthropic-version": "2023-06-01" }],
  ["/v1/chat/completions", "openai", { "anthropic-version": "2023-06-01" }],
  ["/bedrock/x", "bedrock"],
  ["/model/m/converse", "bedrock"],
];

for (const [path, dialect, headers = {}] of DIALECTS) {
  Deno.test(`errors at ${path} are ${dialect}'s, asked with ${JSON.stringify(headers)}`, () => {
    equal(router.dialectOf(path, new Headers(headers)), dialect);
  });
}

Deno.test("the paths that an operator may not take are those that the gateway answers", () => {
  const paths = [
    ...FIXED.keys(),
    ...Object.values(OPERATIONS).map(({ path }) => path),
    ...Object.values(CATALOG_PATHS),
    // Of the addresses that only regular expressions tell; `/bedrock` is free.
    ...["/compat/chat/completions", "/aws-bedrock/bedrock-runtime"],
  ];
  const segmentOf = (path: string) => path.split("/")[1] ?? "";
  const reserved = paths.filter((path) => !YIELDING_PATHS.has(path) && path !== "/");
  deepEqual([...new Set(reserved.map(segmentOf))].sort(), [...OWN_SEGMENTS].sort());
  deepEqual(
    [...YIELDING_PATHS].filter((path) => !paths.includes(path) || OWN_SEGMENTS.has(segmentOf(path))),
    [],
  );
});

Deno.test("an operator's route replaces a path of the gateway that allows it", () => {
  for (const path of YIELDING_PATHS) {
    const { about } = router.route("POST", path, snapshot({ models: [HAIKU], routes: { [path]: HAIKU } }));
    deepEqual(about, chat("haiku"));
  }
});

Deno.test("paths of OpenAI's and Anthropic's that are not served say what to use instead", () => {
  const hints = {
    "/v1/images/generations": /POST \/model\/\{id\}\/invoke/,
    "/openai/v1/images/edits": /invoke/,
    "/v1/videos": /async-invoke/,
    "/v1/videos/video_1/content": /async-invoke/,
    "/v1/audio/speech": /two-way stream/,
    "/v1/batches": /CreateModelInvocationJob/,
    "/v1/files/file_1": /CreateModelInvocationJob/,
    "/v1/messages/batches": /CreateModelInvocationJob/,
    "/anthropic/v1/messages/batches/batch_1/results": /CreateModelInvocationJob/,
    "/v1/complete": /POST \/v1\/messages/,
    "/v1/completions": /chat\/completions/,
    "/v1/moderations": /guardrail/,
    "/v1/assistants": /state/,
  };
  for (const [path, hint] of Object.entries(hints)) {
    throws(
      () => router.route("POST", path, CONFIG),
      (error) => error instanceof AditError && error.kind === "route_not_found" && hint.test(error.message),
    );
  }
});

Deno.test("a path of slashes is matched in linear time", () => {
  equal(routePath("/".repeat(100_000)), "/");
  equal(routePath(`/model/${"/a".repeat(50_000)}/`).startsWith("/model/a"), true);
});
