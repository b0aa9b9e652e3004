/** Which model a chat request means: by its body, by the route, and as clients of other gateways write it. */

import { deepEqual, equal } from "node:assert/strict";
import { startGateway } from "../../fakes/gateway.ts";
import { snapshot } from "../../fakes/snapshot.ts";
import { ANSWER, CHAT, KEY, PARTS, SEARCH } from "../../gateway/requests.ts";

const COMPAT = "/v1/account/gateway/compat/chat/completions";
const CONFIG = snapshot(PARTS);

/** Path and model of a request, and the model's name in the answer. */
const ANSWERED: readonly (readonly [path: string, model: unknown, named: string])[] = [
  [CHAT, "haiku", "haiku"],
  ["/bedrock", "haiku", "haiku"],
  ["/bedrock", "", "haiku"],
  ["/bedrock", null, "haiku"],
  ["/bedrock", undefined, "haiku"],
  ["/compat/chat/completions", "haiku", "haiku"],
  ["/compat/chat/completions", "aws-bedrock/haiku", "aws-bedrock/haiku"],
  [COMPAT, "aws-bedrock/haiku", "aws-bedrock/haiku"],
];

for (const [path, model, named] of ANSWERED) {
  Deno.test(`${path} with the model ${JSON.stringify(model)} is answered as ${named}`, async () => {
    const gateway = startGateway(CONFIG);
    const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] });
    const { response } = gateway.send(path, { headers: KEY, body });
    const call = await gateway.bedrock.call(0);
    call.answerWhole(200, ANSWER);
    const answer = await response;
    equal(answer.status, 200);
    equal((await answer.json()).model, named);
    equal(call.url.includes("/model/anthropic.haiku-v1%3A0/converse"), true, call.url);
    const [line] = await gateway.logLines();
    equal(line?.["model"], "haiku");
  });
}

const REFUSED: readonly (readonly [path: string, model: unknown, status: number, code: string])[] = [
  [CHAT, undefined, 400, "invalid_request_error"],
  [CHAT, "", 400, "invalid_request_error"],
  [COMPAT, undefined, 400, "invalid_request_error"],
  [CHAT, "aws-bedrock/haiku", 404, "model_not_found"],
  [COMPAT, "openai/haiku", 404, "model_not_found"],
  [COMPAT, "aws-bedrock/opus", 404, "model_not_found"],
  [COMPAT, "aws-bedrock/", 404, "model_not_found"],
];

for (const [path, model, status, code] of REFUSED) {
  Deno.test(`${path} with the model ${JSON.stringify(model)} is refused with ${status} ${code}`, async () => {
    const gateway = startGateway(CONFIG);
    const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] });
    const answer = await gateway.send(path, { headers: KEY, body }).response;
    deepEqual([answer.status, (await answer.json()).error.code], [status, code]);
    equal(gateway.bedrock.calls.length, 0);
  });
}

Deno.test("a client of Cloudflare's gateway may send its key in addition to its own Authorization header", async () => {
  const gateway = startGateway(CONFIG);
  const headers = {
    authorization: "Bearer something-else",
    "cf-aig-authorization": `Bearer ${SEARCH.key}`,
  };
  const body = JSON.stringify({ model: "aws-bedrock/haiku", messages: [{ role: "user", content: "Hi" }] });
  const { response } = gateway.send(COMPAT, { headers, body });
  (await gateway.bedrock.call(0)).answerWhole(200, ANSWER);
  equal((await response).status, 200);
});
