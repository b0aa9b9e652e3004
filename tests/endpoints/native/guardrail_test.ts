/** The operator's guardrail on Bedrock's own API: a caller that asks for a configured model cannot get round it. */

import { deepEqual, equal, match } from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, provider, snapshot, withSettings } from "../../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const CALLER = caller("search", { models: new Set(["guarded"]) });
const GUARDED = withSettings(model("guarded", EAST), {
  guardrail: { id: "gr1", version: "2", trace: "enabled" },
});
const CONFIG = snapshot({ models: [GUARDED], callers: [CALLER] });
const KEY = { authorization: `Bearer ${CALLER.key}` };
const OWN = '{"guardrailIdentifier":"gr1","guardrailVersion":"2","trace":"enabled"}';

const BODIES: readonly { readonly sent: string; readonly received: string }[] = [
  { sent: "{}", received: `{"guardrailConfig":${OWN}}` },
  { sent: ' { "x" : 1.0 }', received: ` {"guardrailConfig":${OWN}, "x" : 1.0 }` },
  {
    sent: '{"a":{"guardrailConfig":{}},"guardrailConfig":{"guardrailIdentifier":"weak"}}',
    received: `{"a":{"guardrailConfig":{}},"guardrailConfig":${OWN}}`,
  },
  {
    sent: '{"guardrailConfig":null,"guardrailConfig":{}}',
    received: `{"guardrailConfig":${OWN},"guardrailConfig":${OWN}}`,
  },
  {
    sent: '{"guardrailConfig":{"streamProcessingMode":"sync"}}',
    received: `{"guardrailConfig":${OWN.slice(0, -1)},"streamProcessingMode":"sync"}}`,
  },
  {
    sent: '{"messages":[{"content":[{"toolUse":{"input":{"guardContent":1}}}]}]}',
    received:
      `{"guardrailConfig":${OWN},"messages":[{"content":[{"toolUse":{"input":{"guardContent":1}}}]}]}`,
  },
];

for (const { sent, received } of BODIES) {
  Deno.test(`the guardrail is put into ${sent}, whose other bytes stay`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/guarded/converse", { headers: KEY, body: sent });
    const call = await gateway.bedrock.call(0);
    equal(decodeUtf8(call.init.body ?? encodeUtf8("")), received);
    call.answerWhole(200, "{}");
    await response;
  });
}

const BODY = '{"prompt": "amazon-bedrock-guardrailConfig"}';

Deno.test("InvokeModel is given the guardrail by headers, over the caller's own", async () => {
  const gateway = startGateway(CONFIG);
  const headers = {
    ...KEY,
    "x-amzn-bedrock-guardrailidentifier": "weak",
    "x-amzn-bedrock-trace": "DISABLED",
  };
  const { response } = gateway.send("/model/guarded/invoke", { headers, body: BODY });
  const call = await gateway.bedrock.call(0);
  equal(decodeUtf8(call.init.body ?? encodeUtf8("")), BODY);
  deepEqual(
    ["guardrailidentifier", "guardrailversion", "trace"].map((name) =>
      call.init.headers.get(`x-amzn-bedrock-${name}`)
    ),
    ["gr1", "2", "ENABLED"],
  );
  call.answerWhole(200, "{}");
  await response;
});

Deno.test("a Converse body that the guardrail cannot be put into is refused before anything is sent", async () => {
  for (
    const [headers, body] of [[{ "content-encoding": "gzip" }, "{}"], [{}, "not json"], [{}, "[]"]] as const
  ) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/guarded/converse-stream", {
      headers: { ...KEY, ...headers },
      body,
    });
    const answer = await response;
    equal(answer.status, 400);
    equal(answer.headers.get("x-amzn-errortype"), "ValidationException");
    match(await answer.text(), /compressed|JSON/);
    equal(gateway.bedrock.calls.length, 0);
  }
});

const OPERATIONS = {
  converse: ["converse", "converse-stream"],
  invoke: ["invoke", "invoke-with-response-stream"],
};
const PREFIXES = ["", "/bedrock", "/v1/account/gateway/aws-bedrock/bedrock-runtime/us-east-1"];

