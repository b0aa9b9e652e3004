/** What the list of models says that each can do. */

import { deepEqual } from "node:assert/strict";
import { type ModelApis, modelApis } from "../../lib/endpoints/model_apis.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { Provider } from "../../lib/snapshot/provider.ts";
import type { ModelTarget } from "../../lib/snapshot/snapshot.ts";
import { modelTarget, provider } from "../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");

function target(id: string, more: Partial<ModelTarget> = {}): ModelTarget {
  return { ...modelTarget("m", EAST, id), traits: traitsOf(id, builtInModelTable()), ...more };
}

const NOVA = target("amazon.nova-lite-v1:0");
const CLAUDE = target("us.anthropic.claude-haiku-4-5-20251001-v1:0");
const GPT = target("openai.gpt-5.6-sol", {
  ownApis: {
    chat: "runtime",
    responses: "mantle",
    messages: undefined,
    mantlePath: "/openai/v1",
    hoistsTools: false,
  },
});
const SIGNED: Provider = {
  kind: "bedrock",
  name: "signed",
  region: "us-east-1",
  endpoint: undefined,
  mantleEndpoint: undefined,
  fips: false,
  dualstack: false,
  network: undefined,
  quotas: [],
  credentials: { kind: "caller" },
};
const native = ["unchanged"] as const;

const CASES: readonly (readonly [what: string, targets: readonly ModelTarget[], expected: ModelApis])[] = [
  ["a model that is translated", [NOVA], {
    chat: ["converse"],
    responses: ["converse"],
    messages: ["converse"],
    native,
  }],
  ["Claude", [CLAUDE], { chat: ["converse"], responses: ["converse"], messages: ["invoke"], native }],
  ["APIs that are passed on", [GPT], {
    chat: ["runtime"],
    responses: ["mantle"],
    messages: ["converse"],
    native,
  }],
  ["targets that differ, and two that do not", [CLAUDE, NOVA, NOVA], {
    chat: ["converse"],
    responses: ["converse"],
    messages: ["invoke", "converse"],
    native,
  }],
  ["embeddings", [target("amazon.titan-embed-text-v2:0")], { embeddings: ["invoke"], native }],
  ["rerank", [target("cohere.rerank-v3-5:0")], { rerank: ["invoke"], native }],
  ["requests that callers sign for AWS", [target("amazon.nova-lite-v1:0", { provider: SIGNED })], { native }],
];

for (const [what, targets, expected] of CASES) {
  Deno.test(`the APIs of a model: ${what}`, () => deepEqual(modelApis(targets), expected));
}
