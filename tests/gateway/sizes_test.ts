/** The estimated size of requests, what is learned from them, and the usage that counts by how they ended. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { AditError, type ErrorKind } from "../../lib/base/errors.ts";
import { Asked, type RequestSize } from "../../lib/gateway/admission/asked.ts";
import type { Ending } from "../../lib/gateway/admission/ending.ts";
import { Sizes } from "../../lib/gateway/admission/sizes.ts";
import { planFor } from "../../lib/gateway/resolve.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";

const PLAN = planFor(model("m", provider("east", "us-east-1"), "anthropic.claude-haiku-4-5-20251001-v1:0"));
const SIZE: RequestSize = { textBytes: 3500, images: 0, documentBytes: 0, maxOutputTokens: 500 };

function asked(sizes: Sizes, size: RequestSize = SIZE): Asked {
  return new Asked({
    id: "req_1",
    snapshot: snapshot(),
    caller: caller("c"),
    plan: PLAN,
    counts: "tokens",
    dialect: "openai",
    bodyBytes: 9999,
  }, { measure: () => size, estimate: sizes.estimate });
}

function usage(inputTokens: number, outputTokens: number, cacheReadTokens = 0) {
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens: 0 };
}

const END: Ending = {
  dialect: "openai",
  isStream: true,
  usage: undefined,
  error: undefined,
  accepted: true,
  sentBytes: 0,
  brokenAttempts: 0,
};

interface Case {
  readonly name: string;
  readonly error?: ErrorKind;
  readonly ending: Partial<Ending>;
  readonly spent: readonly [input: number, output: number, estimated: boolean];
}

const CASES: readonly Case[] = [
  { name: "no target accepted it", error: "rate_limited", ending: { accepted: false }, spent: [0, 0, false] },
  { name: "complete", ending: { usage: usage(900, 40, 7), sentBytes: 99 }, spent: [900, 40, false] },
  {
    name: "broke off before its usage: the input, and a token for each 40 bytes",
    error: "stream_truncated",
    ending: { sentBytes: 4000 },
    spent: [1000, 100, true],
  },
  {
    name: "broke off after the usage of its input",
    error: "stream_truncated",
    ending: { usage: usage(900, 1), sentBytes: 4000 },
    spent: [900, 100, true],
  },
  {
    name: "broke off after reporting more than the bytes suggest",
    error: "timeout",
    ending: { usage: usage(900, 300), sentBytes: 40 },
    spent: [900, 300, true],
  },
  {
    name: "a usage of zero despite text",
    ending: { usage: usage(0, 0), sentBytes: 4000 },
    spent: [1000, 100, true],
  },
  {
    name: "complete without usage, such as an image: at most a typical response",
    ending: { sentBytes: 2_000_000 },
    spent: [1000, 500, true],
  },
  {
    name: "the client left: at least a typical response",
    error: "client_gone",
    ending: { sentBytes: 400 },
    spent: [1000, 500, true],
  },
  {
    name: "the client left after a long response",
    error: "client_gone",
    ending: { sentBytes: 40_000 },
    spent: [1000, 1000, true],
  },
  {
    name: "the client left while a whole response was sent",
    error: "client_gone",
    ending: { isStream: false, usage: usage(900, 40), sentBytes: 64_000 },
    spent: [900, 40, false],
  },
  {
    name: "the client left before a whole response",
    error: "client_gone",
    ending: { isStream: false },
    spent: [1000, 500, true],
  },
  {
    name: "another target answered after one that broke off",
    ending: { usage: usage(900, 40), brokenAttempts: 1 },
    spent: [1900, 40, true],
  },
  {
    name: "two targets broke off and none answered",
    error: "timeout",
    ending: { accepted: false, brokenAttempts: 2 },
    spent: [2000, 0, true],
  },
];

for (const { name, error, ending, spent } of CASES) {
  Deno.test(`what a request counts as having used: ${name}`, () => {
    const sizes = new Sizes();
    const failure = error === undefined ? undefined : new AditError(error);
    const { usage, estimated } = sizes.settle(asked(sizes), { ...END, error: failure, ...ending });
    deepEqual([usage.inputTokens, usage.outputTokens, estimated], spent);
  });
}

Deno.test("the estimate of a request: text, images, documents, and the longest and typical response", () => {
  const sizes = new Sizes();
  deepEqual(
    sizes.estimate(PLAN, { textBytes: 350, images: 2, documentBytes: 600, maxOutputTokens: undefined }),
    {
      inputTokens: 100 + 2 * 1600 + 100,
      maxOutputTokens: 64_000,
      typicalOutputTokens: 1024,
    },
  );
  equal(sizes.estimate(PLAN, { ...SIZE, maxOutputTokens: 20 }).typicalOutputTokens, 20);
});

for (const [sent, longest] of [[1e300, 10_000_000], [1.5, 2], [0, 0]] as const) {
  Deno.test(`a request with max_tokens ${sent} is held as one of ${longest}`, () => {
    const { maxOutputTokens, typicalOutputTokens } = new Sizes().estimate(PLAN, {
      ...SIZE,
      maxOutputTokens: sent,
    });
    deepEqual([maxOutputTokens, typicalOutputTokens], [longest, Math.min(1024, longest)]);
  });
}

Deno.test("a body that was not measured before it was sent counts by its bytes", () => {
  const sizes = new Sizes();
  const request = asked(sizes);
  request.forgetBody();
  equal(request.estimate.inputTokens, Math.ceil(9999 / 3.5));
});

/** Settles complete requests, from which the sizes are learned. */
function teach(
  sizes: Sizes,
  times: number,
  { size = SIZE, used = usage(1000, 100), sentBytes = 0 } = {},
): void {
  for (let index = 0; index < times; index++) {
    const request = asked(sizes, size);
    ok(request.estimate.inputTokens > 0);
    sizes.settle(request, { ...END, usage: used, sentBytes });
  }
}

