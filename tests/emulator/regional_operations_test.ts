/** Operations without a model in their path: guardrails and asynchronous jobs. */

import {
  ApplyGuardrailCommand,
  type BedrockRuntimeClient,
  GetAsyncInvokeCommand,
  InvokeGuardrailChecksCommand,
  paginateListAsyncInvokes,
  StartAsyncInvokeCommand,
} from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";
import { EMULATOR_API_KEY } from "../../lib/emulator/server/credentials.ts";
import { createEmulator } from "../../lib/emulator/emulator.ts";
import { AUTHENTICATIONS, fixedClock, HANDLERS, messageOf, postTo, withClient } from "./harness.ts";

const REEL = {
  modelId: "amazon.nova-reel-v1:0",
  modelInput: { taskType: "TEXT_VIDEO" },
  outputDataConfig: { s3OutputDataConfig: { s3Uri: "s3://my-bucket/out" } },
};

const CALLS: Readonly<Record<string, (client: BedrockRuntimeClient) => Promise<void>>> = {
  async ApplyGuardrail(client) {
    const apply = (source: "INPUT" | "OUTPUT", text: string) =>
      client.send(
        new ApplyGuardrailCommand({
          guardrailIdentifier: "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123",
          guardrailVersion: "DRAFT",
          source,
          content: [{ text: { text } }],
        }),
      );
    const blocked = await apply("INPUT", "some blocked-input");
    assert.equal(blocked.action, "GUARDRAIL_INTERVENED");
    assert.equal(blocked.assessments?.[0]?.wordPolicy?.customWords?.[0]?.match, "blocked-input");
    assert.equal(blocked.outputs?.length, 1);
    assert.equal((await apply("OUTPUT", "some blocked-output")).action, "GUARDRAIL_INTERVENED");
    const passed = await apply("OUTPUT", "some blocked-input");
    assert.deepEqual([passed.action, passed.outputs], ["NONE", []]);
    assert.equal(passed.usage?.wordPolicyUnits, 1);
  },
  async InvokeGuardrailChecks(client) {
    const { results, usage } = await client.send(
      new InvokeGuardrailChecksCommand({
        messages: [{ role: "user", content: [{ text: "mail a@b.example, blocked-input" }] }],
        checks: {
          contentFilter: { categories: [{ category: "HATE" }] },
          promptAttack: { categories: [{ category: "JAILBREAK" }] },
          sensitiveInformation: { entities: [{ type: "EMAIL" }, { type: "PHONE" }] },
        },
      }),
    );
    assert.deepEqual(results?.contentFilter?.results, [{ category: "HATE", severityScore: 1 }]);
    assert.deepEqual(results?.promptAttack?.results, [{ category: "JAILBREAK", severityScore: 1 }]);
    const [email] = results?.sensitiveInformation?.results ?? [];
    assert.deepEqual([email?.type, email?.beginOffset, email?.endOffset], ["EMAIL", 5, 16]);
    assert.equal(usage?.contentFilter?.textUnits, 1);
  },
  async "StartAsyncInvoke, GetAsyncInvoke and ListAsyncInvokes"(client) {
    const arns: (string | undefined)[] = [];
    for (let count = 0; count < 5; count++) {
      const { invocationArn } = await client.send(new StartAsyncInvokeCommand(REEL));
      arns.push(invocationArn);
    }
    const [first] = arns;
    assert.match(first ?? "", /^arn:aws:bedrock:us-east-1:\d{12}:async-invoke\/[a-z0-9]{12}$/);
    const look = () => client.send(new GetAsyncInvokeCommand({ invocationArn: first }));
    assert.equal((await look()).status, "InProgress");
    const done = await look();
    assert.equal(done.status, "Completed");
    assert.ok(done.endTime instanceof Date);
    assert.deepEqual(done.outputDataConfig, REEL.outputDataConfig);
    const list = async (filter: object) => {
      const listed: (string | undefined)[] = [];
      for await (const page of paginateListAsyncInvokes({ client, pageSize: 2 }, filter)) {
        listed.push(...(page.asyncInvokeSummaries ?? []).map(({ invocationArn }) => invocationArn));
      }
      return listed;
    };
    assert.deepEqual(await list({ sortOrder: "Ascending" }), arns);
    assert.deepEqual(await list({}), arns.toReversed());
    assert.deepEqual(await list({ statusEquals: "Completed" }), [first]);
    assert.deepEqual(await list({ submitTimeAfter: new Date(Date.now() + 86_400_000) }), []);
  },
};

for (const handler of HANDLERS) {
  for (const authentication of AUTHENTICATIONS) {
    for (const [name, call] of Object.entries(CALLS)) {
      Deno.test(`the AWS SDK's ${name} over ${handler} with ${authentication} is answered`, async () => {
        await withClient({ handler, authentication }, call);
      });
    }
  }
}

const REFUSALS: readonly (readonly [path: string, body: object, status: number, message: RegExp])[] = [
  ["/guardrail/ABC/version/1/apply", { source: "INPUT", content: [] }, 400, /does not exist/],
  ["/guardrail/abc/version/0/apply", { source: "INPUT", content: [] }, 400, /does not exist/],
  ["/guardrail/abc/version/1/apply", { content: [] }, 400, /'source'.*Member must/],
  ["/guardrail-checks/invoke", { messages: [], checks: {} }, 400, /'messages'/],
  ["/async-invoke", { ...REEL, extra: 1 }, 400, /extraneous key \[extra\]/],
  ["/async-invoke", { ...REEL, outputDataConfig: { s3OutputDataConfig: { s3Uri: "x" } } }, 400, /s3Uri/],
];

for (const [path, body, status, message] of REFUSALS) {
  Deno.test(`${path} refuses ${JSON.stringify(body)}`, async () => {
    const response = await postTo()(path, body);
    assert.equal(response.status, status);
    assert.match(await messageOf(response), message);
  });
}

Deno.test("a client token returns its job again, but not for a different request", async () => {
  const post = postTo();
  const start = async (request: object) => {
    const response = await post("/async-invoke", { ...REEL, clientRequestToken: "once", ...request });
    return { status: response.status, ...await response.json() };
  };
  const first = await start({});
  assert.deepEqual(await start({}), first);
  assert.equal((await start({ modelInput: {} })).status, 400);
});

Deno.test("no more than a thousand jobs are kept, and an unknown one is not found", async () => {
  const emulator = createEmulator({ clock: fixedClock(Date.now()) });
  const headers = { authorization: `Bearer ${EMULATOR_API_KEY.reveal()}` };
  const send = async (method: string, path: string, body?: object) => {
    const response = await emulator.handle(
      new Request(`http://bedrock${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) }),
    );
    return { status: response.status, ...await response.json() };
  };
  const { invocationArn } = await send("POST", "/async-invoke", REEL);
  const path = `/async-invoke/${encodeURIComponent(invocationArn)}`;
  assert.equal((await send("GET", path)).status, "InProgress");
  for (let count = 0; count < 1000; count++) await send("POST", "/async-invoke", REEL);
  assert.match((await send("GET", path)).message, /not found/);
  const { asyncInvokeSummaries, nextToken } = await send("GET", "/async-invoke");
  assert.deepEqual([asyncInvokeSummaries.length, nextToken], [1000, undefined]);
});
