/** The admin API as AISIX's scripts use it: its names of things, and its way to send credentials. */

import { deepEqual, equal, match } from "node:assert/strict";
import { parse } from "yaml";

import { SECRET, TEXT, withFiles } from "./world.ts";

Deno.test("AISIX's scripts make a provider key, a model and a caller's key, and change and delete them", () =>
  withFiles(async (world) => {
    const secret = JSON.stringify({
      access_key_id: "AKIAIOSFODNN7EXAMPLE",
      secret_access_key: `${SECRET}\${x}`,
      region: "us-west-2",
    });
    const key = await world.send("POST /admin/v1/provider_keys", {
      body: {
        display_name: "prod",
        provider: "amazon-bedrock",
        adapter: "bedrock",
        secret,
        strip_headers: [],
      },
    });
    equal(key.status, 201);
    deepEqual(key.body["value"], {
      display_name: "prod",
      provider: "amazon-bedrock",
      adapter: "bedrock",
      secret: "[redacted]",
      region: "us-west-2",
    });
    deepEqual(key.body["ignored"], ["strip_headers"]);
    match(await world.text(), /secret_access_key: hunter2\$\$\{x\}\n/);

    const model = await world.send("POST /admin/v1/models", {
      body: {
        display_name: "claude",
        provider: "amazon-bedrock",
        model_name: "anthropic.claude-haiku-4-5-20251001-v1:0",
        provider_key_id: key.body["id"],
      },
    });
    deepEqual([model.status, model.body["id"]], [201, "claude"]);
    const caller = await world.send("POST /admin/v1/apikeys", {
      body: { key_hash: "b".repeat(64), allowed_models: ["claude"] },
    });
    deepEqual([caller.status, caller.body["id"]], [201, "key-bbbbbbbbbbbb"]);

    await world.send("PATCH /admin/v1/models/claude", { body: { entry: { defaults: { max_tokens: 5 } } } });
    const changed = await world.send("PUT /admin/v1/models/claude", {
      body: { display_name: "claude", model_name: "anthropic.claude-sonnet-4-6" },
    });
    deepEqual(changed.body["entry"], {
      provider: "prod",
      id: "anthropic.claude-sonnet-4-6",
      defaults: { max_tokens: 5 },
    });
    const path = "/admin/v1/provider_keys/prod";
    const moved = await world.send(`PUT ${path}`, {
      body: { ...Object(key.body["value"]), secret, api_base: "https://vpce.test" },
    });
    equal(moved.status, 200);
    match(
      await world.text(),
      /secret_access_key: hunter2\$\$\{x\}\n {4}endpoint: https:\/\/vpce\.test\n/,
    );
    for (const each of ["apikeys/key-bbbbbbbbbbbb", "models/claude", "provider_keys/prod"]) {
      equal((await world.send(`DELETE /admin/v1/${each}`)).status, 200, each);
    }
    equal(await world.text(), TEXT);
  }));

Deno.test("a secret may stay outside the file", () =>
  withFiles(async (world) => {
    await Deno.writeTextFile(
      `${world.folder}/secret.json`,
      JSON.stringify({ access_key_id: "AKIAIOSFODNN7EXAMPLE", secret_access_key: SECRET }),
    );
    const body = { display_name: "prod", secret_ref: "${file:secret.json}", region: "us-west-2" };
    const { status, body: answer } = await world.send("POST /admin/v1/provider_keys", { body });
    equal(status, 201);
    deepEqual(Object(answer["entry"]).credentials, { json: "${file:secret.json}" });
  }));

for (
  const body of [
    { display_name: "x", provider: "openai", secret: "sk" },
    { display_name: "x", adapter: "openai" },
    { display_name: "x", secret: "not json" },
    { display_name: "x", secret: JSON.stringify({ api_key: SECRET }) },
    { display_name: "x", secret: JSON.stringify({ access_key_id: SECRET, region: 5 }) },
    { display_name: 5 },
    { display_name: "x", secret_ref: "plain" },
  ]
) {
  Deno.test(`a provider key ${JSON.stringify(body)} is refused`, () =>
    withFiles(async (world) => {
      equal((await world.send("POST /admin/v1/provider_keys", { body })).status, 400);
      equal(await world.text(), TEXT);
    }));
}

