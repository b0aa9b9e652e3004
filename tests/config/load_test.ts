import { deepEqual, equal, ok } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { dirname, join } from "node:path";

import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { type SealedSecret, unseal } from "../../lib/base/secret.ts";
import { matchesGlob } from "../../lib/base/glob.ts";
import { modelsFor } from "../../lib/snapshot/access.ts";
import { loadConfig, type LoadResult } from "../../lib/config/load.ts";
import { formatProblem } from "../../lib/base/problems.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";

/** The text of a sealed secret. */
const revealed = (secret: SealedSecret | undefined) => secret && unseal(secret).reveal();

const HASH = "0123456789abcdef".repeat(4);
const CONFIG_FOLDER = join(import.meta.dirname ?? "", "../../config");

interface World {
  readonly env?: Record<string, string>;
  /** Content by absolute path. */
  readonly files?: Record<string, string>;
  readonly nowMs?: number;
  readonly modeOf?: (path: string) => Promise<number>;
}

/** Loads a text as /etc/adit/adit.yaml, with only these variables and files. */
function load(text: string, { env = {}, files = {}, ...options }: World = {}): Promise<LoadResult> {
  const all: Record<string, string> = { "/etc/adit/adit.yaml": text, ...files };
  return loadConfig("/etc/adit/adit.yaml", {
    ...options,
    env,
    readFile: (path) => {
      const content = all[path];
      if (content !== undefined) return Promise.resolve(encodeUtf8(content));
      return Promise.reject(Object.assign(new Error("missing"), { code: "ENOENT" }));
    },
  });
}

async function snapshotOf(text: string, world?: World): Promise<Snapshot> {
  const loaded = await load(text, world);
  ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(formatProblem).join("\n"));
  return loaded.snapshot;
}

const SMALLEST = "providers: { local: { type: emulator } }\n";

Deno.test("the smallest configuration is complete by its defaults, and on the loopback address", async () => {
  const snapshot = await snapshotOf(SMALLEST);
  deepEqual(snapshot.listen, [{ hostname: "127.0.0.1", port: 8080 }]);
  deepEqual(snapshot.admin, { hostname: "127.0.0.1", port: 9090 });
  equal(snapshot.tls, undefined);
  deepEqual(snapshot.limits, {
    bodyBytes: 25 * 1024 * 1024,
    headerBytes: 16 * 1024,
    jsonDepth: 128,
    jsonValues: 200_000,
    concurrent: 2048,
    fetchImages: false,
  });
  deepEqual(snapshot.timeouts, {
    connectMs: 5_000,
    firstByteMs: 120_000,
    idleMs: 120_000,
    totalMs: 900_000,
    drainMs: 30_000,
    drainDelayMs: 0,
    keepaliveMs: 15_000,
  });
  deepEqual(snapshot.log, { level: "info", requests: true });
  deepEqual([...snapshot.providers.values()], [{
    kind: "emulator",
    name: "local",
    region: "us-east-1",
    quotas: [],
  }]);
  equal(snapshot.models.size + snapshot.routes.size + snapshot.callers.size, 0);
});

const FULL = `
listen: ["[::]:8080", 127.0.0.1:0]
admin: off
limits: { body: 1MiB, headers: 8KiB, json_depth: 64, concurrent: 10, fetch_images: true }
timeouts: { connect: 250ms, first_byte: 1m, idle: 1m, total: 1h30m, drain: 0s, drain_delay: 5s, keepalive: 0s }
cors: { origins: ["https://app.example.com:8443", "*"] }
trusted_proxies: [10.0.0.0/8, "fd00::1"]
log: { level: debug, requests: false }
providers:
  east:
    type: bedrock
    region: us-east-1
    credentials: { access_key_id: AKIAEXAMPLE, secret_access_key: "s3cret/+=", session_token: "t0ken==" }
    fips: true
    dualstack: true
  west:
    type: bedrock
    region: us-west-2
    credentials: { api_key: "bedrock-api-key-x" }
    endpoint: https://vpce.example/prefix/
  spare: { type: emulator, region: us-west-2 }
models:
  claude-haiku:
    provider: east
    id: arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc
    base_model: anthropic.claude-3-haiku-20240307-v1:0
    api: converse
    defaults: { max_tokens: 100, temperature: 0, top_p: 0.5, stop: END }
    guardrail: { id: abc123, version: 3, trace: enabled_full }
    metadata: { team: search }
  nova-lite: { provider: west, id: us.amazon.nova-lite-v1:0, guardrail: { id: abc123, version: DRAFT } }
  nova-pro: { provider: west, id: us.amazon.nova-pro-v1:0, defaults: { stop: [a, b] } }
  tiered:
    provider: west
    id: us.amazon.nova-pro-v1:0
    defaults: { service_tier: flex, latency: optimized, additional_model_request_fields: { a: { b: 1 } } }
routes:
  /bedrock: { model: nova-pro }
callers:
  search:
    key: sha256:${HASH.toUpperCase()}
    models: [nova-pro, "nova-*"]
    native: [us-west-2, us-east-1]
    expires: 2027-06-30
  robots:
    models: []
    native: { regions: [us-east-1], ids: ["anthropic.*"] }
    aws: { access_key_id: ADITAAAAAAAAAAAA, secret_access_key: ${"x".repeat(40)} }
    disabled: true
`;

