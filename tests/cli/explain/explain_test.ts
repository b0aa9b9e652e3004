/** The output of `adit explain` and `adit config`, which contains no secrets. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parse } from "yaml";

import { config } from "../../../lib/cli/config.ts";
import { explain } from "../../../lib/cli/explain/explain.ts";
import { schema } from "../../../lib/cli/schema.ts";
import type { Command } from "../../../lib/cli/io.ts";
import { configJsonSchema } from "../../../lib/config/schema/json_schema.ts";
import { type Run, runWith } from "../run.ts";

/** Part of every secret below. */
const SECRET = "hunter2";
const hash = (digit: string) => `sha256:${digit.repeat(64)}`;

const TEXT = `include: more.yaml
providers:
  east:
    type: bedrock
    region: \${env:REGION}
    credentials:
      access_key_id: ${SECRET}AKID
      secret_access_key: \${env:SECRET_KEY}
      session_token: "\${file:token}"
  west:
    type: bedrock
    region: us-west-2
    endpoint: https://vpce.example/prefix
    credentials: { api_key: ${SECRET}key }
models:
  claude:
    provider: east
    id: us.anthropic.claude-haiku-4-5-20251001-v1:0
    defaults: { max_tokens: 100 }
    guardrail: { id: abc, version: 3 }
callers:
  search:
    key: ${hash("a")}
    models: [claude]
    native: { regions: [us-west-2, eu-north-1], ids: ["anthropic.*", "arn:*"] }
    aws: { access_key_id: ADIT${SECRET}AAAAAAAA, secret_access_key: ${SECRET.repeat(6)} }
  closed: { key: ${hash("b")}, models: [claude, nova], disabled: true }
  past: { key: ${hash("c")}, models: [nova], expires: 2020-01-01 }
admin: off
`;

const MORE = `models:
  nova: { provider: west, id: amazon.nova-lite-v1:0, api: converse }
  tagged:
    provider: west
    id: amazon.nova-pro-v1:0
    defaults: { additional_model_request_fields: { deep: { key: "\${credential:token}" } } }
    metadata: { stage: "\${env:REGION}", token: "\${env:REGION}\${file:token}" }
  several:
    targets: [{ provider: west, id: amazon.nova-pro-v1:0 }]
    defaults: { additional_model_request_fields: { deep: { key: "\${credential:token}" } } }
    metadata: { token: "\${file:token}" }
  vectors: { provider: west, id: amazon.titan-embed-text-v2:0 }
  direct: { provider: east, id: openai.gpt-5.6-sol, chat: mantle, responses: mantle, mantle_path: /v1 }
  lite: { provider: east, id: openai.gpt-5.6-sol, responses: mantle, drop_tools: [mcp, computer], hoist_tools: true }
  near: { provider: east, id: us.openai.gpt-5.6-sol, responses: runtime, drop_tools: [web_search] }
  signed: { provider: signed, id: us.anthropic.claude-haiku-4-5-20251001-v1:0 }
  signed-vectors: { provider: signed, id: amazon.titan-embed-text-v2:0 }
providers:
  signed: { type: bedrock, region: us-east-1, credentials: { caller: true } }
`;

