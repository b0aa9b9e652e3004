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
    sent: '{"guardrailConfig":{"streamProcessingMode":"async"}}',
    received: `{"guardrailConfig":${OWN.slice(0, -1)},"streamProcessingMode":"async"}}`,
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

Deno.test("InvokeModel is given the guardrail by headers, over the caller's own", async () => {
  const gateway = startGateway(CONFIG);
  const headers = {
    ...KEY,
    "x-amzn-bedrock-guardrailidentifier": "weak",
    "x-amzn-bedrock-trace": "DISABLED",
  };
  const { response } = gateway.send("/model/guarded/invoke", { headers, body: "not read" });
  const call = await gateway.bedrock.call(0);
  equal(decodeUtf8(call.init.body ?? encodeUtf8("")), "not read");
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