Deno.test("a key hash that is not a string is refused", () =>
  withFiles(async (world) => {
    const key = await world.send("POST /admin/v1/apikeys", {
      body: { display_name: "x", key_hash: "d".repeat(64) },
    });
    equal(key.status, 201);
    const changed = await world.send("PATCH /admin/v1/apikeys/x", {
      body: { key_hash: 5, allowed_models: [] },
    });
    deepEqual([changed.status, changed.body["error"]], [400, "key_hash: expected a string"]);
  }));

Deno.test("AISIX's limits and team of a key become the caller's, and back", () =>
  withFiles(async (world) => {
    const rate_limit = { rps: 5, rpm: 60, rpd: 1000, tpm: 200_000, tpd: 5_000_000, concurrency: 8 };
    const made = await world.send("POST /admin/v1/apikeys", {
      body: {
        display_name: "limited",
        key_hash: "c".repeat(64),
        team_id: "red",
        rate_limit: { ...rate_limit, rph: null, bogus: 1 },
      },
    });
    equal(made.status, 201);
    deepEqual(Object(made.body["entry"])["limits"], {
      requests: ["5/s", "60/m", "1000/d"],
      tokens: ["200000/m", "5000000/d"],
      concurrent: 8,
    });
    deepEqual(Object(made.body["entry"])["team"], "red");
    deepEqual(Object(made.body["value"])["rate_limit"], rate_limit);
    deepEqual(Object(made.body["value"])["team_id"], "red");
    deepEqual(made.body["ignored"], ["rate_limit.bogus"]);
    const same = await world.send("PUT /admin/v1/apikeys/limited", { body: Object(made.body["value"]) });
    deepEqual(same.body["entry"], { ...Object(made.body["entry"]), models: [] });
    const changed = await world.send("PATCH /admin/v1/apikeys/limited", {
      body: { rate_limit: { rph: 10 } },
    });
    deepEqual(Object(changed.body["entry"])["limits"], { requests: "10/h" });
    const without = await world.send("PATCH /admin/v1/apikeys/limited", { body: { rate_limit: null } });
    equal(Object(without.body["entry"])["limits"], undefined);
    equal((await world.send("PATCH /admin/v1/apikeys/limited", { body: { rate_limit: 5 } })).status, 400);
  }));

Deno.test("settings of limits that AISIX does not have are kept, and its limits of the file are shown", () =>
  withFiles(async (world) => {
    const limits = { requests: "1.5k/d", tokens: ["200k/m", "1M/h"], burst: "10s", wait: "2s" };
    const made = await world.send("POST /admin/v1/apikeys", {
      body: { name: "slow", entry: { key: `sha256:${"d".repeat(64)}`, limits } },
    });
    equal(made.status, 201);
    deepEqual(Object(made.body["value"])["rate_limit"], { rpd: 1500, tpm: 200_000 });
    const path = "PATCH /admin/v1/apikeys/slow";
    const changed = await world.send(path, { body: { rate_limit: { rpd: 20 } } });
    deepEqual(Object(changed.body["entry"])["limits"], { requests: "20/d", burst: "10s", wait: "2s" });
    const without = await world.send(path, { body: { rate_limit: {} } });
    equal(Object(without.body["entry"])["limits"], undefined);
  }));

