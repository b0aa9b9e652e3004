import { deepEqual } from "node:assert/strict";
import { startGateway } from "../fakes/gateway.ts";
import { ANSWER, CHAT, chatBody, CONFIG, KEY } from "../gateway/requests.ts";

Deno.test("settled requests are counted with their errors, ignored fields and oddities", async () => {
  const gateway = startGateway(CONFIG);
  const odd = ANSWER.replace('"content":[', '"content":[{"hologram":{}},').replace("end_turn", "bored");
  for (const [index, answer] of [ANSWER, odd].entries()) {
    const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ seed: 7 }) });
    (await gateway.bedrock.call(index)).answerWhole(200, answer);
    await response;
  }
  await gateway.send(CHAT, { body: chatBody() }).response;
  deepEqual(JSON.parse(JSON.stringify(gateway.counts)), {
    settled: 3,
    errors: { missing_api_key: 1 },
    ignored: { seed: 2 },
    anomalies: { 'content block "hologram"': 1, 'stop reason "bored"': 1 },
  });
});
