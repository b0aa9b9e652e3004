/** Fifty concurrent streams, a token limit and a small budget in simulated time: the overshoot and its bound. */

import { equal, ok } from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Budget } from "../../lib/snapshot/budget.ts";
import { converseFrames, eventFrame, joined } from "../fakes/frames.ts";
import type { ScriptedBody } from "../fakes/fetch.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { budget, flatPrices } from "../suites/budget_rules.ts";
import { rule } from "../suites/limit_rules.ts";
import {
  BudgetWatch,
  MAX_TOKENS,
  RESERVED_OUTPUT,
  STREAMS,
  type StreamUsage,
  tokenBound,
  TOKENS_PER_MINUTE,
  tokensOf,
} from "../suites/overshoot.ts";
import { Random } from "../suites/random.ts";
import { CHAT, chatBody } from "./requests.ts";

const MINUTES = 2;
const STEP_MS = 100;
const ANN = caller("ann", { models: ["*"] });
const BODY = chatBody({
  stream: true,
  max_tokens: MAX_TOKENS,
  messages: [{ role: "user", content: "x".repeat(350) }],
});

interface Scenario {
  readonly budgets?: readonly Budget[];
  readonly hasRule?: boolean;
  readonly seed: number;
}

/** Sends every stream again when it has ended, or a second after it was refused. */
async function simulate({ budgets = [], hasRule = false, seed }: Scenario) {
  const gateway = startGateway(snapshot({
    models: [model("haiku", provider("east", "us-east-1"))],
    callers: [ANN],
    prices: flatPrices("1", "refuse"),
    budgets,
    rateLimits: hasRule
      ? [rule("tokens", { tokens: `${TOKENS_PER_MINUTE}/m`, reserveOutput: RESERVED_OUTPUT })]
      : [],
  }));
  const { bedrock } = gateway;
  const random = new Random(seed);
  const served: StreamUsage[] = [];
  const watch = new BudgetWatch();
  const waiting = new Map(Array.from({ length: STREAMS }, (_, index) => [index, 0]));
  let refused = 0;
  let most = 0;
  let answered = 0;
  let nowMs = 0;
  for (; nowMs < MINUTES * 60_000; nowMs += STEP_MS) {
    for (const [stream, readyMs] of [...waiting]) {
      if (readyMs > nowMs) continue;
      waiting.delete(stream);
      const headers = { authorization: `Bearer ${ANN.key}` };
      void gateway.send(CHAT, { headers, body: BODY }).response.then(async (answer) => {
        await answer.arrayBuffer();
        if (answer.status !== 200) refused++;
        waiting.set(stream, nowMs + (answer.status === 200 ? 0 : 1000));
      });
    }
    await turn();
    most = Math.max(most, gateway.pipeline.inFlight);
    for (const view of gateway.budgets.view()) watch.see(view);
    for (; answered < bedrock.calls.length && random.below(3) > 0; answered++) {
      const usage = { inputTokens: 100, outputTokens: 1 + random.below(MAX_TOKENS) };
      served.push(usage);
      bedrock.calls[answered]?.answerWhole(200, streamOf(usage), EVENT_STREAM);
    }
    await turn();
    gateway.advance(STEP_MS);
  }
  const [view] = gateway.budgets.view();
  return { served, watch, refused, most, elapsedMs: nowMs, view };
}

const CUT_MAX_TOKENS = 4_000;
/** Room for more than twenty of the longest responses, so that the first streams only hold a typical one. */
const CUT_LIMIT = 120_000;
/** Output tokens of a piece, at the initial estimate of bytes per token. */
const PIECE_TOKENS = 100;
const PIECE = eventFrame("contentBlockDelta", {
  contentBlockIndex: 0,
  delta: { text: "x".repeat(40 * PIECE_TOKENS) },
});

interface Running {
  readonly upstream: ScriptedBody;
  readonly text: Promise<string>;
  /** The number of tokens in the pieces so far. */
  outputTokens: number;
}

const EVENT_STREAM = { "content-type": "application/vnd.amazon.eventstream" };