Deno.test("AISIX's limits of a model become a rule that all of its callers share, and back", () =>
  withFiles(async (world) => {
    const rate_limit = { rpm: 60, rpd: 1000, tpm: 200_000, concurrency: 8 };
    const model = { display_name: "limited", model_name: "amazon.nova-lite-v1:0", provider_key_id: "east" };
    const made = await world.send("POST /admin/v1/models", {
      body: { ...model, rate_limit: { ...rate_limit, bogus: 1 } },
    });
    equal(made.status, 201);
    deepEqual(made.body["entry"], { provider: "east", id: "amazon.nova-lite-v1:0" });
    deepEqual(Object(made.body["value"])["rate_limit"], rate_limit);
    deepEqual(made.body["ignored"], ["rate_limit.bogus"]);
    const rule = async () => Object(parse(await world.text()))["rate_limits"]?.["model-limited"];
    const scope = { for: { models: ["limited"] }, each: "none" };
    deepEqual(await rule(), {
      ...scope,
      requests: ["60/m", "1000/d"],
      tokens: "200000/m",
      concurrent: 8,
    });
    const path = "/admin/v1/models/limited";
    const shown = await world.send(`GET ${path}`);
    deepEqual(shown.body["value"], made.body["value"]);
    const headers = { "if-match": shown.headers.get("etag") ?? "" };

    const patched = await world.send(`PATCH ${path}`, { headers, body: { rate_limit: { rph: 5 } } });
    equal(patched.status, 200);
    deepEqual(await rule(), { ...scope, requests: "5/h" });
    const stale = await world.send(`PATCH ${path}`, { headers, body: { rate_limit: { rph: 6 } } });
    equal(stale.status, 412, "the revision is also that of the rule");
    await world.send(`PATCH ${path}`, { body: { model_name: "amazon.nova-pro-v1:0" } });
    await world.send(`PATCH ${path}`, { body: { entry: { defaults: { max_tokens: 5 } } } });
    deepEqual(await rule(), { ...scope, requests: "5/h" });
    for (const [limit, status] of [[{ rpm: 0 }, 422], [5, 400]] as const) {
      equal((await world.send(`PATCH ${path}`, { body: { rate_limit: limit } })).status, status);
    }
    deepEqual(await rule(), { ...scope, requests: "5/h" });

    equal((await world.send(`PUT ${path}`, { body: model })).status, 200);
    equal(await rule(), undefined);
    await world.send(`PATCH ${path}`, { body: { rate_limit: { rps: 1 } } });
    await world.send(`PATCH ${path}`, { body: { rate_limit: null } });
    equal(await rule(), undefined);
    await world.send(`PATCH ${path}`, { body: { rate_limit: { rps: 1 } } });
    equal((await world.send(`DELETE ${path}`)).status, 200);
    equal(await rule(), undefined);
  }));

Deno.test("settings of a model's rule that AISIX does not have are kept", () =>
  withFiles(async (world) => {
    const rule = "{ for: { models: [fast] }, each: none, requests: 1k/d, burst: 10s, mode: shadow }";
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, `${TEXT}rate_limits:\n  model-fast: ${rule}\n`);
    const shown = await world.send("GET /admin/v1/models/fast");
    deepEqual(Object(shown.body["value"])["rate_limit"], { rpd: 1000 });
    equal(
      (await world.send("PATCH /admin/v1/models/fast", { body: { rate_limit: { tpm: 9 } } })).status,
      200,
    );
    deepEqual(parse(await world.text()).rate_limits["model-fast"], {
      ...{ for: { models: ["fast"] }, each: "none", burst: "10s", mode: "shadow" },
      tokens: "9/m",
    });
  }));

Deno.test("a rule of the same name that limits something else, or is elsewhere, is not touched", () =>
  withFiles(async (world) => {
    const text = `${TEXT}rate_limits:
  model-fast: { for: { models: [fast, slow] }, each: none, requests: 1/s }
  model-slow: { for: { models: [slow] }, each: none, requests: 1/s }
`;
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, text);
    for (const name of ["fast", "slow"]) {
      const path = `/admin/v1/models/${name}`;
      equal(Object((await world.send(`GET ${path}`)).body["value"])["rate_limit"], undefined);
      const refused = await world.send(`PATCH ${path}`, { body: { rate_limit: { rpm: 1 } } });
      equal(refused.status, 422);
      match(String(refused.body["problems"]), new RegExp(`^rate_limits\\.model-${name}: does not limit`));
      const model_name = "amazon.nova-pro-v1:0";
      equal((await world.send(`PATCH ${path}`, { body: { model_name } })).status, 200);
    }
    equal(await world.text(), text.replace("nova-lite", "nova-pro"));
  }));