Deno.test("every key of a full configuration arrives in the snapshot", async () => {
  const snapshot = await snapshotOf(FULL);
  deepEqual(snapshot.listen, [{ hostname: "::", port: 8080 }, { hostname: "127.0.0.1", port: 0 }]);
  equal(snapshot.admin, undefined);
  deepEqual(snapshot.limits, {
    bodyBytes: 1_048_576,
    headerBytes: 8192,
    jsonDepth: 64,
    jsonValues: 200_000,
    concurrent: 10,
    fetchImages: true,
  });
  deepEqual(snapshot.cors, { origins: ["https://app.example.com:8443", "*"] });
  deepEqual(snapshot.trustedProxies, ["10.0.0.0/8", "fd00::1"]);
  deepEqual(snapshot.timeouts, {
    connectMs: 250,
    firstByteMs: 60_000,
    idleMs: 60_000,
    totalMs: 5_400_000,
    drainMs: 0,
    drainDelayMs: 5_000,
    keepaliveMs: 0,
  });
  deepEqual(snapshot.log, { level: "debug", requests: false });

  const { east, west } = Object.fromEntries(snapshot.providers);
  ok(east?.kind === "bedrock" && east.credentials.kind === "static");
  deepEqual([east.region, east.endpoint, east.fips, east.dualstack], ["us-east-1", undefined, true, true]);
  equal(east.credentials.accessKeyId, "AKIAEXAMPLE");
  equal(revealed(east.credentials.secretAccessKey), "s3cret/+=");
  equal(revealed(east.credentials.sessionToken), "t0ken==");
  ok(west?.kind === "bedrock" && west.credentials.kind === "api_key");
  equal(revealed(west.credentials.key), "bedrock-api-key-x");
  equal(west.endpoint, "https://vpce.example/prefix");
  equal(snapshot.providersByRegion.get("us-west-2"), west, "the first provider of a region answers for it");

  const target = (name: string) => snapshot.models.get(name)?.targets[0];
  const haiku = target("claude-haiku");
  equal(haiku?.provider, east);
  equal(haiku?.baseModel, "anthropic.claude-3-haiku-20240307-v1:0");
  equal(haiku?.api, "converse");
  deepEqual(haiku?.defaults, { maxTokens: 100, temperature: 0, topP: 0.5, stop: ["END"] });
  deepEqual(haiku?.guardrail, { id: "abc123", version: "3", trace: "enabled_full" });
  deepEqual(haiku?.metadata, { team: "search" });
  deepEqual(target("nova-lite")?.guardrail, {
    id: "abc123",
    version: "DRAFT",
    trace: "disabled",
  });
  deepEqual(target("nova-pro")?.defaults, { stop: ["a", "b"] });
  deepEqual(target("tiered")?.defaults, {
    serviceTier: "flex",
    latency: "optimized",
    additionalModelRequestFields: { a: { b: 1 } },
  });
  equal(snapshot.routes.get("/bedrock")?.model, snapshot.models.get("nova-pro"));

  const search = snapshot.callers.get("search");
  deepEqual(
    search && modelsFor(search, snapshot).map(({ name }) => name),
    ["nova-lite", "nova-pro"],
    "in the order of the models",
  );
  deepEqual([...search?.native?.regions ?? []], ["us-west-2", "us-east-1"]);
  equal(search?.native?.ids.some((glob) => matchesGlob(glob, "any.model")), true);
  equal(search?.expiresAtMs, Date.UTC(2027, 6, 1));
  equal(snapshot.callersByKeyHash.get(HASH), search, "by the hash in lower case");

  const robots = snapshot.callers.get("robots");
  equal(robots?.disabled, true);
  deepEqual(robots?.native?.ids, ["anthropic.*"]);
  equal(revealed(robots?.aws?.secretAccessKey), "x".repeat(40));
  equal(snapshot.callersByAccessKeyId.get("ADITAAAAAAAAAAAA"), robots);
});

