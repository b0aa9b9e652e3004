/** docs/observability.md names every field of a request's log line and every metric, and no others. */

import assert from "node:assert/strict";
import { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import { requestFields } from "../../lib/telemetry/log_line.ts";
import { RequestMetrics } from "../../lib/telemetry/request_metrics.ts";
import { readRepositoryFile, repositoryFiles } from "../meta/sources.ts";
import { FACTS } from "../telemetry/gateway_facts.ts";
import { record } from "../telemetry/record.ts";

const page = readRepositoryFile("docs/observability.md");

/** The names in the first column of the first table below a heading, without labels. */
function namesBelow(heading: string): readonly string[] {
  const [, section = ""] = page.split(`\n${heading}\n`);
  const [table = ""] = /(?:^\|.*\n)+/m.exec(section) ?? [];
  const cells = [...table.matchAll(/^\| (`.*?`) +\|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name = ""]) => name)).toSorted();
}

Deno.test("the page describes every field of a request's log line", () => {
  assert.deepEqual(namesBelow("### Fields of a request"), Object.keys(requestFields(record())).toSorted());
});

Deno.test("the page lists every value of the label api", async () => {
  const paths = (await repositoryFiles()).filter((path) => /^lib\/endpoints\/.*\.ts$/.test(path));
  const code = paths.map(readRepositoryFile).join("\n");
  const endpoints = new Set([...code.matchAll(/\bendpoint: "(\w+)"/g)].map(([, name = ""]) => name));
  const [sentence = ""] = /The label `api` is [^]*?exist\./.exec(page) ?? [];
  const listed = [...sentence.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
  assert.deepEqual(listed.toSorted(), ["api", "none", ...endpoints].toSorted());
});

Deno.test("the page describes every metric", async () => {
  const requests = new RequestMetrics({ isModel: () => true, teamOf: () => undefined });
  const text = `${requests.text()}\n${await new GatewayMetrics(() => FACTS).text()}`;
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name);
  assert.deepEqual(namesBelow("## Metrics"), names.toSorted());
});
