/** Native InvokeModel of each family of models is counted as Bedrock reports it, and priced. */

import { deepEqual, equal } from "node:assert/strict";
import { emulatorFetch } from "../../../lib/emulator/in_process.ts";
import { EMULATOR_CREDENTIALS } from "../../../lib/emulator/server/credentials.ts";
import type { EmulatorProvider } from "../../../lib/snapshot/provider.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { fakeTime } from "../../fakes/time.ts";
import { caller, model, native, snapshot } from "../../fakes/snapshot.ts";

const LOCAL: EmulatorProvider = { kind: "emulator", name: "local", region: "us-east-1", quotas: [] };
const ANN = caller("ann", { native: native(["us-east-1"]) });
const CONFIG = snapshot({ callers: [ANN], providersByRegion: new Map([[LOCAL.region, LOCAL]]) });
const USER = [{ role: "user", content: "reply with: hello there" }];

interface Family {
  readonly id: string;
  readonly body: object;
  /** Whether it has a stream. */
  readonly streams?: boolean;
  /** What it is billed by: the tokens of both, of the prompt alone, or searches, for which it reports no tokens. */
  readonly billedBy?: "tokens" | "prompt" | "searches";
  /** Whether the built-in table has its price. */
  readonly isPriced?: boolean;
}

const FAMILIES: Readonly<Record<string, Family>> = {
  Claude: {
    id: "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    body: { anthropic_version: "bedrock-2023-05-31", max_tokens: 50, messages: USER },
  },
  Nova: {
    id: "us.amazon.nova-lite-v1:0",
    body: { messages: [{ role: "user", content: [{ text: "reply with: hello there" }] }] },
  },
  Llama: {
    id: "us.meta.llama3-3-70b-instruct-v1:0",
    body: { prompt: "reply with: hello there", max_gen_len: 50 },
  },
  Mistral: {
    id: "mistral.mistral-7b-instruct-v0:2",
    body: { prompt: "<s>[INST] reply with: hello [/INST]" },
  },
  Command: { id: "cohere.command-r-v1:0", body: { message: "reply with: hello there" }, isPriced: false },
  "gpt-oss": { id: "openai.gpt-oss-120b-1:0", body: { messages: USER, max_completion_tokens: 50 } },
  Rerank: {
    id: "cohere.rerank-v3-5:0",
    body: { query: "red", documents: ["red apples", "trains"], api_version: 2 },
    streams: false,
    billedBy: "searches",
  },
  "Nova embeddings": {
    id: "amazon.nova-2-multimodal-embeddings-v1:0",
    body: {
      taskType: "SINGLE_EMBEDDING",
      singleEmbeddingParams: {
        embeddingPurpose: "GENERIC_INDEX",
        embeddingDimension: 256,
        text: { truncationMode: "NONE", value: "red apples" },
      },
    },
    streams: false,
    billedBy: "prompt",
  },
  "Titan embeddings": {
    id: "amazon.titan-embed-text-v2:0",
    body: { inputText: "red apples" },
    streams: false,
    billedBy: "prompt",
  },
  "Cohere embeddings": {
    id: "cohere.embed-english-v3",
    body: { texts: ["red apples"], input_type: "search_query" },
    streams: false,
    billedBy: "prompt",
  },
};

for (const [family, row] of Object.entries(FAMILIES)) {
  const { id, body, streams = true, billedBy = "tokens", isPriced = true } = row;
  for (const operation of ["invoke", ...(streams ? ["invoke-with-response-stream"] : [])]) {
    Deno.test(`${family} by ${operation} is counted by ${billedBy}`, async () => {
      const gateway = startGateway(CONFIG, {
        emulator: { ...EMULATOR_CREDENTIALS, fetch: emulatorFetch(fakeTime().clock) },
      });
      const { response } = gateway.send(`/model/${encodeURIComponent(id)}/${operation}`, {
        headers: { authorization: `Bearer ${ANN.key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer = await response;
      const text = await answer.text();
      equal(answer.status, 200, text);
      const [line = {}] = await gateway.logLines();
      const isPositive = (field: string) => Number(line[field]) > 0;
      deepEqual(
        ["input_tokens", "output_tokens", "cost_usd"].map(isPositive),
        [billedBy !== "searches", billedBy === "tokens", isPriced],
        JSON.stringify(line),
      );
      equal(line["estimated"], billedBy === "searches" ? true : undefined);
    });
  }
}

Deno.test("a rerank request is billed by the hundred documents, whatever it returns", async () => {
  const bob = caller("bob", { models: ["*"] });
  const config = snapshot({ models: [model("ranker", LOCAL, "cohere.rerank-v3-5:0")], callers: [bob] });
  const gateway = startGateway(config, {
    emulator: { ...EMULATOR_CREDENTIALS, fetch: emulatorFetch(fakeTime().clock) },
  });
  const documents = Array.from({ length: 101 }, (_, index) => `document ${index}`);
  const { response } = gateway.send("/v1/rerank", {
    headers: { authorization: `Bearer ${bob.key}` },
    body: JSON.stringify({ model: "ranker", query: "document", documents, top_n: 1 }),
  });
  const answer = await response;
  equal(answer.headers.get("x-adit-cost"), "0.004", await answer.text());
});
