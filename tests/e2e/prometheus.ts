/** Prometheus as a child process, on samples made for it, and `promtool`. */

import { ok } from "node:assert/strict";

/** Whether Prometheus and promtool are installed. */
export const HAS_PROMETHEUS = ["prometheus", "promtool"].every(isInstalled);

function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs promtool with an input; throws its output if it reports a problem. */
export async function promtool(args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  ok(success, text);
  return text;
}

/** Seconds between two samples, and how many there are. */
const STEP_S = 15;
const STEPS = 40;

/** The text of `/metrics` as samples over ten minutes, in which every value grows with time. */
export function samplesOf(metrics: string, endS: number): string {
  const series = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const lines = series.flatMap((line) => {
    const at = line.lastIndexOf(" ");
    const value = Number(line.slice(at + 1));
    return Array.from(
      { length: STEPS },
      (_, step) => `${line.slice(0, at)} ${value * (step + 1)} ${endS - (STEPS - 1 - step) * STEP_S}`,
    );
  });
  return `${lines.join("\n")}\n# EOF\n`;
}

export interface Prometheus extends AsyncDisposable {
  /** The result of a query at a time; throws if Prometheus refuses it. */
  query(expression: string, timeS: number): Promise<readonly unknown[]>;
}

/** Starts Prometheus on samples in the OpenMetrics format. */
export async function startPrometheus(samples: string): Promise<Prometheus> {
  const folder = await Deno.makeTempDir({ prefix: "adit-prometheus-" });
  await Deno.writeTextFile(`${folder}/samples`, samples);
  await Deno.writeTextFile(`${folder}/prometheus.yml`, "global: {}\n");
  await promtool(["tsdb", "create-blocks-from", "openmetrics", `${folder}/samples`, `${folder}/data`]);
  const child = new Deno.Command("prometheus", {
    args: [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      "--storage.tsdb.retention.time=10y",
      "--web.listen-address=127.0.0.1:0",
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines = child.stderr.pipeThrough(new TextDecoderStream());
  let text = "";
  const reader = lines.getReader();
  while (!text.includes("Server is ready") || !/msg="Listening on" address=\S+/.test(text)) {
    const { done, value = "" } = await reader.read();
    text += value;
    ok(!done, `Prometheus ended:\n${text}`);
  }
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  const [, address = ""] = /msg="Listening on" address=(\S+)/.exec(text) ?? [];
  return {
    async query(expression, timeS) {
      const search = new URLSearchParams({ query: expression, time: String(timeS) });
      const answer = await fetch(`http://${address}/api/v1/query?${search}`);
      const { status, error, data } = await answer.json();
      ok(status === "success", `${expression}: ${error}`);
      return data.result;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.all([child.status, drained]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