Deno.test("no secret is in the snapshot's text", async () => {
  const snapshot = await snapshotOf(FULL);
  const text = Deno.inspect(snapshot, { depth: 10 }) +
    JSON.stringify(snapshot, (_, value) => value instanceof Map ? [...value] : value);
  for (const secret of ["s3cret", "t0ken", "bedrock-api-key-x", "x".repeat(40)]) ok(!text.includes(secret));
});

Deno.test("a reference may be a string, a part of one, a number or a boolean", async () => {
  const snapshot = await snapshotOf(
    `
listen: 127.0.0.1:\${env:PORT:-8081}
limits: { concurrent: "\${env:CONCURRENT}", body: "\${env:BODY}" }
log: { requests: "\${env:REQUESTS}" }
providers:
  east:
    type: \${env:TYPE}
    region: us-\${env:SIDE}-1
    credentials: { api_key: "\${file:key}" }
models:
  m: { provider: east, id: x, defaults: { temperature: "\${env:TEMPERATURE}" }, metadata: { literal: a } }
callers:
  c: { key: "sha256:\${credential:hash}", models: ["*"] }
`,
    {
      env: {
        CONCURRENT: "17",
        BODY: "2MiB",
        REQUESTS: "false",
        TYPE: "bedrock",
        SIDE: "east",
        TEMPERATURE: "0.5",
        CREDENTIALS_DIRECTORY: "/run/credentials",
      },
      files: { "/etc/adit/key": "12345\n", "/run/credentials/hash": `${HASH}\n` },
    },
  );
  equal(snapshot.listen[0]?.port, 8081);
  deepEqual([snapshot.limits.concurrent, snapshot.limits.bodyBytes], [17, 2 * 1024 * 1024]);
  equal(snapshot.log.requests, false);
  const east = snapshot.providers.get("east");
  ok(east?.kind === "bedrock" && east.credentials.kind === "api_key");
  equal(east.region, "us-east-1");
  equal(revealed(east.credentials.key), "12345", "a text of digits stays a text where a text is wanted");
  equal(snapshot.models.get("m")?.targets[0].defaults.temperature, 0.5);
  ok(snapshot.callersByKeyHash.get(HASH) !== undefined);
});

Deno.test("the files to watch are the configuration and every file it names, also when it is refused", async () => {
  const text = `
tls: { certificate: certs/cert.pem, key: /keys/key.pem }
providers: { e: { type: bedrock, region: us-east-1, credentials: { api_key: "\${file:missing}" } } }
callers: { c: { key: "\${credential:hash}" } }
`;
  const loaded = await load(text, { env: { CREDENTIALS_DIRECTORY: "/run/credentials" } });
  equal(loaded.ok, false);
  deepEqual([...loaded.files.keys()].toSorted(), [
    "/etc/adit/adit.yaml",
    "/etc/adit/certs/cert.pem",
    "/etc/adit/missing",
    "/keys/key.pem",
    "/run/credentials/hash",
  ]);
});

Deno.test("a missing configuration is one problem, and is watched", async () => {
  const loaded = await loadConfig("/nowhere/adit.yaml", { readFile, env: {} });
  ok(!loaded.ok);
  deepEqual(loaded.problems.map(formatProblem), [
    "/nowhere/adit.yaml:1:1: cannot read the file: no such file",
  ]);
  deepEqual([...loaded.files.keys()], ["/nowhere/adit.yaml"]);
});

Deno.test("at most a fixed number of problems is reported", async () => {
  const keys = Array.from({ length: 5000 }, (_, index) => `unknown${index}: 1\n`).join("");
  const loaded = await load(SMALLEST + keys);
  ok(!loaded.ok);
  equal(loaded.problems.length, 100);
});

Deno.test("a configuration truncated anywhere is accepted or refused, but never throws", async () => {
  for (let length = 0; length < FULL.length; length += 7) {
    const loaded = await load(FULL.slice(0, length));
    ok(loaded.ok || loaded.problems.length > 0, `cut at ${length}`);
  }
});

