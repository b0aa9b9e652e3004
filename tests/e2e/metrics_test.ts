/** The metrics of the real program, as read by Prometheus and the files in config/examples/monitoring. */

import assert from "node:assert/strict";
import { readRepositoryFile } from "../meta/sources.ts";
import { repositoryPath } from "../repository.ts";
import { reportSkipped } from "../skipped.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { emulatorConfig, tlsConfig } from "./configs.ts";
import { forEachRuntime, type Program, replaceFile, RUNTIMES, startProgram } from "./program.ts";
import { HAS_PROMETHEUS, promtool, samplesOf, startPrometheus } from "./prometheus.ts";
import { ask, chat } from "./requests.ts";

const MONITORING = "config/examples/monitoring";
const WITH_PROMETHEUS = { except: HAS_PROMETHEUS ? [] : RUNTIMES };
if (!HAS_PROMETHEUS) {
  reportSkipped("metrics, dashboard and rules with Prometheus", "it is not installed");
}

async function metricsOf(program: Program): Promise<string> {
  const answer = await fetch(`${program.adminUrl}/metrics`);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  return await answer.text();
}

/** The name of each series, without the labels. */
function namesIn(metrics: string): readonly string[] {
  return [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name);
}

forEachRuntime("every metric has its HELP and TYPE before the first request", async (runtime) => {
  await using program = await startProgram(runtime, emulatorConfig());
  const metrics = await metricsOf(program);
  const names = namesIn(metrics);
  assert.ok(names.length > 20);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(metrics, new RegExp(`^# HELP ${name} [A-Z1].*\\.$`, "m"));
});

forEachRuntime(
  "requests are counted by model, caller and code; names that clients make up are not labels",
  async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig());
    await ask(program.url, chat({ model: "claude", stream: true }));
    await ask(program.url, chat({ model: "invented-by-a-client" }));
    const metrics = await metricsOf(program);
    assert.match(
      metrics,
      /^adit_requests_total\{api="chat",model="claude",caller="demo",status="200",error=""\} 1$/m,
    );
    assert.match(
      metrics,
      /^adit_requests_total\{api="chat",model="\(unknown\)",caller="demo",status="404",error="model_not_found"\} 1$/m,
    );
    assert.match(metrics, /^adit_first_token_seconds_count\{model="claude",target="local"\} 1$/m);
    assert.match(metrics, /^adit_tokens_total\{model="claude",caller="demo",type="output"\} \d+$/m);
    assert.doesNotMatch(metrics, /invented/);
  },
);

forEachRuntime("a rejected configuration appears in the metrics", async (runtime) => {
  await using program = await startProgram(runtime, emulatorConfig());
  await replaceFile(program.configPath, "models: 3\n");
  await program.waitForLog(({ message }) => message.startsWith("configuration rejected"));
  const metrics = await metricsOf(program);
  assert.match(metrics, /^adit_config_refused 1$/m);
  assert.match(metrics, /^adit_config_reloads_total\{result="refused"\} 1$/m);
});

forEachRuntime("certificates, credentials and threads appear in the metrics", async (runtime) => {
  const missing = "  away: { type: bedrock, region: us-east-1, credentials: { profile: nobody } }\n";
  const config = emulatorConfig({}, tlsConfig(selfSignedCertificate()) + "threads: 2\n")
    .replace("models:\n", `${missing}models:\n`);
  await using program = await startProgram(runtime, config);
  await program.waitForLog(({ message }) => message === "no credentials found");
  const metrics = await metricsOf(program);
  const [, expiry] =
    /^adit_certificate_expire_timestamp_seconds\{listener="public"\} (\d+)$/m.exec(metrics) ??
      [];
  assert.ok(Number(expiry) > Date.now() / 1000, expiry);
  assert.match(metrics, /^adit_credentials_failing\{provider="away"\} 1$/m);
  assert.match(metrics, /^adit_credentials_failing\{provider="local"\} 0$/m);
  assert.match(metrics, /^adit_threads_alive [12]$/m);
  assert.match(metrics, /^adit_loop_lag_seconds [\d.e-]+$/m);
  assert.match(metrics, /^adit_ledger_dropped_total 0$/m);
});

forEachRuntime("promtool finds no error in the metrics", async (runtime) => {
  await using program = await startProgram(runtime, emulatorConfig());
  await ask(program.url, chat({ model: "claude" }));
  assert.equal(await promtool(["check", "metrics"], await metricsOf(program)), "");
}, WITH_PROMETHEUS);

if (HAS_PROMETHEUS) {
  Deno.test("promtool accepts the alerting rules", async () => {
    const text = await promtool(["check", "rules", repositoryPath(`${MONITORING}/alerts.yml`)]);
    assert.match(text, /SUCCESS: \d+ rules found/);
  });
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

/** Panels that are empty if nothing is wrong, or if nothing of the kind is configured. */
const EMPTY_WITHOUT_TROUBLE: readonly string[] = [
  "Targets that rest",
  "Refused by a rule",
  "Would be refused by a rule in shadow mode",
  "Budget left",
  "Usage ledger",
];

forEachRuntime("every query of the dashboard has a result in a real Prometheus", async (runtime) => {
  const { panels }: Dashboard = JSON.parse(readRepositoryFile(`${MONITORING}/grafana-dashboard.json`));
  const models = { failing: "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-internal" };
  await using program = await startProgram(runtime, emulatorConfig(models));
  await ask(program.url, chat({ model: "claude", stream: true }));
  await ask(program.url, chat({ model: "failing" }));
  const metrics = await metricsOf(program);
  const endS = 1_750_000_000;
  await using prometheus = await startPrometheus(samplesOf(metrics, endS));
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const query = expr.replaceAll("$__rate_interval", "5m").replaceAll("$model", ".*");
      const result = await prometheus.query(query, endS);
      assert.ok(
        result.length > 0 || EMPTY_WITHOUT_TROUBLE.includes(title),
        `${title}: ${query} has no result`,
      );
    }
  }
}, WITH_PROMETHEUS);

Deno.test("every metric in the dashboard and the rules is one of the program's", () => {
  const source = readRepositoryFile("lib/telemetry/gateway_metrics.ts") +
    readRepositoryFile("lib/telemetry/request_metrics.ts");
  const known = new Set([...source.matchAll(/"((?:adit|process)_\w+)"/g)].map(([, name = ""]) => name));
  const files = ["grafana-dashboard.json", "alerts.yml"].map((name) =>
    readRepositoryFile(`${MONITORING}/${name}`)
  );
  const used = [...files.join("\n").matchAll(/\b((?:adit|process)_\w+)\b/g)].map(([, name = ""]) => name);
  assert.ok(used.length > 20);
  const unknown = used.filter((name) => !known.has(name.replace(/_(?:bucket|sum|count)$/, "")));
  assert.deepEqual(unknown, []);
});
