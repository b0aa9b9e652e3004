/** What each operation of Bedrock's own API is sent up as, and what a caller may ask of it. */

import { deepEqual, equal } from "node:assert/strict";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const WEST = provider("west", "eu-west-1");
const BOTH = caller("both", {
  models: new Set(["reel", "profile"]),
  native: native(["us-east-1", "eu-west-1"], ["amazon.*", "us.amazon.*"]),
});
const NAMES = caller("names", { models: new Set(["reel"]) });
const CONFIG = snapshot({
  models: [
    model("haiku", EAST),
    model("reel", WEST, "amazon.nova-reel-v1:0"),
    model("profile", EAST, "us.amazon.nova-pro-v1:0"),
  ],
  callers: [BOTH, NAMES],
});

const HOSTS: Readonly<Record<string, string>> = {
  east: "https://bedrock-runtime.us-east-1.amazonaws.com",
  west: "https://bedrock-runtime.eu-west-1.amazonaws.com",
};

const arn = (region: string, resource: string) => `arn:aws:bedrock:${region}:123456789012:${resource}`;
const GUARDRAIL = arn("eu-west-1", "guardrail/abc");
const JOB = arn("eu-west-1", "async-invoke/abc");

const SENT: readonly (readonly [request: string, provider: string, path: string])[] = [
  ["POST /model/amazon.nova/count-tokens", "east", "/model/amazon.nova/count-tokens"],
  ["POST /model/reel/count-tokens", "west", "/model/amazon.nova-reel-v1%3A0/count-tokens"],
  // CountTokens accepts no inference profile: the model behind a configured name is counted, an id goes as it came.
  ["POST /model/profile/count-tokens", "east", "/model/amazon.nova-pro-v1%3A0/count-tokens"],
  ["POST /model/profile/converse", "east", "/model/us.amazon.nova-pro-v1%3A0/converse"],
  [
    "POST /model/us.amazon.nova-pro-v1:0/count-tokens",
    "east",
    "/model/us.amazon.nova-pro-v1%3A0/count-tokens",
  ],
  ["POST /guardrail/abc/version/DRAFT/apply", "east", "/guardrail/abc/version/DRAFT/apply"],
  [
    `POST /guardrail/${encodeURIComponent(GUARDRAIL)}/version/1/apply`,
    "west",
    `/guardrail/${encodeURIComponent(GUARDRAIL)}/version/1/apply`,
  ],
  [
    `POST /guardrail/${GUARDRAIL}/version/1/apply`,
    "west",
    `/guardrail/${encodeURIComponent(GUARDRAIL)}/version/1/apply`,
  ],
  ["POST /guardrail-checks/invoke?x=1", "east", "/guardrail-checks/invoke"],
  ["POST /aws-bedrock/bedrock-runtime/eu-west-1/guardrail-checks/invoke", "west", "/guardrail-checks/invoke"],
  [`GET /async-invoke/${JOB}`, "west", `/async-invoke/${encodeURIComponent(JOB)}`],
  ["GET /async-invoke", "east", "/async-invoke"],
  [
    "GET /aws-bedrock/bedrock-runtime/eu-west-1/async-invoke/?nextToken=a+b%2Fc%20d&maxResults=5&sortBy=SubmissionTime",
    "west",
    "/async-invoke?maxResults=5&nextToken=a%2Bb%2Fc%20d&sortBy=SubmissionTime",
  ],
];

for (const [request, from, path] of SENT) {
  Deno.test(`${request} goes to ${from} as ${path}, and its answer comes back`, async () => {
    const [method = "", target = ""] = request.split(" ");
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(target, {
      method,
      headers: { "x-api-key": BOTH.key },
      ...(method === "POST" && { body: "{ }" }),
    });
    const { init, url, ...call } = await gateway.bedrock.call(0);
    equal(url, HOSTS[from] + path);
    equal(init.method, method);
    deepEqual(init.body && decodeUtf8(init.body), method === "POST" ? "{ }" : undefined);
    call.answerWhole(200, '{"a":1}', { "x-amzn-requestid": "r-1" });
    const answer = await response;
    equal(await answer.text(), '{"a":1}');
    equal(answer.headers.get("x-amzn-requestid"), "r-1");
    const [line] = await gateway.logLines();
    deepEqual([line?.["status"], line?.["provider"]], [200, from]);
    await gateway.expectSettled(1);
  });
}

/** Bodies of StartAsyncInvoke, and what is sent of them. */
const STARTS: readonly (readonly [body: string, provider: string, sent: string])[] = [
  [
    '{"modelId":"amazon.x", "modelInput":{"n":1.0}}',
    "east",
    '{"modelId":"amazon.x", "modelInput":{"n":1.0}}',
  ],
  [
    '{ "modelInput":{"modelId":"reel","n":1.0}, "modelId" : "reel" }',
    "west",
    '{ "modelInput":{"modelId":"reel","n":1.0}, "modelId" : "amazon.nova-reel-v1:0" }',
  ],
];

