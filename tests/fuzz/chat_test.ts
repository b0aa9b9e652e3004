/** Random valid Chat requests through the pipeline and the emulator: answered, accepted by Bedrock, and nothing lost. */

import assert from "node:assert/strict";
import { decodeUtf8, EMPTY } from "../../lib/base/bytes.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import { EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { emulatorFetch } from "../../lib/emulator/in_process.ts";
import type { Fetch } from "../../lib/runtime/runtime.ts";
import { sentInit } from "../fakes/fetch.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, snapshot } from "../fakes/snapshot.ts";
import { fakeTime } from "../fakes/time.ts";
import { Random } from "../suites/random.ts";
import { schemaProblems } from "../suites/sdk_schema.ts";
import { accumulateChunks } from "../suites/sse_chunks.ts";
import { type FuzzModel, type FuzzRequest, randomChatRequest } from "./chat_requests.ts";

const ROUNDS = 2000;
const SEED = 20261120;

const CLAUDE = {
  media: new Set(["document", "image"] as const),
  thinks: true,
  ownField: ["metadata", "user_id"],
};
const NOVA = { media: new Set(["document", "image", "video"] as const), thinks: false, ownField: [] };
const OPEN = { media: new Set<never>(), thinks: false, ownField: [] };
/** Takes OpenAI's own fields. */
const OPENAI = { ...OPEN, ownField: ["user"] };

const MODELS: readonly FuzzModel[] = [
  { id: "us.anthropic.claude-haiku-4-5-20251001-v1:0", ...CLAUDE },
  { id: "global.anthropic.claude-sonnet-4-6", ...CLAUDE },
  { id: "us.anthropic.claude-opus-4-8", ...CLAUDE },
  { id: "anthropic.claude-3-haiku-20240307-v1:0", ...CLAUDE },
  { id: "amazon.nova-lite-v1:0", ...NOVA },
  { id: "us.amazon.nova-2-lite-v1:0", ...NOVA },
  { id: "us.meta.llama3-3-70b-instruct-v1:0", ...OPEN },
  { id: "mistral.mistral-large-2407-v1:0", ...OPEN },
  { id: "openai.gpt-oss-120b-1:0", ...OPENAI },
  { id: "deepseek.v3-v1:0", ...OPENAI },
  { id: "qwen.qwen3-32b-v1:0", ...OPENAI },
];

interface Sent {
  readonly url: string;
  readonly body: JsonObject;
  readonly status: number;
}

/** A gateway for one model, and what it sends to the emulator. */
function startWith({ id }: FuzzModel) {
  const emulator = emulatorFetch(fakeTime().clock);
  const sent: Sent[] = [];
  const fetch: Fetch = async (url, init) => {
    const response = await emulator(url, init);
    sent.push({ url, body: JSON.parse(decodeUtf8(sentInit(init).body ?? EMPTY)), status: response.status });
    return response;
  };
  const local = { kind: "emulator", name: "local", region: "us-east-1", quotas: [] } as const;
  const user = caller("fuzz", { models: new Set(["model"]) });
  const gateway = startGateway(snapshot({ models: [model("model", local, id)], callers: [user] }), {
    emulator: { ...EMULATOR_CREDENTIALS, fetch },
  });
  return {
    sent,
    ask: (body: JsonObject) =>
      gateway.send("/v1/chat/completions", {
        headers: { authorization: `Bearer ${user.key}` },
        body: JSON.stringify(body),
      }).response,
  };
}

type Started = ReturnType<typeof startWith>;

/** Thinking blocks that the model accepts, because it produced them. */
async function thoughtsOf({ ask }: Started): Promise<readonly JsonObject[]> {
  const messages = [{ role: "user", content: "Think" }];
  const answer = await ask({ model: "model", messages, reasoning_effort: "low" });
  return (await answer.json()).choices[0].message.thinking_blocks ?? [];
}

/** Fails unless the request was answered, or refused with the path of a field before Bedrock saw it. */
async function check({ body, texts }: FuzzRequest, { ask, sent }: Started): Promise<"answered" | "refused"> {
  const before = sent.length;
  const response = await ask(body);
  const text = await response.text();
  const calls = sent.slice(before);
  if (response.status === 400 && calls.length === 0) {
    assert.ok(JSON.parse(text).error.param, text);
    return "refused";
  }
  assert.equal(response.status, 200, text);
  const [call] = calls;
  assert.ok(call !== undefined && calls.length === 1);
  assert.equal(call.status, 200);
  assert.deepEqual(schemaProblems(body["stream"] ? "ConverseStream" : "Converse", call.body), []);
  const ignored = (response.headers.get("x-adit-ignored") ?? "").split(", ");
  const upstream = JSON.stringify(call.body);
  const lost = [...texts].filter(([word, path]) => !upstream.includes(word) && !ignored.includes(path));
  assert.deepEqual(lost, [], `lost, with ${ignored.join(", ")} ignored`);
  if (body["stream"]) accumulateChunks(text);
  else assert.equal(JSON.parse(text).object, "chat.completion");
  return "answered";
}

for (const [index, each] of MODELS.entries()) {
  Deno.test(`random valid requests to ${each.id} are answered whole or refused by name`, async () => {
    const random = new Random(SEED + index);
    const started = startWith(each);
    const thoughts = await thoughtsOf(started);
    let answered = 0;
    const rounds = Math.floor(ROUNDS / MODELS.length);
    for (let round = 0; round < rounds; round++) {
      const request = randomChatRequest(random, { model: each, thoughts });
      try {
        if (await check(request, started) === "answered") answered++;
      } catch (error) {
        throw new Error(`round ${round}: ${JSON.stringify(request.body)}`, { cause: error });
      }
    }
    assert.ok(answered > rounds / 2, `only ${answered} of ${rounds} were answered`);
  });
}
