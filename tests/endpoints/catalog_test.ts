/** Lists of models in AWS's shapes, as AWS's own client reads them. */

import { deepEqual, equal } from "node:assert/strict";
import { listCatalog } from "../../lib/endpoints/catalog.ts";
import type { Caller } from "../../lib/snapshot/snapshot.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot, withSettings } from "../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const GOV = provider("gov", "us-gov-west-1");
const HIDDEN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
const MODELS = [
  model("claude", EAST, "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
  model("nova", GOV, "amazon.nova-lite-v1:0"),
  model("team", EAST, HIDDEN),
  withSettings(model("team-claude", EAST, HIDDEN), { baseModel: "anthropic.claude-sonnet-4-6" }),
  model("secret", EAST, "us.meta.llama3-3-70b-instruct-v1:0"),
];
const NAMES = caller("names", { models: new Set(["claude", "nova", "team", "team-claude"]) });
const RAW = caller("raw", { models: new Set(["claude"]), native: native(["us-east-1"], ["us.*", "arn:*"]) });
const NOBODY = caller("nobody");
const CONFIG = snapshot({ models: MODELS, callers: [NAMES, RAW, NOBODY] });

const query = (text = "") => new URLSearchParams(text);

function profilesOf(who: Caller, text?: string) {
  return listCatalog("inferenceProfiles", { caller: who, snapshot: CONFIG, query: query(text) });
}

function modelsOf(who: Caller, text?: string) {
  return listCatalog("foundationModels", { caller: who, snapshot: CONFIG, query: query(text) });
}

const profile = (id: string, foundation: string, type = "SYSTEM_DEFINED") => ({
  inferenceProfileName: id,
  inferenceProfileId: id,
  inferenceProfileArn: `arn:aws:bedrock:us-east-1:000000000000:inference-profile/${id}`,
  models: [{ modelArn: `arn:aws:bedrock:us-east-1::foundation-model/${foundation}` }],
  status: "ACTIVE",
  type,
});

const CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0";

Deno.test("profiles are listed by the names that the caller may use, and hide the operator's account", () => {
  deepEqual(profilesOf(NAMES), {
    inferenceProfileSummaries: [
      profile("claude", CLAUDE),
      profile("team", "team", "APPLICATION"),
      profile("team-claude", "anthropic.claude-sonnet-4-6", "APPLICATION"),
    ],
  });
  deepEqual(profilesOf(NAMES, "type=SYSTEM_DEFINED&maxResults=1"), {
    inferenceProfileSummaries: [profile("claude", CLAUDE)],
  });
  deepEqual(profilesOf(NOBODY), { inferenceProfileSummaries: [] });
});

Deno.test("a caller who may use real ids sees those behind configured models, but no ARNs", () => {
  deepEqual(profilesOf(RAW), {
    inferenceProfileSummaries: [
      profile(`us.${CLAUDE}`, CLAUDE),
      profile("us.meta.llama3-3-70b-instruct-v1:0", "meta.llama3-3-70b-instruct-v1:0"),
      profile("claude", CLAUDE),
    ],
  });
  deepEqual(modelsOf(RAW), { modelSummaries: [] });
});

Deno.test("foundation models are those that need no profile, in their partition's ARNs", () => {
  const nova = {
    modelArn: "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/nova",
    modelId: "nova",
    modelName: "nova",
    providerName: "amazon",
    inferenceTypesSupported: ["ON_DEMAND"],
    modelLifecycle: { status: "ACTIVE" },
  };
  deepEqual(modelsOf(NAMES), { modelSummaries: [nova] });
  deepEqual(modelsOf(NAMES, "byProvider=Amazon"), { modelSummaries: [nova] });
  deepEqual(modelsOf(NAMES, "byProvider=meta"), { modelSummaries: [] });
});

Deno.test("the ARN that the list gives works as a model id", async () => {
  const gateway = startGateway(CONFIG);
  const arn = encodeURIComponent("arn:aws:bedrock:us-east-1:000000000000:inference-profile/team");
  const { response } = gateway.send(`/model/${arn}/converse`, {
    headers: { "x-api-key": NAMES.key },
    body: "{}",
  });
  const call = await gateway.bedrock.call(0);
  equal(
    call.url,
    `https://bedrock-runtime.us-east-1.amazonaws.com/model/${encodeURIComponent(HIDDEN)}/converse`,
  );
  call.answerWhole(200, "{}");
  await response;
});

Deno.test("the lists need a key, and are answered without AWS", async () => {
  const gateway = startGateway(CONFIG);
  const refused = await gateway.send("/foundation-models", { method: "GET" }).response;
  deepEqual([refused.status, refused.headers.get("x-amzn-errortype")], [
    403,
    "MissingAuthenticationTokenException",
  ]);
  const headers = { "x-api-key": NAMES.key };
  const answer = await gateway.send("/bedrock/foundation-models", { method: "GET", headers }).response;
  equal((await answer.json()).modelSummaries.length, 1);
  equal(gateway.bedrock.calls.length, 0);
  await gateway.expectSettled(2);
});
