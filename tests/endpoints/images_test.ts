/** Images behind URLs in chat requests, through the pipeline. */

import { deepEqual, equal, match } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { startGateway } from "../fakes/gateway.ts";
import { PNG, startImageHost } from "../fakes/image_host.ts";
import { model, provider, snapshot } from "../fakes/snapshot.ts";
import { ANSWER, CHAT, CONFIG, KEY, PARTS } from "../gateway/requests.ts";

const FETCHING = snapshot({
  ...PARTS,
  // A model that takes images in the results of tools.
  models: [model("haiku", provider("east", "us-east-1"), "anthropic.claude-haiku-4-5-20251001-v1:0")],
  limits: { ...CONFIG.limits, fetchImages: true },
});

const image = (url: string) => ({ type: "image_url", image_url: { url } });

/** A request whose history has a tool that was called, so that its result may have images, too. */
function bodyWith(content: readonly unknown[], result: readonly unknown[] = []): string {
  const call = { id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
  return JSON.stringify({
    model: "haiku",
    messages: [
      { role: "user", content: "Hi" },
      { role: "assistant", tool_calls: [call] },
      { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "seen" }, ...result] },
      { role: "user", content: [{ type: "text", text: "See" }, ...content] },
    ],
  });
}

Deno.test("images given by URL reach Bedrock as bytes, wherever they are, with the format detected", async () => {
  await using host = await startImageHost((_path, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end(PNG);
  });
  const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
  const body = bodyWith([image(`${host.url}/a`), image(`HTTPS://localhost:${host.port}/b`)], [
    image(`${host.url}/c`),
  ]);
  const { response } = gateway.send(CHAT, { headers: KEY, body });
  const call = await gateway.bedrock.call(0);
  const sent = JSON.parse(decodeUtf8(call.init.body ?? new Uint8Array()));
  call.answerWhole(200, ANSWER);
  equal((await response).status, 200);
  const block = { image: { format: "png", source: { bytes: Buffer.from(PNG).toString("base64") } } };
  deepEqual(sent.messages[2].content, [
    { toolResult: { toolUseId: "c1", content: [{ text: "seen" }, block] } },
    { text: "See" },
    block,
    block,
  ]);
  deepEqual(host.requests.toSorted(), ["/a", "/b", "/c"]);
  await gateway.expectSettled(1);
});

interface Refusal {
  readonly name: string;
  readonly url: (hostUrl: string) => string;
  readonly answer?: Uint8Array;
  readonly message: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  { name: "over http", url: () => "http://localhost/a", message: /only https URLs are fetched/ },
  { name: "of a private host", url: () => "https://inside.test/", message: /public address/ },
  {
    name: "that is not an image",
    url: (host) => host,
    answer: new TextEncoder().encode("<html>"),
    message: /expected a PNG, JPEG, GIF or WebP image/,
  },
];

for (const { name, url, answer = PNG, message } of REFUSALS) {
  Deno.test(`an image ${name} is refused with its path, before Bedrock is asked`, async () => {
    await using host = await startImageHost((_path, response) => response.end(answer));
    const network = host.network({ "inside.test": ["10.1.2.3"] });
    const gateway = startGateway(FETCHING, { imageNetwork: network });
    const body = bodyWith([
      image(`data:image/png;base64,${Buffer.from(PNG).toString("base64")}`),
      image(url(host.url)),
    ]);
    const response = await gateway.send(CHAT, { headers: KEY, body }).response;
    const { error } = await response.json();
    equal(response.status, 400);
    equal(error.param, "messages[3].content[2].image_url.url");
    match(error.message, message);
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("the first image that fails ends the others", async () => {
  await using host = await startImageHost((path, response) => {
    if (path === "/bad") response.writeHead(500).end();
  });
  const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
  const body = bodyWith([image(`${host.url}/slow`), image(`${host.url}/bad`)]);
  const response = await gateway.send(CHAT, { headers: KEY, body }).response;
  equal((await response.json()).error.param, "messages[3].content[2].image_url.url");
  await gateway.expectSettled(1);
});

Deno.test("a twenty-first image is refused before any is fetched", async () => {
  await using host = await startImageHost((_path, response) => response.end(PNG));
  const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
  const body = bodyWith(Array.from({ length: 21 }, () => image(`${host.url}/a`)));
  const response = await gateway.send(CHAT, { headers: KEY, body }).response;
  equal((await response.json()).error.param, "messages[3].content[21].image_url.url");
  deepEqual(host.requests, []);
});

Deno.test("a client that leaves ends the fetching of its images", async () => {
  await using host = await startImageHost(() => {});
  const gateway = startGateway(FETCHING, { imageNetwork: host.network() });
  const { response, leave } = gateway.send(CHAT, {
    headers: KEY,
    body: bodyWith([image(`${host.url}/slow`)]),
  });
  await host.asked("/slow");
  leave();
  equal((await response).status, 499);
  equal(gateway.bedrock.calls.length, 0);
  await gateway.expectSettled(1);
});

Deno.test("images given by URL are refused with their path unless the configuration allows fetching", async () => {
  await using host = await startImageHost((_path, response) => response.end(PNG));
  const gateway = startGateway(CONFIG, { imageNetwork: host.network() });
  const response = await gateway.send(CHAT, { headers: KEY, body: bodyWith([image(host.url)]) }).response;
  equal((await response.json()).error.param, "messages[3].content[1].image_url.url");
  deepEqual(host.requests, []);
});
