/** Quotas of providers: which target is tried, and what is taken from each. */

import { deepEqual, equal, match } from "node:assert/strict";
import type { Quota } from "../../lib/snapshot/limits.ts";
import { DIRECT } from "../../lib/snapshot/plan.ts";
import type { Model } from "../../lib/snapshot/snapshot.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, modelTarget, provider, snapshot } from "../fakes/snapshot.ts";
import { allowance } from "../suites/limit_rules.ts";
import { ANSWER, CHAT, chatBody } from "./requests.ts";

const ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const TEAM = caller("team", { models: ["haiku"] });

interface QuotaParts extends Partial<Omit<Quota, "requests" | "tokens">> {
  readonly requests?: string;
  readonly tokens?: string;
}

function quota({ requests, tokens, ...parts }: QuotaParts): Quota {
  return {
    match: "*claude-haiku*",
    requests: allowance(requests, 10_000),
    tokens: allowance(tokens, 10_000),
    tokensPerDay: undefined,
    burndown: 1,
    whenShort: "ask",
    ...parts,
  };
}

/** A gateway with a model that has a target in each of the regions and prefers the first. */
function start(east: readonly Quota[], west: readonly Quota[] = []) {
  const target = (name: string, region: string, quotas: readonly Quota[], priority: number) => ({
    ...modelTarget("haiku", { ...provider(name, region), quotas }, ID),
    priority,
  });
  const model: Model = {
    name: "haiku",
    targets: [target("east", "us-east-1", east, 0), target("west", "us-west-2", west, 1)],
    routing: { ...DIRECT, retry: { ...DIRECT.retry, attempts: 2 } },
  };
  const gateway = startGateway(snapshot({ models: [model], callers: [TEAM] }));
  const { bedrock } = gateway;
  const ask = (body = chatBody({ max_tokens: 100 })) =>
    gateway.send(CHAT, { headers: { authorization: `Bearer ${TEAM.key}` }, body }).response;
  const regionOf = (index: number) => new URL(bedrock.calls[index]?.url ?? "").host.split(".")[1];
  return {
    ...gateway,
    ask,
    bedrock,
    /** Sends a request that is answered; returns the region that was tried first. */
    async served(usage = { inputTokens: 7, outputTokens: 3 }): Promise<string | undefined> {
      const index = bedrock.calls.length;
      const response = ask();
      const answer = JSON.stringify({ ...JSON.parse(ANSWER), usage });
      (await bedrock.call(index)).answerWhole(200, answer, { "content-type": "application/json" });
      equal((await response).status, 200);
      return regionOf(index);
    },
    regionOf,
  };
}

Deno.test("a target whose request quota is used up is tried after the others", async () => {
  const { served, advance } = start([quota({ requests: "12/m" })]);
  equal(await served(), "us-east-1");
  equal(await served(), "us-east-1");
  equal(await served(), "us-west-2");
  advance(5_000);
  equal(await served(), "us-east-1");
});

Deno.test("max_tokens is taken before the response, and given back after it", async () => {
  const { ask, bedrock, served, regionOf } = start([quota({ tokens: "1200/m" })]);
  const first = ask();
  const call = await bedrock.call(0);
  // 100 of the 200 tokens that can be taken at once are held, and the second request needs a few more than 100.
  const second = ask();
  (await bedrock.call(1)).answerWhole(200, ANSWER, { "content-type": "application/json" });
  equal(regionOf(1), "us-west-2");
  call.answerWhole(200, ANSWER, { "content-type": "application/json" });
  await Promise.all([first, second]);
  equal(await served(), "us-east-1");
});

Deno.test("output tokens count by the burndown rate", async () => {
  const plain = start([quota({ tokens: "1200/m" })]);
  await plain.served({ inputTokens: 10, outputTokens: 20 });
  equal(await plain.served(), "us-east-1");
  const five = start([quota({ tokens: "1200/m", burndown: 5 })]);
  await five.served({ inputTokens: 10, outputTokens: 20 });
  equal(await five.served(), "us-west-2");
});

Deno.test("tokens per day are available again on the next day", async () => {
  const { served, advance } = start([quota({ tokensPerDay: 500 })]);
  equal(await served({ inputTokens: 400, outputTokens: 50 }), "us-east-1");
  equal(await served(), "us-west-2");
  // From nine in the morning to midnight.
  advance(15 * 3_600_000);
  equal(await served(), "us-east-1");
});

Deno.test("throttling by Bedrock empties the quota for as long as its retry-after says", async () => {
  const { ask, bedrock, served, advance, health } = start([quota({ requests: "600/m" })]);
  const response = ask();
  (await bedrock.call(0)).answerWhole(429, '{"message":"Too many requests"}', {
    "x-amzn-errortype": "ThrottlingException",
    "retry-after": "3",
  });
  (await bedrock.call(1)).answerWhole(200, ANSWER, { "content-type": "application/json" });
  equal((await response).status, 200);
  // The target rests for the same time; a success there would end the rest, but the quota stays empty.
  advance(2_900);
  const [first] = [...bedrock.calls];
  equal(new URL(first?.url ?? "").host.split(".")[1], "us-east-1");
  equal(await served(), "us-west-2");
  advance(400);
  equal(await served(), "us-east-1");
  equal(typeof health, "object");
});

Deno.test("throttling for years empties the quota for five minutes, and an empty retry-after for five seconds", async () => {
  for (const [retryAfter, ms] of [["99999999", 300_000], ["", 5_000]] as const) {
    const { ask, bedrock, served, advance } = start([quota({ requests: "600/m" })]);
    const response = ask();
    (await bedrock.call(0)).answerWhole(429, '{"message":"Too many requests"}', {
      "x-amzn-errortype": "ThrottlingException",
      "retry-after": retryAfter,
    });
    (await bedrock.call(1)).answerWhole(200, ANSWER, { "content-type": "application/json" });
    equal((await response).status, 200);
    advance(ms - 100);
    equal(await served(), "us-west-2");
    advance(400);
    equal(await served(), "us-east-1");
  }
});

Deno.test("if the quota of every target is short, Bedrock is asked or the request is refused", async () => {
  const short = { requests: "6/m" };
  const asking = start([quota(short)], [quota(short)]);
  deepEqual([await asking.served(), await asking.served(), await asking.served()], [
    "us-east-1",
    "us-west-2",
    "us-east-1",
  ]);
  const refusing = start([quota({ ...short, whenShort: "refuse" })], [
    quota({ ...short, whenShort: "refuse" }),
  ]);
  await refusing.served();
  await refusing.served();
  const refused = await refusing.ask();
  equal(refused.status, 429);
  equal(refused.headers.get("retry-after"), "10");
  equal(refused.headers.get("x-should-retry"), "true");
  match(
    (await refused.json()).error.message,
    /refused by this gateway: the quota of every provider .* retry in 10 s/,
  );
  equal(refusing.bedrock.calls.length, 2);
  await refusing.expectSettled(3);
});