function streamOf({ inputTokens, outputTokens }: StreamUsage): Uint8Array<ArrayBuffer> {
  const usage = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
  return joined(
    ...converseFrames("Hello").slice(0, -1),
    eventFrame("metadata", { metrics: { latencyMs: 9 }, usage }),
  );
}

/** Lets everything that is ready to run do so. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

for (const seed of [1, 2]) {
  Deno.test(`simulated streams use no more tokens than the documented bound: seed ${seed}`, async () => {
    const { served, refused, most, elapsedMs } = await simulate({ hasRule: true, seed });
    const used = tokensOf(served);
    ok(refused > 50 && most > 5, `${refused} refused, ${most} at once`);
    ok(used <= tokenBound(served, elapsedMs), `${used} of ${tokenBound(served, elapsedMs)}`);
    // The bound is tight enough to be exceeded by a mistake.
    ok(used > TOKENS_PER_MINUTE * MINUTES * 0.8, `only ${used}`);
  });

  for (const reserve of ["typical", "full"] as const) {
    Deno.test(`simulated streams spend no more than a budget shows as its worst case: ${reserve}, seed ${seed}`, async () => {
      const { watch, refused, most, view } = await simulate({
        budgets: [budget("small", { limit: 20_000_000, reserve })],
        seed,
      });
      if (view === undefined) throw new Error("no budget");
      ok(refused > 50 && most > 5, `${refused} refused, ${most} at once`);
      equal(view.held, "0.00");
      ok(Number(view.spent) <= watch.bound(view), `${view.spent} of ${watch.bound(view)}`);
      ok(Number(view.spent) > Number(view.limit) * 0.8, `only ${view.spent}`);
      if (reserve === "full") ok(Number(view.spent) <= Number(view.limit), `${view.spent} of ${view.limit}`);
    });
  }

  for (const cutStreams of [true, false]) {
    Deno.test(`simulated streams ${cutStreams ? "are" : "are not"} cut at the limit: seed ${seed}`, async () => {
      const gateway = startGateway(snapshot({
        models: [model("haiku", provider("east", "us-east-1"))],
        callers: [ANN],
        budgets: [budget("small", { unit: "tokens", limit: CUT_LIMIT, cutStreams })],
      }));
      const random = new Random(seed);
      const headers = { authorization: `Bearer ${ANN.key}` };
      const body = chatBody({ stream: true, max_tokens: CUT_MAX_TOKENS });
      const streams: Running[] = [];
      for (let isAdmitted = true; isAdmitted;) {
        const { response } = gateway.send(CHAT, { headers, body });
        const call = await Promise.race([gateway.bedrock.call(streams.length), response]);
        isAdmitted = !(call instanceof Response);
        if (call instanceof Response) continue;
        const upstream = call.answer(200, EVENT_STREAM);
        upstream.push(...converseFrames("Hello").slice(0, 2));
        streams.push({ upstream, text: response.then((answer) => answer.text()), outputTokens: 1 });
      }
      const texts = Promise.all(streams.map(({ text }) => text));
      // The streams take turns in using what is left, piece by piece.
      for (let sent = 0; sent < CUT_MAX_TOKENS; sent += PIECE_TOKENS) {
        for (const stream of streams) {
          if (random.below(3) === 0) continue;
          stream.upstream.push(PIECE);
          stream.outputTokens += PIECE_TOKENS;
        }
        await turn();
      }
      for (const { upstream, outputTokens } of streams) {
        const usage = { inputTokens: 10, outputTokens, totalTokens: 10 + outputTokens };
        const [, ...end] = converseFrames().slice(0, -1);
        upstream.push(...end, eventFrame("metadata", { metrics: { latencyMs: 9 }, usage }));
        upstream.end();
      }
      const cut = (await texts).filter((text) => text.includes("ended by this gateway")).length;
      const [view] = gateway.budgets.view();
      ok(view !== undefined);
      equal(view.held, "0");
      const bound = CUT_LIMIT + streams.length * 2 * PIECE_TOKENS;
      equal(cut > 0, cutStreams, `${cut} of ${streams.length} were cut`);
      equal(Number(view.spent) <= bound, cutStreams, `${view.spent} of ${bound}`);
      await gateway.expectSettled(streams.length + 1);
    });
  }
}