Deno.test("bytes per token are learned from the whole prompt, within limits", () => {
  const sizes = new Sizes();
  teach(sizes, 200, { size: { ...SIZE, textBytes: 5000 }, used: usage(200, 10, 800) });
  ok(Math.abs(sizes.estimate(PLAN, { ...SIZE, textBytes: 5000 }).inputTokens - 1000) <= 1);
  teach(sizes, 200, { size: { ...SIZE, textBytes: 100_000 } });
  equal(sizes.estimate(PLAN, { ...SIZE, textBytes: 6000 }).inputTokens, 1001);
  // A prompt with an image says nothing about text.
  const before = sizes.estimate(PLAN, SIZE).inputTokens;
  teach(sizes, 50, { size: { ...SIZE, images: 1 } });
  equal(sizes.estimate(PLAN, SIZE).inputTokens, before);
});

Deno.test("the typical response is 1.5 times what 95 of 100 do not exceed, once there are enough", () => {
  const sizes = new Sizes();
  const typical = () => sizes.estimate(PLAN, { ...SIZE, maxOutputTokens: 60_000 }).typicalOutputTokens;
  teach(sizes, 19, { used: usage(1000, 100) });
  equal(typical(), 1024);
  teach(sizes, 81, { used: usage(1000, 100) });
  equal(typical(), 192);
  // Five of a hundred and five are longer, then ten.
  teach(sizes, 5, { used: usage(1000, 4000) });
  equal(typical(), 192);
  teach(sizes, 5, { used: usage(1000, 4000) });
  equal(typical(), 4096 * 1.5);
  // Old samples are forgotten.
  teach(sizes, 3000, { used: usage(1000, 100) });
  equal(typical(), 192);
});

Deno.test("bytes per token of a response are learned for each dialect", () => {
  const sizes = new Sizes();
  teach(sizes, 200, { used: usage(1000, 100), sentBytes: 20_000 });
  const broken = { ...END, error: new AditError("timeout"), sentBytes: 2_000 };
  const learned = sizes.settle(asked(sizes), broken).usage.outputTokens;
  ok(learned === 10 || learned === 11, String(learned));
  equal(sizes.settle(asked(sizes), { ...broken, dialect: "anthropic" }).usage.outputTokens, 50);
});

Deno.test("bytes per token of a stream are not learned from whole responses", () => {
  const sizes = new Sizes();
  for (let index = 0; index < 200; index++) {
    sizes.settle(asked(sizes), { ...END, isStream: false, usage: usage(1000, 100), sentBytes: 600 });
  }
  const broken = { ...END, error: new AditError("timeout"), sentBytes: 1_200 };
  equal(sizes.settle(asked(sizes), broken).usage.outputTokens, 30);
  const whole = sizes.settle(asked(sizes), { ...broken, isStream: false }).usage.outputTokens;
  ok(whole > 190 && whole <= 200, String(whole));
});
