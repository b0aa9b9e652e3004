/** Questions of a new operator, answered by the real program's admin listener, and its streams on real connections. */

import assert from "node:assert/strict";
import type { NowView, RecentRequestView } from "../../lib/admin/contract/contract.ts";
import { awayFromMidnight } from "../fakes/midnight.ts";
import { KEY, keyHash } from "./configs.ts";
import { forEachRuntime, type Program, replaceFile, startProgram } from "./program.ts";
import { begin, CHAT_STREAM } from "./requests.ts";

const BATCH_KEY = "adit-batch-key-0123456789";

function config(extra = ""): string {
  return `providers:
  local: { type: emulator }
models:
  nova: { provider: local, id: us.amazon.nova-lite-v1:0 }
  claude: { provider: local, id: us.anthropic.claude-haiku-4-5-20251001-v1:0 }
  broken:
    targets:
      - { name: slow, provider: local, id: us.amazon.nova-lite-v1:0.fault-throttling }
      - { name: down, provider: local, id: us.amazon.nova-pro-v1:0.fault-unavailable }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"], team: web }
  batch: { key: "${keyHash(BATCH_KEY)}", models: [nova], team: night, limits: { requests: 2/h } }
${extra}`;
}

async function chat(
  program: Program,
  { model = "nova", key = KEY }: { model?: string; key?: string } = {},
): Promise<Response> {
  const response = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "a-private-prompt" }] }),
  });
  await response.arrayBuffer();
  return response;
}

async function get<View = Record<string, never>>(program: Program, path: string): Promise<View> {
  const response = await fetch(`${program.adminUrl}/admin/v1/${path}`);
  assert.equal(response.status, 200, path);
  const text = await response.text();
  assert.ok(!text.includes("a-private-prompt") && !text.includes(KEY) && !text.includes(BATCH_KEY));
  return JSON.parse(text);
}

async function metricsOf(program: Program): Promise<string> {
  return await (await fetch(`${program.adminUrl}/metrics`)).text();
}

forEachRuntime("which caller caused the 429s at noon", async (runtime) => {
  await using program = await startProgram(runtime, config());
  for (let count = 0; count < 5; count++) await chat(program, { key: BATCH_KEY });
  await chat(program);
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000).toISOString();
  const page = await get<{ groups: Record<string, unknown>[] }>(
    program,
    `failures?from=${minute}&filter.error=rate_limit_exceeded`,
  );
  assert.deepEqual(
    page.groups.map(({ caller, status, rule, failures }) => [caller, status, rule, failures]),
    [
      ["batch", 429, "callers.batch", 3],
    ],
  );
  assert.match(
    await metricsOf(program),
    /^adit_requests_total\{[^}]*caller="batch",status="429",error="rate_limit_exceeded"\} 3$/m,
  );
  await program.waitForLog(({ caller }) => caller === "demo");
  const lines = program.logs.filter(({ status }) => status === 429);
  assert.deepEqual(lines.map(({ caller, limit }) => [caller, limit]), [
    ["batch", "callers.batch;requests"],
    ["batch", "callers.batch;requests"],
    ["batch", "callers.batch;requests"],
  ]);
  const { rules } = await get<{ rules: Record<string, unknown>[] }>(program, "limits?search=batch");
  assert.deepEqual(rules.map(({ rule, what, limit, refused }) => [rule, what, limit, refused]), [
    ["callers.batch", "requests", 2, 3],
  ]);
});

forEachRuntime("why request R failed, and what was tried", async (runtime) => {
  await using program = await startProgram(runtime, config());
  const response = await chat(program, { model: "broken" });
  const id = response.headers.get("x-request-id") ?? "";
  const request = await get<RecentRequestView>(program, `recent/${id}`);
  assert.deepEqual([request.caller, request.model, request.status], ["demo", "broken", response.status]);
  assert.deepEqual(new Set(request.attempts.map(({ target }) => target)), new Set(["slow", "down"]));
  for (const { error, region, model_id } of request.attempts) {
    assert.ok(error !== null && region === "us-east-1" && model_id !== "");
  }
  assert.ok(request.error?.upstream_type !== null && request.error?.code !== undefined);
  const line = await program.waitForLog((each) => each["request_id"] === id);
  assert.equal(line["error"], request.error?.code);
  const now = await get<NowView>(program, "now");
  assert.deepEqual(now.errors.map(({ caller }) => caller), ["demo"]);
  assert.ok(now.targets.length >= 2 && now.targets.some(({ last_error }) => last_error !== null));
});