const NARROWING: readonly {
  readonly operations: readonly string[];
  readonly body: string;
  readonly path: string;
}[] = [
  {
    operations: OPERATIONS.converse,
    body: '{"messages":[{"content":[{"text":"a"},{"guardContent":{"text":{"text":"b"}}}]}]}',
    path: "messages[0].content[1].guardContent",
  },
  {
    operations: OPERATIONS.converse,
    body: '{"system":[{"\\u0067uardContent":{}}],"system":[]}',
    path: "system[0].guardContent",
  },
  {
    operations: OPERATIONS.converse,
    body: '{"messages":[{"content":[{"toolResult":{"content":[{"guardContent":{}}]}}]}]}',
    path: "messages[0].content[0].toolResult.content[0].guardContent",
  },
  {
    operations: OPERATIONS.converse,
    body: '{"guardrailConfig":{"streamProcessingMode":"async"}}',
    path: "guardrailConfig.streamProcessingMode",
  },
  {
    operations: OPERATIONS.converse,
    body: '{"additionalModelRequestFields":{"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}}',
    path: "additionalModelRequestFields.amazon-bedrock-guardrailConfig",
  },
  {
    operations: OPERATIONS.invoke,
    body: '{"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"},"amazon-bedrock-guardrailConfig":null}',
    path: "amazon-bedrock-guardrailConfig",
  },
];

Deno.test("a native request that would narrow or delay the guardrail is refused with its path", async () => {
  for (const { operations, body, path } of NARROWING) {
    for (const operation of operations) {
      for (const prefix of PREFIXES) {
        const gateway = startGateway(CONFIG);
        const { response } = gateway.send(`${prefix}/model/guarded/${operation}`, { headers: KEY, body });
        const answer = await response;
        equal(answer.status, 400, operation);
        const { message } = await answer.json();
        equal(message.split(": ")[0], path);
        equal(gateway.bedrock.calls.length, 0);
      }
    }
  }
});

Deno.test("the same members are passed on to a model without a guardrail", async () => {
  const plain = snapshot({
    models: [model("plain", EAST)],
    callers: [caller("search", { models: new Set(["plain"]) })],
  });
  for (const { operations, body } of NARROWING) {
    const gateway = startGateway(plain);
    const { response } = gateway.send(`/model/plain/${operations[0]}`, { headers: KEY, body });
    const call = await gateway.bedrock.call(0);
    equal(decodeUtf8(call.init.body ?? encodeUtf8("")), body);
    call.answerWhole(200, "{}");
    await response;
  }
});

Deno.test("an InvokeModel body that cannot be checked is refused", async () => {
  for (const [headers, body] of [[{ "content-encoding": "gzip" }, "{}"], [{}, "not json"]] as const) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/guarded/invoke", { headers: { ...KEY, ...headers }, body });
    equal((await response).status, 400);
    equal(gateway.bedrock.calls.length, 0);
  }
});

Deno.test("a model with a guardrail is not invoked asynchronously, because Bedrock applies none there", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/async-invoke", { headers: KEY, body: '{"modelId":"guarded"}' });
  const answer = await response;
  equal(answer.status, 400);
  match(await answer.text(), /modelId: this model has a guardrail/);
  equal(gateway.bedrock.calls.length, 0);
});

const TRANSLATED: readonly {
  readonly target: string;
  readonly members: Record<string, unknown>;
  readonly path: string;
}[] = [
  {
    target: "/v1/chat/completions",
    members: { stream: true, guardrailConfig: { streamProcessingMode: "async" } },
    path: "guardrailConfig.streamProcessingMode",
  },
  {
    target: "/v1/account/gateway/compat/chat/completions",
    members: { additionalModelRequestFields: { "amazon-bedrock-guardrailConfig": { tagSuffix: "x" } } },
    path: "additionalModelRequestFields.amazon-bedrock-guardrailConfig",
  },
  {
    target: "/v1/messages",
    members: { max_tokens: 5, "amazon-bedrock-guardrailConfig": { tagSuffix: "x" } },
    path: "amazon-bedrock-guardrailConfig",
  },
];

Deno.test("a translated request that would narrow or delay the guardrail is refused with its path", async () => {
  for (const { target, members, path } of TRANSLATED) {
    const gateway = startGateway(snapshot({
      models: [withSettings(GUARDED, { api: "invoke" })],
      callers: [CALLER],
    }));
    const body = JSON.stringify({
      model: "guarded",
      messages: [{ role: "user", content: "Hello" }],
      ...members,
    });
    const answer = await gateway.send(target, { headers: KEY, body }).response;
    equal(answer.status, 400, target);
    equal((await answer.json()).error.message.split(": ")[0], path);
    equal(gateway.bedrock.calls.length, 0);
  }
});
