/** `adit explain` shows the remaining amounts of a caller's limits and budgets from the running gateway. */

import { deepEqual, doesNotMatch, match } from "node:assert/strict";
import { explain } from "../../../lib/cli/explain/explain.ts";
import { runWith } from "../run.ts";

const configFor = (admin: string) =>
  `admin: ${admin}
providers: { a: { type: emulator } }
models: { nova: { provider: a, id: us.amazon.nova-lite-v1:0 } }
state: { path: /var/lib/adit }
callers:
  web: { key: "sha256:${
    "a".repeat(64)
  }", models: ["*"], team: search, limits: { requests: [5/m, 7/d], concurrent: 2 } }
rate_limits:
  teams: { each: team, tokens: 1M/h }
budgets:
  month: { each: caller, usd: 500, cut_streams: true }
`;

const rule = (name: string, what: string, period_s: number, subject: string, remaining: number) => ({
  ...{ rule: name, what, period_s, subject, remaining },
});
const RULES = [
  rule("callers.web", "requests", 60, "", 4),
  rule("callers.web", "requests", 86_400, "", 6),
  rule("callers.web", "concurrent", 0, "", 2),
  rule("teams", "tokens", 3600, "other", 1),
  rule("teams", "tokens", 3600, "search", 999_000),
];
const BUDGETS = [
  { name: "month", unit: "usd", subject: "other", remaining: "1.00" },
  { name: "month", unit: "usd", subject: "web", remaining: "412.50" },
];

type Answer = (path: string, key: string | null) => Response;

/** The command's lines about limits, while the admin listener answers like this. */
async function limits(answer: Answer, ...args: readonly string[]): Promise<readonly string[]> {
  return await limitsWith({}, answer, ...args);
}

async function limitsWith(
  env: { readonly ADIT_ADMIN_KEY?: string },
  answer: Answer,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => answer(new URL(request.url).pathname, request.headers.get("authorization")),
  );
  const stdin = configFor(`127.0.0.1:${server.addr.port}`);
  const { out } = await runWith({ ...env, stdin }, explain, ...args, "--config", "-");
  await server.shutdown();
  return out.split("\n").filter((line) => /^(?:rate limit|budget|left) /.test(line))
    .map((line) => line.replace(/^.*? {2,}/, "").replace(/, from .*$/, ""));
}

const STATUS = { lessons: [], targets: {} };
const PLAIN = [
  "1000000 tokens per hour for each team",
  "5 requests per minute, 7 requests per day, 2 concurrent requests",
  "500.00 USD per month for each caller, then refused, and running streams are cut",
];

Deno.test("explain shows the caller's remaining amounts", async () => {
  const answer = (path: string) =>
    Response.json(path === "/-/status" ? STATUS : { rules: RULES, budgets: BUDGETS });
  deepEqual(await limits(answer, "nova", "--caller", "web"), [
    "1000000 tokens per hour (999000 left) for each team",
    "5 requests per minute (4 left), 7 requests per day (6 left), 2 concurrent requests (2 left)",
    "500.00 USD per month for each caller (412.50 left), then refused, and running streams are cut",
  ]);
  deepEqual(await limits(answer, "nova"), PLAIN, "without a caller, nobody's");
});

Deno.test("explain asks with the admin key, and says so if that is missing or wrong", async () => {
  const answer: Answer = (path, key) => {
    if (path === "/-/status") return Response.json(STATUS);
    return key === "Bearer right"
      ? Response.json({ rules: RULES, budgets: BUDGETS })
      : new Response("no", { status: 401 });
  };
  const args = ["nova", "--caller", "web"];
  const left = (await limitsWith({ ADIT_ADMIN_KEY: "right" }, answer, ...args)).join("\n");
  match(left, /412\.50 left/);
  doesNotMatch(left, /ADIT_ADMIN_KEY/);
  const unknown = [...PLAIN, "unknown: set ADIT_ADMIN_KEY to the key of admin_api"];
  deepEqual(await limits(answer, ...args), unknown);
  deepEqual(await limitsWith({ ADIT_ADMIN_KEY: "wrong" }, answer, ...args), unknown);
  deepEqual(await limits(answer, "nova"), PLAIN, "without a caller, nobody's");
});

Deno.test("explain shows no amounts if another program answers", async () => {
  const answers = [
    () =>
      Response.json({ ...STATUS, rules: [1, { rule: "teams", what: "tokens", remaining: 1 }], budgets: {} }),
    () => new Response("not JSON"),
  ];
  for (const answer of answers) deepEqual(await limits(answer, "nova", "--caller", "web"), PLAIN);
});