async function runIn(command: Command, ...args: readonly string[]): Promise<Run> {
  const folder = await Deno.makeTempDir({ prefix: "adit-explain-" });
  try {
    const path = `${folder}/adit.yaml`;
    await Deno.writeTextFile(path, TEXT);
    await Deno.writeTextFile(`${folder}/more.yaml`, MORE);
    await Deno.writeTextFile(`${folder}/token`, `${SECRET}token`);
    const env = { REGION: "eu-north-1", SECRET_KEY: `${SECRET}secret`, CREDENTIALS_DIRECTORY: folder };
    const { code, out, err } = await runWith(env, command, ...args, "--config", path);
    for (const text of [out, err]) ok(!text.includes(SECRET), `a secret is shown in\n${text}`);
    return { code, out: out.replaceAll(`${folder}/`, ""), err: err.replaceAll(`${folder}/`, "") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Without the traits and lessons, which have separate tests. */
function withoutTraits(out: string): string {
  return out.replace(/^traits .*\n(?: .*\n)*learned .*\n/gm, "");
}

const CASES: readonly (readonly [args: readonly string[], code: number, expected: string])[] = [
  [
    ["claude"],
    0,
    `callers      search, closed
provider     east, providers.east (adit.yaml:4)
model id     us.anthropic.claude-haiku-4-5-20251001-v1:0, from models.claude.id (adit.yaml:18)
region       eu-north-1, from providers.east.region (adit.yaml:5 \${env:REGION})
host         https://bedrock-runtime.eu-north-1.amazonaws.com
credentials  temporary key pair from the configuration, SigV4
chat         POST /model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse (streams: converse-stream)
responses    POST /model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse (streams: converse-stream)
messages     POST /model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke (streams: invoke-with-response-stream), because the model accepts Anthropic Messages
native       any operation on /model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0
price        input 1.1, output 5.5, cache read 0.11, cache write 1.375, cache write 1h 2.2 USD per million tokens; batch x0.5, from row us.anthropic.claude-haiku-4-5-20251001-v1:0, LiteLLM 1.110.2 of 2026-11-27
defaults     {"maxTokens":100}
guardrail    abc version 3
limits       body 25MiB, 2048 in-flight requests
timeouts     connect 5s, first byte 2m, idle 2m, total 15m
`,
  ],
  [
    ["nova", "--caller", "past"],
    1,
    `caller       past: 401, the key has expired
provider     west, providers.west (adit.yaml:11)
model id     amazon.nova-lite-v1:0, from models.nova.id (more.yaml:2)
region       us-west-2, from providers.west.region (adit.yaml:12)
host         https://vpce.example/prefix, instead of the AWS endpoint
credentials  Bedrock API key from the configuration, as a bearer token
chat         POST /model/amazon.nova-lite-v1%3A0/converse (streams: converse-stream)
responses    POST /model/amazon.nova-lite-v1%3A0/converse (streams: converse-stream)
messages     POST /model/amazon.nova-lite-v1%3A0/converse (streams: converse-stream), from models.nova.api (more.yaml:2)
native       any operation on /model/amazon.nova-lite-v1%3A0
price        input 0.06, output 0.24, cache read 0.015 USD per million tokens; batch x0.5, from row amazon.nova-lite-v1:0, LiteLLM 1.110.2 of 2026-11-27
limits       body 25MiB, 2048 in-flight requests
timeouts     connect 5s, first byte 2m, idle 2m, total 15m
`,
  ],
  [
    ["arn:aws:bedrock:eu-north-1:1:prompt-router/x", "--caller", "search"],
    0,
    `caller       search
provider     east, providers.east (adit.yaml:4)
model id     arn:aws:bedrock:eu-north-1:1:prompt-router/x
region       eu-north-1, from the ARN; a request's path or signature may select another
host         https://bedrock-runtime.eu-north-1.amazonaws.com
credentials  temporary key pair from the configuration, SigV4
native       any operation on /model/arn%3Aaws%3Abedrock%3Aeu-north-1%3A1%3Aprompt-router%2Fx
price        unknown; set it in prices.file
limits       body 25MiB, 2048 in-flight requests
timeouts     connect 5s, first byte 2m, idle 2m, total 15m
`,
  ],
  [
    ["nova", "--caller", "search"],
    1,
    `caller   search
refused  404, on Bedrock's own API 403: not in callers.search.models (adit.yaml:24)
`,
  ],
  [
    ["amazon.titan", "--caller", "search"],
    1,
    `caller   search
refused  404, on Bedrock's own API 403: not a configured model, and not in the ids of callers.search.native (adit.yaml:25)
`,
  ],
  [
    ["arn:aws:bedrock:us-east-1::foundation-model/x", "--caller", "search"],
    1,
    `caller   search
refused  404, on Bedrock's own API 403: region us-east-1 (ARN) is not in callers.search.native (adit.yaml:25)
`,
  ],
  [
    ["amazon.titan", "--caller", "closed"],
    1,
    `caller   closed: 401, the key is disabled
refused  404, on Bedrock's own API 403: unknown model, and callers.closed has no native access
`,
  ],
  [
    ["gpt"],
    1,
    `callers  none
refused  unknown model; model ids are only served to callers with native access
`,
  ],
  [
    ["cluade"],
    1,
    `callers  none
refused  unknown model; model ids are only served to callers with native access; did you mean "claude"?
`,
  ],
  [
    ["cluade", "--caller", "past"],
    1,
    `caller   past: 401, the key has expired
refused  404, on Bedrock's own API 403: unknown model, and callers.past has no native access; did you mean "claude"?
`,
  ],
];

for (const [args, code, expected] of CASES) {
  Deno.test(`explain ${args.join(" ")}`, async () => {
    const run = await runIn(explain, ...args);
    deepEqual({ ...run, out: withoutTraits(run.out) }, { code, out: expected, err: "" });
  });
}

Deno.test("explain redacts model settings from files and credentials", async () => {
  for (const model of ["tagged", "several"]) {
    const { out } = await runIn(explain, model);
    match(out, /^defaults +\[redacted\]$/m);
    match(out, /^metadata +\[redacted\]$/m);
  }
});

Deno.test("explain suggests the caller with the closest name", async () => {
  const { code, err } = await runIn(explain, "nova", "--caller", "serch");
  equal(code, 1);
  equal(err, 'Unknown caller "serch"; did you mean "search"?\n');
});

Deno.test("config prints every value that applies with its origin, and no secret", async () => {
  const { code, out } = await runIn(config);
  equal(code, 0);
  for (
    const line of [
      "listen: 127.0.0.1:8080 # default",
      "trusted_proxies: [] # default",
      "    region: eu-north-1 # adit.yaml:5 ${env:REGION}",
      '      access_key_id: "[redacted]" # adit.yaml:7',
      '      secret_access_key: "[redacted]" # adit.yaml:8 ${env:SECRET_KEY}',
      '      session_token: "[redacted]" # adit.yaml:9 ${file:token}',
      "    endpoint: https://vpce.example/prefix # adit.yaml:13",
      "    provider: west # more.yaml:2",
      "    disabled: true # adit.yaml:27",
      "  total: 15m # default",
      '        deep: "[redacted]" # more.yaml:6',
      "      stage: eu-north-1 # more.yaml:7 ${env:REGION}",
      '      token: "[redacted]" # more.yaml:7 ${env:REGION}',
    ]
  ) ok(out.includes(`${line}\n`), `${line} is missing in\n${out}`);
  const values = parse(out);
  equal(values.callers.search.key, hash("a"), "the hash of a key is no secret");
  deepEqual(values.callers.search.native.ids, ["anthropic.*", "arn:*"]);
});

Deno.test("a configuration with problems is not explained", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, "providers: {}\n");
  for (const [command, ...args] of [[explain, "x"], [config]] as const) {
    const { code, out, err } = await runWith({}, command, ...args, "--config", path);
    deepEqual([code, out], [1, ""]);
    match(err, /at least one provider is required/);
  }
  await Deno.remove(path);
});

Deno.test("schema prints the JSON Schema", async () => {
  const { code, out } = await runWith({}, schema);
  deepEqual([code, out], [0, configJsonSchema()]);
});

Deno.test("explain shows only InvokeModel for an embedding model", async () => {
  const { code, out } = await runIn(explain, "vectors");
  equal(code, 0);
  const path = "/model/amazon.titan-embed-text-v2%3A0";
  match(out, new RegExp(`^embeddings +POST ${path}/invoke, with the body of titan_text$`, "m"));
  ok(!/^(?:chat|messages) /m.test(out), out);
});

const LIMITED = `providers:
  local:
    type: emulator
    quota: [{ match: "*nova*", tokens: 1M/m, tokens_per_day: 5M }]
models:
  nova: { provider: local, id: amazon.nova-lite-v1:0 }
  other: { provider: local, id: amazon.titan-text-express-v1 }
callers:
  search: { key: ${hash("a")}, models: ["*"], team: red, limits: { requests: [60/m, 1000/d], concurrent: 8 } }
  else: { key: ${hash("b")}, models: ["*"] }
rate_limits:
  team-share: { for: { teams: [red] }, each: team, tokens: 200k/h, wait: 2s }
  nova-for-all: { for: { models: [nova] }, each: none, requests: 10/s, mode: shadow }
state: { path: /var/lib/adit }
budgets:
  red-month: { for: { teams: [red] }, each: team, usd: 500, when_spent: { use: other } }
  daily: { for: { callers: [search] }, tokens: 10M, window: day, when_spent: warn }
`;

Deno.test("explain lists the rate limits, budgets and quotas of a request", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-explain-" });
  try {
    const path = `${folder}/adit.yaml`;
    await Deno.writeTextFile(path, LIMITED);
    const limits = async (...args: readonly string[]) => {
      const { out } = await runWith({}, explain, ...args, "--config", path);
      return out.replaceAll(`${folder}/`, "").split("\n")
        .filter((line) => /^(?:rate limit|budget|quota)/.test(line)).map((line) =>
          line.replace(/ {2,}/, ": ")
        );
    };
    deepEqual(await limits("nova", "--caller", "search"), [
      "quota: 1000000 tokens per minute, 5000000 tokens per day",
      "rate limit: 200000 tokens per hour for each team, waits up to 2s, from rate_limits.team-share (adit.yaml:12)",
      "rate limit: 10 requests per second shared by all, counted but not enforced, " +
      "from rate_limits.nova-for-all (adit.yaml:13)",
      "rate limit: 60 requests per minute, 1000 requests per day, 8 concurrent requests, " +
      "from callers.search.limits (adit.yaml:9)",
      "budget: 500.00 USD per month for each team, then sent to other, from budgets.red-month (adit.yaml:16)",
      "budget: 10000000 tokens per day, then served with a warning, from budgets.daily (adit.yaml:17)",
    ]);
    deepEqual(await limits("other", "--caller", "else"), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("explain says which requests are passed on unchanged, and where", async () => {
  const { code, out } = await runIn(explain, "direct");
  equal(code, 0);
  const mantle = "https://bedrock-mantle\\.eu-north-1\\.api\\.aws";
  match(
    out,
    new RegExp(`^chat +POST ${mantle}/v1/chat/completions at the mantle endpoint, passed on unchanged$`, "m"),
  );
  match(
    out,
    new RegExp(`^responses +POST ${mantle}/v1/responses at the mantle endpoint, passed on unchanged$`, "m"),
  );
  match(out, /^messages +POST \/model\/openai\.gpt-5\.6-sol\/converse/m);
});

Deno.test("explain says what changes in requests that are passed on", async () => {
  const lite = await runIn(explain, "lite");
  match(
    lite.out,
    /^responses .* passed on without tools of type mcp, computer and with tools moved from items to tools$/m,
  );
  const near = await runIn(explain, "near");
  match(
    near.out,
    /^responses +POST \/openai\/v1\/responses at the runtime endpoint, passed on without tools of type web_search$/m,
  );
});

Deno.test("explain says that translated requests of a provider whose callers sign are refused", async () => {
  const refusal = "400: this provider only accepts requests signed by the caller";
  for (
    const [model, apis] of [["signed", "chat, responses, messages"], [
      "signed-vectors",
      "embeddings",
    ]] as const
  ) {
    const { out } = await runIn(explain, model);
    match(out, new RegExp(`^${apis} +${refusal}$`, "m"));
    match(out, /^credentials +the caller's own signature, passed through unchanged$/m);
    match(out, /^native +any operation on /m);
  }
});