forEachRuntime("whether the last edit took effect", async (runtime) => {
  await using program = await startProgram(runtime, config());
  const latest = async () =>
    await get<{ is_latest: boolean; generation: number; reloads: Record<string, unknown>[] }>(
      program,
      "configuration",
    );
  const text = await Deno.readTextFile(program.configPath);
  await replaceFile(program.configPath, text.replace("  claude:", "  haiku:"));
  await program.waitForLog(({ message }) => message === "configuration reloaded");
  const accepted = await latest();
  assert.deepEqual([accepted.is_latest, accepted.generation, accepted.reloads.length], [true, 2, 2]);
  assert.deepEqual(accepted.reloads[0]?.["changes"], { models_added: ["haiku"], models_removed: ["claude"] });
  await replaceFile(program.configPath, `${text}typo: 1\n`);
  await program.waitForLog(({ message }) => message.startsWith("configuration rejected"));
  const refused = await latest();
  assert.deepEqual([refused.is_latest, refused.generation], [false, 2]);
  assert.match(String(Object(refused.reloads[0]?.["problems"])[0]), /adit\.yaml:\d+:\d+: .*typo/);
  // The running configuration is shown, not the file.
  const values = await get<{ values: Record<string, string>[]; error: unknown }>(
    program,
    "configuration/values?search=models.haiku.id",
  );
  assert.equal(values.error, null);
  assert.deepEqual(values.values.map(({ path, value }) => [path, value]), [
    ["models.haiku.id", '"us.anthropic.claude-haiku-4-5-20251001-v1:0"'],
  ]);
  const haiku = await get<{ details: { traits: { name: string; origin: string }[] }[] }>(
    program,
    "catalog/haiku",
  );
  assert.match(haiku.details[0]?.traits.find(({ name }) => name === "family")?.origin ?? "", /^row /);
  assert.match(await metricsOf(program), /^adit_config_refused 1$/m);
});

