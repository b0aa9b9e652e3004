/** A model's end of life: how Bedrock is asked about it, and what is reported. */

import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { seal } from "../../../lib/base/secret.ts";
import {
  describeLifecycle,
  endOfLifeWarning,
  type Lifecycle,
} from "../../../lib/providers/bedrock/lifecycle.ts";
import type { Credentials } from "../../../lib/snapshot/provider.ts";
import type { ModelTarget } from "../../../lib/snapshot/snapshot.ts";
import { modelTarget, provider } from "../../fakes/snapshot.ts";

const NOW_MS = Date.parse("2027-01-10T12:00:00Z");
const at = (date: string) => Date.parse(`${date}T00:00:00Z`);

const TEXTS: readonly (readonly [lifecycle: Lifecycle, text: string | undefined])[] = [
  [{ status: "ACTIVE", legacyMs: undefined, endMs: undefined }, undefined],
  [{ status: undefined, legacyMs: undefined, endMs: undefined }, undefined],
  [{ status: "ACTIVE", legacyMs: at("2028-01-01"), endMs: at("2028-07-01") }, undefined],
  [
    { status: "ACTIVE", legacyMs: undefined, endMs: at("2027-03-01") },
    "its end of life is 2027-03-01, in 50 days",
  ],
  [{ status: "LEGACY", legacyMs: undefined, endMs: undefined }, "the model is legacy"],
  [
    { status: "LEGACY", legacyMs: at("2026-09-01"), endMs: at("2029-01-01") },
    "the model has been legacy since 2026-09-01; its end of life is 2029-01-01, in 722 days",
  ],
  [
    { status: "LEGACY", legacyMs: at("2026-07-11"), endMs: at("2027-01-11") },
    "the model has been legacy since 2026-07-11; its end of life is 2027-01-11, in 1 day",
  ],
  [
    { status: "LEGACY", legacyMs: undefined, endMs: at("2027-01-01") },
    "the model is legacy; it reached its end of life on 2027-01-01",
  ],
];

for (const [lifecycle, text] of TEXTS) {
  Deno.test(`lifecycle ${JSON.stringify(lifecycle)} is reported as ${text ?? "nothing"}`, () => {
    equal(describeLifecycle(lifecycle, NOW_MS), text);
  });
}

const EAST = provider("east", "us-east-1");

interface Asked {
  readonly url: string;
  readonly authorization: string;
}

/** Asks a Bedrock with this response. */
async function ask(
  target: ModelTarget,
  answer: () => Response,
  endpoint?: string,
): Promise<{ readonly asked: readonly Asked[]; readonly text: string | undefined }> {
  const asked: Asked[] = [];
  const fetch = (url: string, init?: RequestInit) => {
    asked.push({ url, authorization: new Headers(init?.headers).get("authorization") ?? "" });
    return Promise.resolve(answer());
  };
  const { signal } = new AbortController();
  const options = { fetch, searchFetch: undefined, endpoint, nowMs: NOW_MS, signal };
  return { asked, text: await endOfLifeWarning(target, options) };
}

function details(modelLifecycle: object): () => Response {
  return () => Response.json({ modelDetails: { modelArn: "arn:x", modelId: "x", modelLifecycle } });
}

const LEGACY = details({
  status: "LEGACY",
  startOfLifeTime: "2024-03-13T00:00:00Z",
  legacyTime: "2026-09-10T00:00:00Z",
  endOfLifeTime: "2027-03-10T00:00:00Z",
});

Deno.test("the model behind a profile is looked up, with a signature, in the region's control plane", async () => {
  const { asked, text } = await ask(
    modelTarget("old", EAST, "us.anthropic.claude-3-haiku-20240307-v1:0"),
    LEGACY,
  );
  equal(text, "the model has been legacy since 2026-09-10; its end of life is 2027-03-10, in 59 days");
  const [{ url, authorization } = { url: "", authorization: "" }] = asked;
  equal(
    url,
    "https://bedrock.us-east-1.amazonaws.com/foundation-models/anthropic.claude-3-haiku-20240307-v1%3A0",
  );
  match(
    authorization,
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20270110\/us-east-1\/bedrock\/aws4_request/,
  );
});

Deno.test("an active model without an end of life causes no warning", async () => {
  const { text } = await ask(modelTarget("new", EAST, "amazon.nova-pro-v1:0"), details({ status: "ACTIVE" }));
  equal(text, undefined);
});

Deno.test("base_model names the model that an ARN hides; without it nothing is requested", async () => {
  const hidden = modelTarget(
    "hidden",
    EAST,
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl",
  );
  deepEqual(await ask(hidden, LEGACY), { asked: [], text: undefined });
  const { asked } = await ask({ ...hidden, baseModel: "eu.amazon.nova-lite-v1:0" }, LEGACY);
  match(asked[0]?.url ?? "", /\/foundation-models\/amazon\.nova-lite-v1%3A0$/);
});

Deno.test("for a provider with a custom endpoint, nothing is requested unless the control plane is given", async () => {
  const target = modelTarget(
    "nova",
    provider("vpc", "us-east-1", "https://vpce.example"),
    "amazon.nova-lite-v1:0",
  );
  deepEqual(await ask(target, LEGACY), { asked: [], text: undefined });
  const { asked } = await ask(target, LEGACY, "http://127.0.0.1:1");
  match(asked[0]?.url ?? "", /^http:\/\/127\.0\.0\.1:1\/foundation-models\//);
});

function targetWith(credentials: Credentials): ModelTarget {
  const target = modelTarget("nova", EAST, "amazon.nova-lite-v1:0");
  return target.provider.kind === "bedrock"
    ? { ...target, provider: { ...target.provider, credentials } }
    : target;
}

Deno.test("an API key is sent as a bearer token, and nothing is requested for callers that sign themselves", async () => {
  const { asked } = await ask(targetWith({ kind: "api_key", key: seal("key-1") }), LEGACY);
  equal(asked[0]?.authorization, "Bearer key-1");
  deepEqual(await ask(targetWith({ kind: "caller" }), LEGACY), { asked: [], text: undefined });
});

Deno.test("a refusal is reported by its status and type, without AWS's message", async () => {
  const refused = () =>
    Response.json({ message: "User: arn:aws:iam::123456789012:user/x is not authorized" }, {
      status: 403,
      headers: { "x-amzn-errortype": "AccessDeniedException:http://internal.amazon.com/" },
    });
  await rejects(ask(modelTarget("nova", EAST, "amazon.nova-lite-v1:0"), refused), {
    message: "Bedrock returned 403 AccessDeniedException",
  });
});

Deno.test("an unexpected lifecycle causes no warning", async () => {
  const target = modelTarget("nova", EAST, "amazon.nova-lite-v1:0");
  for (
    const body of [[], {}, { modelDetails: 1 }, {
      modelDetails: { modelLifecycle: { endOfLifeTime: "soon" } },
    }]
  ) {
    equal((await ask(target, () => Response.json(body))).text, undefined);
  }
});