Deno.test("Windows line endings and a byte order mark are accepted and do not shift positions", async () => {
  const loaded = await load("\ufeffproviders:\r\n  local:\r\n    type: emulater\r\n");
  ok(!loaded.ok);
  deepEqual(loaded.problems.map(({ line, column }) => [line, column]), [[3, 11]]);
});

const WITH_DATA = `
providers: { local: { type: emulator } }
data: { models: tables/models.yaml }
models:
  nova: { provider: local, id: us.amazon.nova-lite-v1:0 }
  own: { provider: local, id: us.amazon.nova-lite-v1:0, traits: { tool_choice: [], strict_tools: true } }
  hidden: { provider: local, id: "arn:aws:bedrock:us-east-1:1:application-inference-profile/x", base_model: new.m-1 }
`;

Deno.test("a model's traits are the built-in rows, then those of the operator's file, then its own", async () => {
  const table = `
- { match: "amazon.*", top_k: "", tool_choice: [auto] }
- { match: "new.*", family: new }
`;
  const { models } = await snapshotOf(WITH_DATA, { files: { "/etc/adit/tables/models.yaml": table } });
  const shown = [...models.values()].map((
    { targets: [{ traits: { family, topKPath, toolChoice, strictTools } }] },
  ) => [family, topKPath, [...toolChoice], strictTools]);
  deepEqual(shown, [
    ["nova", "", ["auto"], false],
    ["nova", "", [], true],
    ["new", "top_k", ["auto", "any", "tool"], true],
  ]);
});

Deno.test("a data file is watched with the configuration, good or bad", async () => {
  for (const table of ["- { match: x }", "- { match: 5 }", "- ["]) {
    const loaded = await load(WITH_DATA, { files: { "/etc/adit/tables/models.yaml": table } });
    deepEqual([...loaded.files.keys()], ["/etc/adit/adit.yaml", "/etc/adit/tables/models.yaml"]);
    if (!loaded.ok) {
      deepEqual(loaded.problems.map(({ file }) => file), ["/etc/adit/tables/models.yaml"]);
    }
    equal(loaded.ok, table === "- { match: x }");
  }
});

const { certificate: CERTIFICATE, key: KEY } = selfSignedCertificate();

const WITH_TLS = (certificate: string, key: string) =>
  SMALLEST + `tls: { certificate: ${JSON.stringify(certificate)}, key: ${JSON.stringify(key)} }\n`;

Deno.test("TLS material comes from files next to the configuration, or from the configuration itself", async () => {
  const files = { "/etc/adit/cert.pem": CERTIFICATE, "/keys/key.pem": KEY };
  const fromFiles = await snapshotOf(WITH_TLS("cert.pem", "/keys/key.pem"), { files });
  const inline = await snapshotOf(WITH_TLS(CERTIFICATE, "${env:KEY}"), { env: { KEY } });
  for (const { tls } of [fromFiles, inline]) {
    equal(tls?.certificate, CERTIFICATE);
    equal(revealed(tls?.key), KEY);
  }
});

Deno.test("a private key that does not belong to the certificate is a problem", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const loaded = await load(WITH_TLS(CERTIFICATE, other));
  ok(!loaded.ok);
  deepEqual(loaded.problems.map(({ path, message }) => [path, message]), [
    ["tls.key", "the private key does not match the certificate"],
  ]);
});

Deno.test("a certificate outside its validity period is a warning", async () => {
  const files = { "/etc/adit/cert.pem": CERTIFICATE, "/keys/key.pem": KEY };
  for (
    const [date, expected] of [
      ["2019-12-31", ["the certificate is not valid before 2020-01-01"]],
      ["2030-01-01", []],
      ["2050-01-01", ["the certificate expired on 2049-12-31"]],
    ] as const
  ) {
    const loaded = await load(WITH_TLS("cert.pem", "/keys/key.pem"), { files, nowMs: Date.parse(date) });
    ok(loaded.ok);
    const about = loaded.warnings.filter(({ path }) => path === "tls.certificate");
    deepEqual(about.map(({ message }) => message), expected);
  }
});

Deno.test("no file in the place of a certificate or a key switches TLS off", async () => {
  for (const useless of ["", "\n", "#", "-----BEGIN CERTIFICATE-----", "\0".repeat(2000), "PEM"]) {
    for (const [certificate, key] of [[useless, KEY], [CERTIFICATE, useless], [useless, useless]] as const) {
      const files = { "/etc/adit/cert.pem": certificate, "/keys/key.pem": key };
      const loaded = await load(WITH_TLS("cert.pem", "/keys/key.pem"), { files });
      equal(loaded.ok, false, JSON.stringify(useless));
    }
    equal((await load(WITH_TLS("${env:C}", "${env:K}"), { env: { C: useless, K: useless } })).ok, false);
  }
});

