/** Requests that wait for their turn: in order, in limited numbers, and for a limited time. */

import { equal, ok } from "node:assert/strict";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { rule } from "../suites/limit_rules.ts";
import { ANSWER, CHAT, chatBody } from "./requests.ts";

const ONE = caller("one", { models: ["*"] });

function start(...rateLimits: Parameters<typeof rule>[]) {
  const config = snapshot({
    models: [model("haiku", provider("east", "us-east-1"))],
    callers: [ONE],
    rateLimits: rateLimits.map((parts) => rule(...parts)),
  });
  const gateway = startGateway(config);
  const order: string[] = [];
  return {
    ...gateway,
    order,
    expectSettled: (requests: number) => gateway.expectSettled(requests),
    ask(name: string, body: Record<string, unknown> = {}) {
      const { response, leave } = gateway.send(CHAT, {
        headers: { authorization: `Bearer ${ONE.key}` },
        body: chatBody(body),
      });
      const status = response.then((answer) => {
        order.push(`${name} ${answer.status}`);
        return answer.status;
      });
      return { status, response, leave };
    },
    /** Waits until this many requests have reached Bedrock, and no more. */
    async expectCalls(count: number) {
      await gateway.bedrock.call(count - 1);
      await settle();
      equal(gateway.bedrock.calls.length, count);
    },
    /** Answers the request with this index. */
    async answer(index: number) {
      (await gateway.bedrock.call(index)).answerWhole(200, ANSWER, { "content-type": "application/json" });
    },
  };
}

/** Lets everything run that does not wait for a timer, including signing in another thread. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a request over the rate waits until it fits, first come, first served", async () => {
  const { ask, answer, advance, expectCalls, order, expectSettled } = start([
    "slow",
    { requests: "60/m", burstMs: 1_000, waitMs: 5_000 },
  ]);
  const all = ["a", "b", "c"].map((name) => ask(name));
  await expectCalls(1);
  await answer(0);
  advance(950);
  await expectCalls(1);
  advance(50);
  await expectCalls(2);
  await answer(1);
  await settle();
  // A newcomer does not overtake.
  const late = ask("d");
  advance(1_000);
  await settle();
  await answer(2);
  await Promise.all(all.map(({ status }) => status));
  advance(1_000);
  await answer(3);
  await late.status;
  equal(order.join(), "a 200,b 200,c 200,d 200");
  await expectSettled(4);
});

Deno.test("a request that would wait too long is refused after the longest wait", async () => {
  const { ask, answer, advance, bedrock, expectSettled, limits } = start([
    "slow",
    { requests: "1/m", waitMs: 2_000 },
  ]);
  const first = ask("a");
  await answer(0);
  await first.status;
  const second = ask("b");
  await settle();
  advance(1_950);
  await settle();
  equal(limits.status().rules["slow"]?.refused ?? 0, 0);
  advance(100);
  equal(await second.status, 429);
  equal(bedrock.calls.length, 1);
  equal(limits.status().rules["slow"]?.refused, 1);
  await expectSettled(2);
});

Deno.test("a free slot goes to the first in the line at once", async () => {
  const { ask, answer, order, expectCalls, expectSettled } = start(["few", {
    concurrent: 1,
    waitMs: 60_000,
  }]);
  const all = ["a", "b", "c"].map((name) => ask(name));
  for (let index = 0; index < 3; index++) {
    await expectCalls(index + 1);
    await answer(index);
  }
  await Promise.all(all.map(({ status }) => status));
  equal(order.join(), "a 200,b 200,c 200");
  await expectSettled(3);
});

Deno.test("a client that leaves while it waits leaves the line", async () => {
  const { ask, answer, bedrock, expectSettled } = start(["few", { concurrent: 1, waitMs: 60_000 }]);
  const first = ask("a");
  await settle();
  const gone = ask("b");
  const last = ask("c");
  await settle();
  gone.leave();
  equal(await gone.status, 499);
  await answer(0);
  equal(await first.status, 200);
  await answer(1);
  equal(await last.status, 200);
  equal(bedrock.calls.length, 2);
  await expectSettled(3);
});

Deno.test("a line has 64 places: the next request is refused at once", async () => {
  const { ask, answer, expectSettled } = start(["few", { concurrent: 1, waitMs: 60_000 }]);
  const all = Array.from({ length: 65 }, (_, index) => ask(String(index)));
  await settle();
  equal(await ask("too many").status, 429);
  for (let index = 0; index < 65; index++) {
    await answer(index);
    await settle();
  }
  ok((await Promise.all(all.map(({ status }) => status))).every((status) => status === 200));
  await expectSettled(66);
});

Deno.test("a request that fits but has no place in the line is refused by the limit that others wait for", async () => {
  const { ask, expectSettled } = start(["slow", { requests: "1k/m", tokens: "1k/m", waitMs: 1_000 }]);
  // The first is in flight, and 64 wait for tokens.
  const large = Array.from({ length: 65 }, (_, index) => ask(String(index), { max_tokens: 900 }));
  await settle();
  const refused = await ask("small", { max_tokens: 1 }).response;
  equal(refused.status, 429);
  equal(refused.headers.get("x-adit-limit"), "slow;tokens");
  for (const { leave } of large) leave();
  await Promise.all(large.map(({ status }) => status));
  await expectSettled(66);
});

Deno.test("a rule in shadow counts a request that waits for another rule once", async () => {
  const { ask, answer, advance, expectCalls, expectSettled, limits } = start(
    ["trial", { requests: "1/m", mode: "shadow" }],
    ["slow", { requests: "60/m", burstMs: 1_000, waitMs: 5_000 }],
  );
  const first = ask("a");
  await answer(0);
  await first.status;
  const second = ask("b");
  await settle();
  advance(1_000);
  await expectCalls(2);
  await answer(1);
  equal(await second.status, 200);
  equal(limits.status().rules["trial"]?.would_refuse, 1);
  await expectSettled(2);
});
