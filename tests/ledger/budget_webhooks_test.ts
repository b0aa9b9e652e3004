/** Warnings of budgets that are sent to the operator's webhook. */

import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { seal } from "../../lib/base/secret.ts";
import { BudgetWebhooks } from "../../lib/ledger/budget_webhooks.ts";
import type { BudgetWarning } from "../../lib/snapshot/budget.ts";
import { sentInit } from "../fakes/fetch.ts";
import { SILENT } from "../fakes/log.ts";

const TIMEOUT_MS = 10_000;
const URL_TEXT = "https://hooks.example/T0/secret-token";
const WARNING: BudgetWarning = {
  budget: "search-month",
  subject: "",
  percent: 80,
  unit: "usd",
  spent: "412.50",
  limit: "500.00",
  window_end: "2026-12-01T00:00:00+01:00",
};

const BROKEN_BODY = () =>
  new ReadableStream({
    cancel() {
      throw new Error("connection reset");
    },
  });

/** What a service does: `late` never answers, `gone` refuses the connection, and `broken` breaks off its answer. */
type Answer = number | "late" | "gone" | "broken";

/** A service that answers in this order. */
function start(...answers: readonly Answer[]) {
  const bodies: unknown[] = [];
  const pauses: number[] = [];
  const lines: Record<string, unknown>[] = [];
  let onLate = () => {};
  const webhooks = new BudgetWebhooks({
    fetch: (url, init) => {
      const { method, headers, body, signal } = sentInit(init);
      assert.deepEqual([url, method, headers.get("content-type")], [URL_TEXT, "POST", "application/json"]);
      const answer = answers[bodies.length] ?? 200;
      bodies.push(JSON.parse(decodeUtf8(body ?? new Uint8Array())));
      if (answer === "gone") return Promise.reject(new Error(`cannot connect to ${URL_TEXT}`));
      if (answer === "broken") return Promise.resolve(new Response(BROKEN_BODY()));
      if (answer !== "late") return Promise.resolve(new Response(null, { status: answer }));
      onLate();
      return Promise.reject(signal.reason);
    },
    timers: {
      after: (ms, fire) => {
        if (ms === TIMEOUT_MS) onLate = fire;
        else {
          pauses.push(ms);
          queueMicrotask(fire);
        }
        return { cancel: () => {}, restart: () => {}, extend: () => {} };
      },
    },
    logger: { ...SILENT, log: (_level, message, fields) => lines.push({ message, ...fields }) },
    userAgent: "adit/test",
  });
  return {
    bodies,
    pauses,
    /** Why warnings were not delivered. */
    reasons: () => lines.map(({ reason }) => reason),
    lines,
    /** Sends a warning, and waits until every warning has been delivered or given up. */
    async send(count = 1) {
      for (let index = 0; index < count; index++) webhooks.send(seal(URL_TEXT), WARNING);
      await webhooks.idle;
    },
  };
}

Deno.test("a warning is delivered once, with a text for chats", async () => {
  const { send, bodies, reasons } = start();
  await send();
  assert.deepEqual(bodies, [{
    text: 'Budget "search-month" has reached 80 % of its limit: 412.50 of 500.00 USD',
    ...WARNING,
  }]);
  assert.deepEqual(reasons(), []);
});

Deno.test("a temporary failure is retried up to four attempts, and then logged without the URL", async () => {
  const { send, bodies, pauses, lines, reasons } = start(503, "late", "gone", 200, 500, 429, "late", "gone");
  await send();
  assert.deepEqual([bodies.length, pauses, reasons()], [4, [1_000, 5_000, 30_000], []]);
  await send();
  assert.deepEqual([bodies.length, reasons()], [8, ["cannot be reached"]]);
  assert.ok(!JSON.stringify(lines).includes("secret-token"));
});

Deno.test("a warning that was accepted is not repeated because the answer breaks off", async () => {
  const { send, bodies, reasons } = start("broken");
  await send();
  assert.deepEqual([bodies.length, reasons()], [1, []]);
});

Deno.test("a refusal is not repeated", async () => {
  const { send, bodies, reasons } = start(404, 302);
  await send(2);
  assert.deepEqual([bodies.length, reasons()], [2, [
    "responded with status 404",
    "responded with status 302",
  ]]);
});

Deno.test("at most 100 warnings wait", async () => {
  const { send, bodies, reasons } = start();
  await send(103);
  assert.deepEqual([bodies.length, reasons()], [101, Array(2).fill("too many warnings are waiting")]);
});