Deno.test("a caller may have several keys, each with its own expiry", async () => {
  const [old, next] = ["a".repeat(64), "b".repeat(64)];
  const { callers, callersByKeyHash, keyExpiresAtMs } = await snapshotOf(`${SMALLEST}
callers: { team: { key: [ "sha256:${next}", { hash: "sha256:${old}", expires: 2027-06-30 } ] } }
`);
  equal(callersByKeyHash.get(old), callers.get("team"));
  equal(callersByKeyHash.get(next), callers.get("team"));
  deepEqual([...keyExpiresAtMs], [[old, Date.UTC(2027, 6, 1)]]);
});

Deno.test("a swapped certificate and key are two problems, and neither is shown", async () => {
  const loaded = await load(WITH_TLS(KEY, CERTIFICATE));
  ok(!loaded.ok);
  deepEqual(loaded.problems.map(({ path }) => path), ["tls.certificate", "tls.key"]);
  ok(!loaded.problems.map(formatProblem).join().includes("BEGIN"));
});

Deno.test("the configuration that comes with Adit is good as it is", async () => {
  const loaded = await loadConfig(join(CONFIG_FOLDER, "adit.yaml"), { readFile, env: {} });
  ok(loaded.ok);
  deepEqual(loaded.warnings, []);
});

Deno.test("the configuration for production is good once its credentials are there", async () => {
  const path = join(CONFIG_FOLDER, "adit.production.yaml");
  const credentials: Record<string, string> = {
    tls_certificate: CERTIFICATE,
    tls_key: KEY,
    aws_access_key_id: "AKIAEXAMPLE\n",
    aws_secret_access_key: "secret\n",
  };
  const loaded = await loadConfig(path, {
    env: { CREDENTIALS_DIRECTORY: "/credentials" },
    readFile: (file) => {
      const name = file.slice(file.lastIndexOf("/") + 1);
      return dirname(file) === "/credentials"
        ? Promise.resolve(encodeUtf8(credentials[name] ?? ""))
        : readFile(file);
    },
  });
  ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(formatProblem).join("\n"));
  deepEqual(loaded.warnings.map(({ path }) => path), ["callers"]);
});

Deno.test("a profile that is in neither of AWS's files is a warning, if the files are known", async () => {
  const text = (profile: string) =>
    `providers: { e: { type: bedrock, region: us-east-1, credentials: { profile: ${profile} } } }\n`;
  const files = {
    "/home/a/.aws/config": "[default]\n[profile dev]\nregion = us-east-1\n[ profile 'with space' ]\n",
    "/home/a/.aws/credentials": "[prod]\naws_access_key_id = x\n",
    "/etc/aws": "[profile other]\n",
  };
  const warningsOf = async (profile: string, env: Record<string, string>) => {
    const loaded = await load(text(profile), { env, files });
    return loaded.warnings.filter(({ path }) => path.endsWith(".profile")).map(({ message }) => message);
  };
  const env = { HOME: "/home/a" };
  for (const profile of ["default", "dev", "prod", '"with space"']) {
    deepEqual(await warningsOf(profile, env), []);
  }
  deepEqual(await warningsOf("staging", env), [
    'the profile "staging" is in neither /home/a/.aws/config nor /home/a/.aws/credentials',
  ]);
  deepEqual(await warningsOf("other", { ...env, AWS_CONFIG_FILE: "/etc/aws" }), []);
  deepEqual(await warningsOf("staging", {}), []);
});

Deno.test("a world-readable private key is a warning", async () => {
  const files = { "/etc/adit/cert.pem": CERTIFICATE, "/etc/adit/key.pem": KEY };
  for (const [mode, count] of [[0o644, 1], [0o640, 0], [0o600, 0]] as const) {
    const modeOf = (path: string) => Promise.resolve(path === "/etc/adit/key.pem" ? mode : 0o600);
    const loaded = await load(WITH_TLS("cert.pem", "key.pem"), { files, modeOf });
    ok(loaded.ok);
    equal(loaded.warnings.filter(({ path }) => path === "tls.key").length, count);
  }
});
