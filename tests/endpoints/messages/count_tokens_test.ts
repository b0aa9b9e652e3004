/** `count_tokens` through the pipeline: what CountTokens is asked, of which model, and what comes back. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import type { Model, Snapshot } from "../../../lib/snapshot/snapshot.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { snapshot, withSettings } from "../../fakes/snapshot.ts";
import { CONFIG, COUNT_TOKENS, KEY, messagesBody, PARTS } from "./requests.ts";

interface Counted {
  readonly config?: Snapshot;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** Counts a request; gives what CountTokens was asked, and the answer to its answer. */
async function count({ config = CONFIG, body = messagesBody(), headers = {} }: Counted = {}) {
  const gateway = startGateway(config);
  const { response } = gateway.send(`${COUNT_TOKENS}?beta=true`, { headers: { ...KEY, ...headers }, body });
  const call = await gateway.bedrock.call(0);
  ok(call.init.body instanceof Uint8Array);
  const { input } = JSON.parse(decodeUtf8(call.init.body));
  call.answerWhole(200, '{"inputTokens":42}', { "x-amzn-requestid": "r-1" });
  const answer = await response;
  await gateway.expectSettled(1);
  return { path: new URL(call.url).pathname, input, answer, line: (await gateway.logLines())[0] };
}

Deno.test("Claude counts the body that InvokeModel would be sent, by the model's own id", async () => {
  const { path, input, answer, line } = await count({
    body: messagesBody({ max_tokens: undefined, system: "Be brief" }),
    headers: { "anthropic-beta": "token-counting-2024-11-01,unheard-of-1" },
  });
  equal(path, "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens");
  deepEqual(JSON.parse(Buffer.from(input.invokeModel.body, "base64").toString()), {
    max_tokens: 1,
    messages: [{ role: "user", content: "Hi" }],
    system: "Be brief",
    anthropic_version: "bedrock-2023-05-31",
    anthropic_beta: ["token-counting-2024-11-01"],
  });
  equal(answer.status, 200);
  equal(answer.headers.get("x-adit-ignored"), "anthropic-beta[unheard-of-1]");
  deepEqual(await answer.json(), { input_tokens: 42 });
  equal(line?.["upstream_request_id"], "r-1");
});

Deno.test("other families count the request that Converse would be sent", async () => {
  const { path, input, answer } = await count({ body: messagesBody({ model: "nova" }) });
  equal(path, "/model/amazon.nova-lite-v1%3A0/count-tokens");
  deepEqual(input, { converse: { messages: [{ role: "user", content: [{ text: "Hi" }] }] } });
  deepEqual(await answer.json(), { input_tokens: 42 });
});

Deno.test("a model behind an opaque ARN is counted by its base model", async () => {
  const [claude] = PARTS.models as [Model];
  const id = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
  const hidden = withSettings(claude, { id, baseModel: "global.anthropic.claude-opus-4-8" });
  const { path } = await count({ config: snapshot({ ...PARTS, models: [hidden] }) });
  equal(path, "/model/anthropic.claude-opus-4-8/count-tokens");
});

Deno.test("a model that cannot count gives Bedrock's reason in Anthropic's shape", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(COUNT_TOKENS, { headers: KEY, body: messagesBody({ model: "nova" }) });
  const call = await gateway.bedrock.call(0);
  const message = "The provided model doesn't support counting tokens.";
  call.answerWhole(400, JSON.stringify({ message }), { "x-amzn-errortype": "ValidationException" });
  const answer = await response;
  equal(answer.status, 400);
  const { type, error, request_id: id } = await answer.json();
  deepEqual([type, error], ["error", { type: "invalid_request_error", message }]);
  match(id, /^req_/);
  await gateway.expectSettled(1);
});

Deno.test("an answer without a count is an error", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(COUNT_TOKENS, { headers: KEY, body: messagesBody() });
  (await gateway.bedrock.call(0)).answerWhole(200, "{}");
  equal((await response).status, 502);
  await gateway.expectSettled(1);
});