for (const [body, from, sent] of STARTS) {
  Deno.test(`the job ${body} is started at ${from}`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/async-invoke", { headers: { "x-api-key": BOTH.key }, body });
    const { init, url, ...call } = await gateway.bedrock.call(0);
    equal(url, `${HOSTS[from]}/async-invoke`);
    equal(decodeUtf8(init.body ?? new Uint8Array()), sent);
    call.answerWhole(200, "{}");
    await response;
  });
}

Deno.test("an ARN in a job's body names its region, which the path does not change", async () => {
  const gateway = startGateway(snapshot({
    models: [model("haiku", EAST), model("opus", WEST)],
    callers: [caller("any", { native: native(["us-east-1", "eu-west-1"]) })],
  }));
  const modelId = arn("eu-west-1", "provisioned-model/x");
  const { response } = gateway.send("/aws-bedrock/bedrock-runtime/us-east-1/async-invoke", {
    headers: { "x-api-key": "key-of-any" },
    body: JSON.stringify({ modelId }),
  });
  const call = await gateway.bedrock.call(0);
  equal(call.url, `${HOSTS["west"]}/async-invoke`);
  call.answerWhole(200, "{}");
  await response;
});

const REFUSED: readonly (readonly [
  request: string,
  body: string | undefined,
  who: typeof NAMES,
  status: number,
  exception: string,
])[] = [
  ["POST /guardrail/abc/version/1/apply", "{}", NAMES, 403, "AccessDeniedException"],
  ["POST /guardrail-checks/invoke", "{}", NAMES, 403, "AccessDeniedException"],
  ["GET /async-invoke", undefined, NAMES, 403, "AccessDeniedException"],
  [`GET /async-invoke/${JOB}`, undefined, NAMES, 403, "AccessDeniedException"],
  [
    `GET /async-invoke/${JOB.replace("eu-west-1", "us-west-2")}`,
    undefined,
    BOTH,
    403,
    "AccessDeniedException",
  ],
  ["GET /aws-bedrock/bedrock-runtime/us-west-2/async-invoke", undefined, BOTH, 403, "AccessDeniedException"],
  ["POST /async-invoke", '{"modelId":"anthropic.x"}', BOTH, 403, "AccessDeniedException"],
  ["POST /async-invoke", '{"modelId":"haiku"}', NAMES, 403, "AccessDeniedException"],
  ["POST /async-invoke", '{"modelId":"amazon.x"}', NAMES, 403, "AccessDeniedException"],
  [
    "POST /async-invoke",
    JSON.stringify({ modelId: arn("us-west-2", "provisioned-model/x") }),
    BOTH,
    403,
    "AccessDeniedException",
  ],
  ["POST /async-invoke", '{"modelId":"amazon.x","modelId":"anthropic.x"}', BOTH, 400, "ValidationException"],
  [
    "POST /async-invoke",
    '{"modelId":"anthropic.x","mod\\u0065lId":"amazon.x"}',
    BOTH,
    400,
    "ValidationException",
  ],
  ["POST /async-invoke", '{"modelId":["amazon.x"]}', BOTH, 400, "ValidationException"],
  ["POST /async-invoke", "{}", BOTH, 400, "ValidationException"],
  ["POST /async-invoke", "modelId", BOTH, 400, "ValidationException"],
  ["POST /model/amazon.x/invoke-with-bidirectional-stream", "", BOTH, 501, "UnknownOperationException"],
  [
    "GET /model/amazon.x/invoke-with-bidirectional-stream-websocket",
    undefined,
    BOTH,
    501,
    "UnknownOperationException",
  ],
];

for (const [request, body, who, status, exception] of REFUSED) {
  Deno.test(`${request} by ${who.name} with ${body} is refused with ${status} ${exception}`, async () => {
    const [method = "", target = ""] = request.split(" ");
    const gateway = startGateway(CONFIG);
    const answer = await gateway.send(target, {
      method,
      headers: { "x-api-key": who.key },
      ...(body !== undefined && { body }),
    }).response;
    deepEqual([answer.status, answer.headers.get("x-amzn-errortype")], [status, exception]);
    equal(answer.headers.get("x-adit-error"), "true");
    equal(typeof (await answer.json()).message, "string");
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("a body of 25 MB goes through as it is, valid or not", async () => {
  const body = new Uint8Array(25_000_000).fill(0x7b);
  const config = { ...CONFIG, limits: { ...CONFIG.limits, bodyBytes: 25 * 1024 * 1024 } };
  const gateway = startGateway(config);
  const { response } = gateway.send("/model/amazon.x/invoke", { headers: { "x-api-key": BOTH.key }, body });
  const call = await gateway.bedrock.call(0);
  deepEqual(call.init.body?.length, body.length);
  call.answerWhole(200, "{}");
  equal((await response).status, 200);
});