Deno.test("what team X cost this month, and a failed request of an earlier process", async () => {
  await awayFromMidnight();
  const state = await Deno.makeTempDir({ prefix: "adit-page-" });
  try {
    const text = config(
      `state: { path: ${state} }\nbudgets:\n  nights: { for: { teams: [night] }, usd: 5 }\n`,
    );
    const month = `${new Date().toISOString().slice(0, 7)}-01`;
    let id = "";
    {
      await using program = await startProgram("bun", text);
      let cost = 0;
      for (const key of [BATCH_KEY, KEY, BATCH_KEY]) {
        const response = await chat(program, { key });
        if (key === BATCH_KEY) cost += Number(response.headers.get("x-adit-cost"));
      }
      id = (await chat(program, { model: "broken" })).headers.get("x-request-id") ?? "";
      assert.ok(cost > 0);
      const { total } = await get<{ total: Record<string, unknown> }>(
        program,
        `usage?from=${month}&filter.team=night`,
      );
      assert.deepEqual([total["requests"], Number(total["cost_usd"])], [2, cost]);
      const { budgets } = await get<{ budgets: Record<string, unknown>[] }>(program, "limits?search=nights");
      assert.equal(Number(budgets[0]?.["spent"]), cost);
      const metrics = await metricsOf(program);
      assert.match(
        metrics,
        new RegExp(`^adit_budget_usd\\{budget="nights",subject="",state="limit"\\} 5$`, "m"),
      );
      assert.match(metrics, /^adit_budget_usd\{budget="nights",subject="",state="spent"\} [\d.e-]+$/m);
      assert.match(metrics, /^adit_caller_info\{caller="batch",team="night"\} 1$/m);
      assert.match(metrics, /^adit_cost_usd_total\{model="\w+",caller="batch"\} [\d.e-]+$/m);
      assert.match(metrics, /^adit_ledger_queue \d+$/m);
      assert.match(metrics, /^adit_ledger_failing 0$/m);
      await program.stop();
    }
    await using program = await startProgram("bun", text);
    const { requests } = await get<{ requests: Record<string, unknown>[] }>(
      program,
      "requests?filter.error=*&filter.caller=demo",
    );
    assert.deepEqual(requests.map(({ request_id }) => request_id), [id]);
    const request = await get<RecentRequestView>(program, `requests/${id}`);
    assert.deepEqual(new Set(request.attempts.map(({ target }) => target)), new Set(["slow", "down"]));
    assert.ok(request.error?.upstream_message !== null);
    assert.equal((await fetch(`${program.adminUrl}/admin/v1/recent/${id}`)).status, 404);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

/** Reads a stream until a text appears in it. */
async function readUntil(response: Response, wanted: string): Promise<ReadableStreamDefaultReader<string>> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error("No body");
  for (let text = ""; !text.includes(wanted);) {
    const { done, value = "" } = await reader.read();
    if (done) throw new Error(`The stream ended without ${wanted}`);
    text += value;
  }
  return reader;
}

forEachRuntime(
  "a viewer sees a request in flight, viewers that leave are forgotten, and none keeps the program",
  async (runtime) => {
    await using program = await startProgram(
      runtime,
      config().replace("nova-lite-v1:0 }\n  claude", "nova-lite-v1:0.fault-stall:2 }\n  claude"),
    );
    const live = (path: string) =>
      fetch(`${program.adminUrl}/admin/v1/${path}`, { headers: { accept: "text/event-stream" } });
    const client = await begin(program.url, {
      ...CHAT_STREAM,
      body: CHAT_STREAM.body?.replace("claude", "nova") ?? "",
    });
    const reader = await readUntil(await live("now"), '"caller":"demo","model":"nova","endpoint":"chat"');
    // More than may watch at the same time, one after the other.
    for (let viewer = 0; viewer < 20; viewer++) {
      const log = await live("log");
      assert.equal(log.status, 200, `viewer ${viewer}`);
      await (await readUntil(log, "event: line")).cancel();
    }
    client.close();
    const { code } = await program.stop();
    assert.equal(code, 0);
    await reader.cancel().catch(() => {});
  },
);

forEachRuntime(
  "a request from the page streams through the gateway, and its key is never shown",
  async (runtime) => {
    await using program = await startProgram(runtime, config());
    const tried = (body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${program.adminUrl}/admin/v1/try`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    const chat = { model: "claude", stream: true, messages: [{ role: "user", content: "Hi" }] };
    const response = await tried({ path: "/v1/chat/completions", key: KEY, body: chat });
    assert.deepEqual(
      [response.status, response.headers.get("x-adit-try"), response.headers.get("content-type")],
      [200, "answered", "text/event-stream; charset=utf-8"],
    );
    assert.match(await response.text(), /^data: \{[^]*\ndata: \[DONE\]\n\n$/);
    const line = await program.waitForLog(({ message }) => message === "request");
    assert.deepEqual([line["caller"], line["user_agent"], line["status"]], ["demo", "adit-page", 200]);
    const wrong = await tried({ path: "/v1/chat/completions", key: "adit-wrong-key-0123456789", body: chat });
    assert.deepEqual([wrong.status, wrong.headers.get("x-adit-try")], [401, "answered"]);
    await wrong.body?.cancel();
    const foreign = await tried({ path: "/v1/models", method: "GET", key: KEY }, {
      origin: "https://evil.test",
    });
    assert.deepEqual([foreign.status, foreign.headers.get("x-adit-try")], [403, null]);
    await foreign.body?.cancel();
    const shown = JSON.stringify([program.logs, await get(program, "recent"), await get(program, "log")]);
    assert.ok(!shown.includes(KEY) && !shown.includes("adit-wrong-key"));
  },
);
