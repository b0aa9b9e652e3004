/** Images behind URLs in Messages requests, through the pipeline, on both ways to Bedrock. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { PNG, startImageHost } from "../../fakes/image_host.ts";
import { snapshot } from "../../fakes/snapshot.ts";
import { CONFIG, COUNT_TOKENS, KEY, MESSAGES, messagesBody, PARTS, WAYS } from "./requests.ts";

const FETCHING = snapshot({ ...PARTS, limits: { ...CONFIG.limits, fetchImages: true } });
const DATA = Buffer.from(PNG).toString("base64");

const image = (url: string) => ({ type: "image", source: { type: "url", url } });

/** An image in a message and one in a tool result, among blocks that are none. */
function bodyWith(url: string, model: string): string {
  const text = { type: "text", text: "See" };
  const result = { type: "tool_result", tool_use_id: "t1", content: [text, image(`${url}/b`)] };
  return messagesBody({
    model,
    messages: [
      { role: "user", content: [text, image(`${url}/a`)] },
      { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "look", input: { source: "x" } }] },
      { role: "user", content: [result] },
    ],
  });
}

/** Such an image in what goes to Bedrock. */
const SENT = {
  claude: { type: "base64", media_type: "image/png", data: DATA },
  nova: { format: "png", source: { bytes: DATA } },
} as const;

for (const { model, answer } of WAYS) {
  Deno.test(`images behind URLs reach ${model} as bytes, in messages and in tool results`, async () => {
    await using host = await startImageHost((_path, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end(PNG);
    });
    const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
    const { response } = gateway.send(MESSAGES, { headers: KEY, body: bodyWith(host.url, model) });
    const call = await gateway.bedrock.call(0);
    ok(call.init.body instanceof Uint8Array);
    const { messages } = JSON.parse(decodeUtf8(call.init.body));
    call.answerWhole(200, answer);
    equal((await response).status, 200);
    const first = messages[0].content[1];
    const [result] = messages[2].content;
    const second = (result.toolResult ?? result).content[1];
    const sent = [first, second].map((block) => block.image ?? block.source);
    deepEqual(sent, [SENT[model], SENT[model]]);
    deepEqual(host.requests.toSorted(), ["/a", "/b"]);
    await gateway.expectSettled(1);
  });
}

Deno.test("what is counted has the images in it, too", async () => {
  await using host = await startImageHost((_path, response) => response.end(PNG));
  const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
  const { response } = gateway.send(COUNT_TOKENS, { headers: KEY, body: bodyWith(host.url, "claude") });
  const call = await gateway.bedrock.call(0);
  ok(call.init.body instanceof Uint8Array);
  const { input } = JSON.parse(decodeUtf8(call.init.body));
  ok(Buffer.from(input.invokeModel.body, "base64").toString().includes(DATA));
  call.answerWhole(200, '{"inputTokens":9}');
  deepEqual(await (await response).json(), { input_tokens: 9 });
});

const REFUSALS: readonly (readonly [name: string, bytes: Uint8Array, url: string, message: RegExp])[] = [
  ["that is no image", new TextEncoder().encode("<html>"), "", /expected a PNG, JPEG, GIF or WebP image/],
  ["over http", PNG, "http://localhost", /only https URLs are fetched/],
];

for (const [name, bytes, url, message] of REFUSALS) {
  Deno.test(`an image ${name} is refused in Anthropic's words, before Bedrock is asked`, async () => {
    await using host = await startImageHost((_path, response) => response.end(bytes));
    const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
    const body = bodyWith(url || host.url, "claude");
    const response = await gateway.send(MESSAGES, { headers: KEY, body }).response;
    equal(response.status, 400);
    const { error } = await response.json();
    equal(error.type, "invalid_request_error");
    match(error.message, /^messages\.0\.content\.1\.source\.url: /);
    match(error.message, message);
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("nothing is fetched unless the configuration allows it: Claude gets the URL, other models refuse it", async () => {
  await using host = await startImageHost((_path, response) => response.end(PNG));
  const gateway = startGateway(CONFIG, { imageNetwork: host.network() });
  const { response } = gateway.send(MESSAGES, { headers: KEY, body: bodyWith(host.url, "claude") });
  const call = await gateway.bedrock.call(0);
  ok(call.init.body instanceof Uint8Array);
  deepEqual(JSON.parse(decodeUtf8(call.init.body)).messages[0].content[1], image(`${host.url}/a`));
  call.answerWhole(400, "{}");
  await response;
  const refused = await gateway.send(MESSAGES, { headers: KEY, body: bodyWith(host.url, "nova") }).response;
  match((await refused.json()).error.message, /^messages\.0\.content\.1\.source\.type: /);
  deepEqual(host.requests, []);
});
