/** `adit check --online` with a Bedrock in this process: a model near its end of life is a warning. */

import { deepEqual, equal, match } from "node:assert/strict";

import { check } from "../../lib/cli/check.ts";
import { type Run, runWith } from "./run.ts";

const ANSWER = {
  output: { message: { role: "assistant", content: [{ text: "Hi" }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
  metrics: { latencyMs: 1 },
};

const LIFECYCLES: Readonly<Record<string, object>> = {
  "amazon.nova-lite-v1:0": { status: "ACTIVE" },
  "amazon.titan-text-lite-v1": { status: "LEGACY", endOfLifeTime: "2001-02-03T00:00:00Z" },
};

/** Answers Converse for every model, and returns the lifecycle of some models. */
function bedrock(request: Request): Response {
  const { pathname } = new URL(request.url);
  const [, id = ""] = /^\/foundation-models\/(.+)$/.exec(decodeURIComponent(pathname)) ?? [];
  if (id === "") return Response.json(ANSWER);
  const modelLifecycle = LIFECYCLES[id];
  if (modelLifecycle !== undefined) return Response.json({ modelDetails: { modelId: id, modelLifecycle } });
  const headers = { "x-amzn-errortype": "AccessDeniedException" };
  return Response.json({ message: "no" }, { status: 403, headers });
}

async function checkOnline(...args: readonly string[]): Promise<Run> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, bedrock);
  const folder = await Deno.makeTempDir({ prefix: "adit-check-" });
  try {
    const url = `http://127.0.0.1:${server.addr.port}`;
    const path = `${folder}/adit.yaml`;
    await Deno.writeTextFile(
      path,
      `providers:
  east: { type: bedrock, region: us-east-1, endpoint: "${url}", credentials: { api_key: "\${env:KEY}" } }
models:
  nova: { provider: east, id: us.amazon.nova-lite-v1:0 }
  old: { provider: east, id: amazon.titan-text-lite-v1 }
  closed: { provider: east, id: cohere.command-r-v1:0 }
  all: { targets: [{ model: nova }, { model: closed, priority: 1 }] }
callers:
  app: { key: sha256:${"a".repeat(64)}, models: ["*"] }
`,
    );
    const env = { KEY: "bedrock-key", AWS_ENDPOINT_URL_BEDROCK: url };
    const { code, out, err } = await runWith(env, check, "--online", "--config", path, ...args);
    return { code, out: out.replaceAll(`${folder}/`, ""), err: err.replaceAll(`${folder}/`, "") };
  } finally {
    await Deno.remove(folder, { recursive: true });
    await server.shutdown();
  }
}

Deno.test("a model at its end of life is a warning, a model without a lifecycle is not", async () => {
  const { code, out, err } = await checkOnline();
  equal(
    err,
    "adit.yaml:5:3: models.old: the model is legacy; it reached its end of life on 2001-02-03 (warning)\n",
  );
  equal(
    out.match(/^models\.nova: answers$/mg)?.length,
    1,
    "each target is asked once, also for several models",
  );
  match(out, /^models\.old: answers$/m);
  match(
    out,
    /^models\.closed: its end of life was not checked: Bedrock returned 403 AccessDeniedException$/m,
  );
  equal(code, 0);
});

Deno.test("the warning is in the list of --format json", async () => {
  const { code, out } = await checkOnline("--format", "json");
  const found = JSON.parse(out).map((
    { path, line, severity }: Record<string, unknown>,
  ) => [path, line, severity]);
  deepEqual([code, found], [0, [["models.old", 5, "warning"]]]);
});
