/** The exporter in time that stands still: batches, retries and the bound. */

import { deepEqual, equal } from "node:assert/strict";
import { seal } from "../../../lib/base/secret.ts";
import { TraceExporter } from "../../../lib/telemetry/traces/exporter.ts";
import { scriptedFetch } from "../../fakes/fetch.ts";
import { fakeTime } from "../../fakes/time.ts";
import { record } from "../record.ts";

const SETTINGS = {
  endpoint: "http://127.0.0.1:4318/v1/traces",
  headers: [["x-token", seal("t")] as const],
  share: 1,
};

function start() {
  const time = fakeTime();
  const collector = scriptedFetch();
  const counts = { exported: 0, dropped: 0 };
  const changes: (string | undefined)[] = [];
  const exporter = new TraceExporter({
    ...time,
    fetch: collector.fetch,
    version: "1",
    counts,
    random: () => 0.5,
    onChange: (failure) => changes.push(failure),
  });
  return { ...time, collector, counts, changes, exporter };
}

Deno.test("spans wait for five seconds, so that several requests share a batch", async () => {
  const { exporter, advance, collector, counts } = start();
  exporter.add(record(), SETTINGS);
  exporter.add(record(), SETTINGS);
  equal(collector.calls.length, 0);
  advance(5_100);
  const call = await collector.call(0);
  equal(call.init.headers.get("x-token"), "t");
  call.answerWhole(200, "{}");
  await exporter.flush();
  while (counts.exported === 0) await Promise.resolve();
  deepEqual(counts, { exported: 2, dropped: 0 });
});

Deno.test("a busy collector is asked again, after the pause that it asks for", async () => {
  const { exporter, advance, collector, counts, changes } = start();
  exporter.add(record(), SETTINGS);
  const flushed = exporter.flush();
  (await collector.call(0)).answerWhole(503, "", { "retry-after": "7" });
  // The pause begins once the answer was read.
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  advance(6_000);
  equal(collector.calls.length, 1);
  advance(1_200);
  (await collector.call(1)).answerWhole(200, "{}");
  await flushed;
  deepEqual([counts, changes], [{ exported: 1, dropped: 0 }, []]);
});

Deno.test("more than two thousand spans that wait are too many", () => {
  const { exporter, counts } = start();
  exporter.add(record(), SETTINGS);
  void exporter.flush();
  for (let count = 0; count < 3_000; count++) exporter.add(record(), SETTINGS);
  equal(counts.dropped, 3_000 - 2_048);
});

Deno.test("a flush also waits for the batch that is being sent", async () => {
  const { exporter, collector, counts } = start();
  exporter.add(record(), SETTINGS);
  void exporter.flush();
  exporter.add(record(), SETTINGS);
  const flushed = exporter.flush().then(() => counts.exported);
  (await collector.call(0)).answerWhole(200, "{}");
  (await collector.call(1)).answerWhole(200, "{}");
  equal(await flushed, 2);
});
