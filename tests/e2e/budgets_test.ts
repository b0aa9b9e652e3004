/** Budgets of the real program: refusals that stop clients, restarts, corrections, and the limit under load. */

import assert from "node:assert/strict";
import { awayFromMidnight } from "../fakes/midnight.ts";
import { KEY, keyHash } from "./configs.ts";
import { BudgetWatch, STREAMS } from "../suites/overshoot.ts";
import { type LogLine, type Program, replaceFile, runProgram, startProgram } from "./program.ts";

const ADMIN_KEY = "adit-admin-key-0123456789";

function config(folder: string, budget: string): string {
  return `providers:
  local: { type: emulator }
models:
  nova: { provider: local, id: us.amazon.nova-lite-v1:0 }
state: { path: ${folder} }
admin_api: { key: "${keyHash(ADMIN_KEY)}" }
callers:
  demo: { key: "${keyHash(KEY)}", models: [nova], native: [us-east-1], team: search }
budgets:
  search-month: ${budget}
`;
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await awayFromMidnight();
  const folder = await Deno.makeTempDir({ prefix: "adit-budget-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const AUTHORIZED = { authorization: `Bearer ${KEY}` };
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` };

async function chat(program: Program, body: Record<string, unknown> = {}): Promise<Response> {
  return await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: AUTHORIZED,
    body: JSON.stringify({
      model: "nova",
      max_tokens: 60,
      messages: [{ role: "user", content: "Hi" }],
      ...body,
    }),
  });
}

async function view(program: Program) {
  const response = await fetch(`${program.adminUrl}/admin/v1/budgets`, { headers: ADMIN });
  return (await response.json()).budgets[0];
}

Deno.test("a spent budget refuses with headers that stop retries, survives a kill, and can be corrected", () =>
  inFolder(async (folder) => {
    const text = config(folder, "{ for: { teams: [search] }, requests: 3 }");
    {
      await using program = await startProgram("bun", text);
      for (let count = 0; count < 3; count++) {
        assert.equal((await (await chat(program)).json()).object, "chat.completion");
      }
      const refused = await chat(program);
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get("x-should-retry"), "false");
      assert.ok(Number(refused.headers.get("retry-after")) >= 1);
      assert.match(
        refused.headers.get("x-adit-budget") ?? "",
        /^search-month;remaining=0;reset=\d{4}-\d{2}-01T00:00:00/,
      );
      const { error } = await refused.json();
      assert.equal(error.code, "insufficient_quota");
      assert.match(
        error.message,
        /^refused by this gateway: budget "search-month" of 3 requests a month is spent/,
      );
      const native = await fetch(`${program.url}/model/us.amazon.nova-lite-v1:0/converse`, {
        method: "POST",
        headers: AUTHORIZED,
        body: JSON.stringify({ messages: [{ role: "user", content: [{ text: "Hi" }] }] }),
      });
      assert.equal(native.status, 400);
      assert.equal(native.headers.get("x-amzn-errortype"), "ServiceQuotaExceededException");
      await native.body?.cancel();
      // The ledger has written the rows, and with them the budget, once it has answered.
      await (await fetch(`${program.adminUrl}/admin/v1/usage`, { headers: ADMIN })).text();
      await program.stop("SIGKILL");
    }
    await using program = await startProgram("bun", text);
    assert.equal((await chat(program)).status, 429);
    assert.deepEqual([(await view(program)).spent, (await view(program)).remaining], ["3", "0"]);
    const own = await (await fetch(`${program.url}/v1/budget`, { headers: AUTHORIZED })).json();
    assert.equal(own.budgets[0].spent, "3");
    const path = `${program.adminUrl}/admin/v1/budgets/search-month`;
    const adjust = await fetch(`${path}/adjust`, {
      method: "POST",
      headers: ADMIN,
      body: JSON.stringify({ amount: "-1", reason: "a test run" }),
    });
    assert.equal((await adjust.json()).spent, "2");
    assert.equal((await chat(program)).status, 200);
    assert.equal((await chat(program)).status, 429);
    const reset = await fetch(`${path}/reset`, {
      method: "POST",
      headers: ADMIN,
      body: '{"reason":"new contract"}',
    });
    assert.equal((await reset.json()).spent, "0");
    assert.equal((await chat(program)).status, 200);
    const line = await program.waitForLog((each) =>
      each.message === "budget corrected through the admin API"
    );
    assert.deepEqual([line["action"], line["amount"], line["reason"]], ["adjust", "-1", "a test run"]);
    assert.equal((await fetch(`${path}/reset`, { method: "POST", body: "{}" })).status, 401);
  }));

Deno.test("a budget that nobody has used yet is corrected in its own unit, and only for subjects that exist", () =>
  inFolder(async (folder) => {
    const text = config(folder, "{ requests: 5, each: caller }");
    await using program = await startProgram("bun", text);
    const adjust = async (body: unknown) => {
      const url = `${program.adminUrl}/admin/v1/budgets/search-month/adjust`;
      const response = await fetch(url, { method: "POST", headers: ADMIN, body: JSON.stringify(body) });
      return [response.status, await response.json()] as const;
    };
    const [status, { spent }] = await adjust({ subject: "demo", amount: "2", reason: "moved" });
    assert.deepEqual([status, spent], [200, "2"]);
    const [refused, { error }] = await adjust({ subject: "dmeo", amount: "2", reason: "moved" });
    assert.deepEqual([refused, /there is no caller "dmeo"/.test(error)], [400, true]);
  }));

Deno.test("50 concurrent streams overshoot a small budget by no more than the reported worst case", () =>
  inFolder(async (folder) => {
    await using program = await startProgram(
      "bun",
      config(folder, "{ usd: 0.002, reserve: typical, warn: [50%] }"),
    );
    const watch = new BudgetWatch();
    let refused = 0;
    await Promise.all(Array.from({ length: STREAMS }, async () => {
      for (let count = 0; count < 20; count++) {
        const response = await chat(program, { stream: true });
        watch.see(await view(program));
        await response.text();
        if (response.status === 429) refused++;
      }
    }));
    assert.ok(refused > 0, "the budget is spent");
    // The last stream is settled just after its client has read its end.
    while ((await view(program)).held !== "0.00");
    const figures = await view(program);
    const { spent } = figures;
    assert.ok(Number(spent) <= watch.bound(figures), `${spent} of ${watch.bound(figures)}`);
    await program.waitForLog((line) => line.message === "a budget has reached a warning level");
    // The budget counts what the ledger has.
    const usage = await (await fetch(`${program.adminUrl}/admin/v1/usage`, { headers: ADMIN })).json();
    assert.equal(usage.total.cost_usd, spent);
  }));

Deno.test("with cut_streams, a running stream ends once the budget is spent", () =>
  inFolder(async (folder) => {
    const text = config(folder, "{ tokens: 10M, cut_streams: true }").replace(
      "v1:0 }",
      "v1:0.fault-slow-tokens:1 }",
    );
    await using program = await startProgram("bun", text);
    const words = `Reply with: ${"word ".repeat(30_000)}`;
    const body = { stream: true, max_tokens: 30_000, messages: [{ role: "user", content: words }] };
    const response = await chat(program, body);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let answer = (await reader?.read())?.value ?? "";
    const adjusted = await fetch(`${program.adminUrl}/admin/v1/budgets/search-month/adjust`, {
      method: "POST",
      headers: ADMIN,
      body: JSON.stringify({ amount: "10000000", reason: "what others have spent" }),
    });
    assert.equal(adjusted.status, 200);
    await adjusted.body?.cancel();
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      answer += read.value;
    }
    assert.match(
      answer,
      /data: \{"error":\{"message":"ended by this gateway: budget \\"search-month\\" of 10000000 /,
    );
    const line = await program.waitForLog(({ message }) => message === "request");
    assert.deepEqual([line?.["status"], line?.["error"], line?.["estimated"]], [
      200,
      "insufficient_quota",
      true,
    ]);
    const { spent, held } = await view(program);
    assert.equal(held, "0");
    // More than was reserved for it, and less than the whole response, which takes half a minute.
    assert.ok(Number(spent) > 10_040_000 && Number(spent) < 10_140_000, spent);
  }));

Deno.test("after a kill, the reservations of open streams count as spent, and nothing stays reserved", () =>
  inFolder(async (folder) => {
    const text = config(folder, "{ tokens: 1M }").replace("v1:0 }", "v1:0.fault-stall }");
    let held: string;
    {
      await using program = await startProgram("bun", text);
      const streams = await Promise.all(Array.from({ length: 3 }, () => chat(program, { stream: true })));
      const before = await view(program);
      held = before.held;
      assert.ok(Number(held) > 0);
      assert.equal(before.spent, "0");
      // The ledger has written the holds once it has answered.
      await (await fetch(`${program.adminUrl}/admin/v1/usage`, { headers: ADMIN })).text();
      await program.stop("SIGKILL");
      await Promise.all(streams.map((stream) => stream.body?.cancel().catch(() => {})));
    }
    await using program = await startProgram("bun", text);
    const after = await view(program);
    assert.deepEqual([after.spent, after.held, after.worst_case], [held, "0", held]);
    const line = await program.waitForLog((each) =>
      each.message === "the previous process left requests unsettled; their reserved amounts count as spent"
    );
    assert.equal(line["budget"], "search-month");
  }));

Deno.test("a new or changed budget begins with the usage in the ledger, also after a restart", () =>
  inFolder(async (folder) => {
    const spent = async (program: Program) => {
      const { unit, spent, requests } = await view(program);
      return { unit, spent: Number(spent), requests };
    };
    const known = (line: LogLine) =>
      line.message === "new and changed budgets start with their usage in the ledger";
    const change = async (program: Program, edit: (text: string) => string) => {
      const before = program.logs.length;
      await replaceFile(program.configPath, edit(await Deno.readTextFile(program.configPath)));
      await program.waitForLog(known, before);
    };
    const whole = config(folder, "{ usd: 500 }");
    const none = whole.slice(0, whole.indexOf("budgets:"));
    let usd: unknown;
    {
      await using program = await startProgram("bun", none);
      for (let count = 0; count < 3; count++) await (await chat(program)).text();
      assert.equal((await chat(program, { model: "unknown" })).status, 404);
      await change(program, (text) => text + whole.slice(none.length));
      usd = await spent(program);
      const usage = await (await fetch(`${program.adminUrl}/admin/v1/usage`, { headers: ADMIN })).json();
      assert.deepEqual(usd, { unit: "usd", spent: Number(usage.total.cost_usd), requests: 3 });
      assert.ok(Number(usage.total.cost_usd) > 0);
      await change(program, (text) => text.replace("{ usd: 500 }", "{ requests: 4, window: day }"));
      assert.deepEqual(await spent(program), { unit: "requests", spent: 3, requests: 3 });
      assert.equal((await chat(program)).status, 200);
      assert.equal((await chat(program)).status, 429);
      await program.stop();
    }
    {
      await using program = await startProgram("bun", config(folder, "{ requests: 4, window: day }"));
      assert.deepEqual(await spent(program), { unit: "requests", spent: 4, requests: 4 });
      await program.stop();
    }
    await using program = await startProgram("bun", config(folder, "{ tokens: 1M, each: team }"));
    await program.waitForLog(known);
    const usage = await (await fetch(`${program.adminUrl}/admin/v1/usage`, { headers: ADMIN })).json();
    const tokens = usage.total.input_tokens + usage.total.output_tokens;
    assert.deepEqual(await spent(program), { unit: "tokens", spent: tokens, requests: 4 });
  }));

Deno.test("warnings are sent to a webhook once, and its URL is never shown", () =>
  inFolder(async (folder) => {
    const received: unknown[] = [];
    const arrived = Promise.withResolvers<void>();
    const service = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
      received.push([new URL(request.url).pathname, await request.json()]);
      if (received.length === 2) arrived.resolve();
      return new Response(null, { status: 204 });
    });
    try {
      const url = `http://127.0.0.1:${service.addr.port}/T0/webhook-token`;
      await using program = await startProgram(
        "bun",
        config(folder, `{ requests: 4, warn: ["50%", "75%"], webhook: "${url}" }`),
      );
      for (let count = 0; count < 4; count++) await (await chat(program)).text();
      await arrived.promise;
      const common = { budget: "search-month", subject: "", unit: "requests", limit: "4" };
      assert.deepEqual(
        received.map((each) => Object(each)[1]).map(({ text, window_end, ...rest }) => {
          assert.match(text, /^Budget "search-month" has reached/);
          assert.match(window_end, /-01T00:00:00\+00:00$/);
          return rest;
        }),
        [{ ...common, percent: 50, spent: "2" }, { ...common, percent: 75, spent: "3" }],
      );
      assert.equal(Object(received[0])[0], "/T0/webhook-token");
      const shown = await runProgram("bun", ["config", "--config", program.configPath]);
      assert.equal(shown.code, 0, shown.stderr);
      for (const text of [shown.stdout, JSON.stringify(program.logs)]) {
        assert.ok(!text.includes("webhook-token"), text);
      }
    } finally {
      await service.shutdown();
    }
  }));

Deno.test("a clean end leaves nothing reserved, and a reload keeps the amount spent", () =>
  inFolder(async (folder) => {
    const text = (limit: number) => config(folder, `{ requests: ${limit} }`);
    await using program = await startProgram("bun", text(5));
    await (await chat(program)).text();
    await replaceFile(
      program.configPath,
      (await Deno.readTextFile(program.configPath)).replace("requests: 5", "requests: 1"),
    );
    await program.waitForLog((line) => line.message === "configuration reloaded");
    assert.equal((await chat(program)).status, 429);
    await program.stop();
    await using again = await startProgram("bun", text(5));
    assert.deepEqual([(await view(again)).spent, (await view(again)).held], ["1", "0"]);
  }));