Deno.test("a model whose name no rule may have gets one of its own", () =>
  withFiles(async (world) => {
    const names = ["vendor/name:1", "vendor/name@1", "x".repeat(100)];
    for (const display_name of names) {
      const body = { display_name, model_name: "x", provider_key_id: "east", rate_limit: { rpm: 1 } };
      const made = await world.send("POST /admin/v1/models", { body });
      deepEqual([made.status, Object(made.body["value"])["rate_limit"]], [201, { rpm: 1 }]);
    }
    equal(Object.keys(parse(await world.text()).rate_limits).length, names.length);
  }));

Deno.test("AISIX's routing models are models whose targets are other models", () =>
  withFiles(async (world) => {
    for (const name of ["one", "two"]) {
      await world.send("POST /admin/v1/models", {
        body: { name, entry: { provider: "east", id: "amazon.nova-lite-v1:0" } },
      });
    }
    const path = "/admin/v1/models/any";
    const targets = [{ model: "one", weight: 3 }, { model: "two" }];
    const made = await world.send("POST /admin/v1/models", {
      body: { display_name: "any", routing: { targets, retries: 2, retry_on_429: true } },
    });
    equal(made.status, 201);
    deepEqual(made.body["entry"], { targets: [{ model: "one" }, { model: "two", priority: 1 }] });
    deepEqual(made.body["value"], {
      display_name: "any",
      provider: "amazon-bedrock",
      routing: { strategy: "failover", targets: [{ model: "one" }, { model: "two" }] },
    });
    deepEqual(made.body["ignored"], ["routing.retries", "routing.retry_on_429"]);

    const weighted = await world.send(`PATCH ${path}`, {
      body: { routing: { strategy: "weighted", targets } },
    });
    deepEqual(weighted.body["entry"], { targets, pick: "weight" });
    const same = await world.send(`PUT ${path}`, { body: Object(weighted.body["value"]) });
    deepEqual([same.status, same.body["entry"]], [200, weighted.body["entry"]]);
    const inTurn = await world.send(`PATCH ${path}`, {
      body: { routing: { strategy: "round_robin", targets } },
    });
    deepEqual(inTurn.body["entry"], { targets: [{ model: "one" }, { model: "two" }], pick: "weight" });
    deepEqual(Object(inTurn.body["value"]).routing.strategy, "round_robin");

    const single = await world.send(`PUT ${path}`, {
      body: { display_name: "any", model_name: "amazon.nova-pro-v1:0", provider_key_id: "east" },
    });
    deepEqual(single.body["entry"], { provider: "east", id: "amazon.nova-pro-v1:0" });
    const back = await world.send(`PUT ${path}`, { body: { display_name: "any", routing: { targets } } });
    deepEqual(back.body["entry"], made.body["entry"]);
  }));

Deno.test("targets that AISIX does not have are neither shown as its own nor replaced by it", () =>
  withFiles(async (world) => {
    const targets = [{ provider: "east", id: "amazon.nova-lite-v1:0" }, {
      provider: "east",
      id: "amazon.nova-pro-v1:0",
      name: "pro",
    }];
    const made = await world.send("POST /admin/v1/models", { body: { name: "any", entry: { targets } } });
    equal(made.status, 201);
    deepEqual(made.body["value"], {
      display_name: "any",
      provider: "amazon-bedrock",
      model_name: null,
      provider_key_id: null,
    });
    const { status, body } = await world.send("PUT /admin/v1/models/any", {
      body: { display_name: "any", model_name: "amazon.nova-pro-v1:0", provider_key_id: "east" },
    });
    equal(status, 422);
    match(JSON.stringify(body), /cannot be combined with targets/);
  }));

for (
  const [routing, message] of [
    ["one", "routing: expected an object"],
    [{ targets: "one" }, "routing.targets: expected a list"],
    [{ targets: ["one"] }, "routing.targets[0].model: expected the name of a model"],
    [
      { strategy: "random", targets: [] },
      "routing.strategy: expected one of failover, weighted, round_robin",
    ],
  ] as const
) {
  Deno.test(`a routing that is wrong changes nothing: ${message}`, () =>
    withFiles(async (world) => {
      const { status, body } = await world.send("POST /admin/v1/models", {
        body: { display_name: "any", routing },
      });
      deepEqual([status, body["error"]], [400, message]);
      equal(await world.text(), TEXT);
    }));
}
