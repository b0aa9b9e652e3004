/** Traces at a collector: the spans of a request and its attempts, sampling, and a failing collector. */

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import type { Attribute, Span } from "../../lib/telemetry/traces/spans.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";

interface Received {
  readonly headers: Headers;
  readonly spans: readonly Span[];
}

/** Answers with the given statuses in turn, then with 200. */
function startCollector(statuses: readonly number[] = []) {
  const received: Received[] = [];
  const left = [...statuses];
  let wake = () => {};
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const body = gunzipSync(new Uint8Array(await request.arrayBuffer())).toString();
    const { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] } = JSON.parse(body);
    assert.deepEqual(resource.attributes[0], { key: "service.name", value: { stringValue: "adit" } });
    received.push({ headers: request.headers, spans });
    wake();
    return new Response(null, { status: left.shift() ?? 200 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1/traces`,
    received,
    async count(requests: number) {
      while (received.length < requests) await new Promise<void>((resolve) => wake = resolve);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

async function chat(url: string, model: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, ...headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "a secret prompt" }] }),
  });
  await answer.text();
  return answer.headers.get("x-request-id") ?? "";
}

const valueOf = ({ attributes }: Span, key: string): Attribute["value"] | undefined =>
  attributes.find((attribute) => attribute.key === key)?.value;

const FAILS = "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-internal";
const SOUND = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const CONFIG = (endpoint: string, rest: string) =>
  `${emulatorConfig()}traces: { endpoint: "${endpoint}", headers: { x-token: hunter2 }${rest} }\n`
    .replace(
      "models:\n",
      `models:\n  two: { targets: [ { name: a, priority: 0, provider: local, id: "${FAILS}" }, ` +
        `{ name: b, priority: 1, provider: local, id: "${SOUND}" } ] }\n`,
    );

forEachRuntime(
  "a request is a server span in its caller's trace, with a client span for each attempt",
  async (runtime) => {
    await using collector = startCollector();
    await using program = await startProgram(runtime, CONFIG(collector.url, ""));
    const requestId = await chat(program.url, "two", { traceparent: `00-${TRACE}-${PARENT}-01` });
    await program.stop();
    const [batch] = collector.received;
    assert.equal(batch?.headers.get("x-token"), "hunter2");
    const [server, failed, answered] = batch?.spans ?? [];
    assert.ok(server !== undefined && failed !== undefined && answered !== undefined);
    assert.equal(batch?.spans.length, 3);
    assert.deepEqual([server.traceId, server.parentSpanId, server.kind, server.name], [
      TRACE,
      PARENT,
      2,
      "POST chat",
    ]);
    assert.deepEqual(valueOf(server, "adit.request_id"), { stringValue: requestId });
    assert.deepEqual(valueOf(server, "http.response.status_code"), { intValue: "200" });
    for (const span of [failed, answered]) {
      assert.deepEqual([span.traceId, span.parentSpanId, span.kind], [TRACE, server.spanId, 3]);
      assert.deepEqual(valueOf(span, "gen_ai.provider.name"), { stringValue: "aws.bedrock" });
      assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(server.startTimeUnixNano));
      assert.ok(BigInt(span.endTimeUnixNano) <= BigInt(server.endTimeUnixNano) + 1_000_000n);
    }
    assert.deepEqual([failed.name, failed.status.code], [`chat ${FAILS}`, 2]);
    assert.deepEqual([answered.name, answered.status], [`chat ${SOUND}`, {}]);
    assert.ok(valueOf(answered, "gen_ai.usage.output_tokens") !== undefined);
    assert.doesNotMatch(JSON.stringify(collector.received), /secret prompt/);
  },
);

forEachRuntime(
  "a share of requests is traced, unless the caller decides, and failures always are",
  async (runtime) => {
    await using collector = startCollector();
    await using program = await startProgram(runtime, CONFIG(collector.url, ", share: 0%"));
    await chat(program.url, "claude");
    await chat(program.url, "claude", { traceparent: `00-${TRACE}-${PARENT}-00` });
    const sampled = await chat(program.url, "claude", { traceparent: `00-${TRACE}-${PARENT}-01` });
    const failed = await chat(program.url, "two");
    await program.stop();
    const traced = collector.received.flatMap(({ spans }) => spans).filter(({ kind }) => kind === 2)
      .map((span) => valueOf(span, "adit.request_id"));
    // Each thread sends its own.
    assert.deepEqual(new Set(traced), new Set([{ stringValue: sampled }, { stringValue: failed }]));
    assert.equal(traced.length, 2);
    const own = collector.received.flatMap(({ spans }) => spans).find(({ parentSpanId, kind }) =>
      kind === 2 && parentSpanId === undefined
    );
    assert.equal(own?.traceId, failed.replace("req_", ""), "its trace has the digits of the request's id");
  },
);

forEachRuntime("spans that a collector refuses permanently are dropped and counted", async (runtime) => {
  await using collector = startCollector([400]);
  await using program = await startProgram(runtime, CONFIG(collector.url, ""));
  await chat(program.url, "claude");
  await collector.count(1);
  await program.waitForLog(({ message }) => message === "dropping traces: the collector failed");
  const metrics = await (await fetch(`${program.adminUrl}/metrics`)).text();
  assert.match(metrics, /^adit_trace_spans_total\{result="dropped"\} 2$/m);
  assert.match(metrics, /^adit_trace_spans_total\{result="exported"\} 0$/m);
});
