/** The credentials of every provider, across reloads. */

import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { createLogger } from "../../../lib/base/log/log.ts";
import { seal } from "../../../lib/base/secret.ts";
import type { BedrockProvider, Credentials, Provider } from "../../../lib/snapshot/provider.ts";
import { ProviderCredentials } from "../../../lib/providers/bedrock/provider_credentials.ts";
import { ofKind } from "../../fakes/errors.ts";
import { keyPair, keySearch } from "../../fakes/key_search.ts";
import { fakeTime, START_MS } from "../../fakes/time.ts";

const HOUR = 60 * 60_000;
const CHAIN: Credentials = { kind: "chain" };
const SECRET = "hunter2-secret";

function roleOn(secretAccessKey: string): Credentials {
  return {
    kind: "role",
    base: {
      kind: "static",
      accessKeyId: "AKIDBASE",
      secretAccessKey: seal(secretAccessKey),
      sessionToken: undefined,
    },
    arn: "arn:aws:iam::111122223333:role/adit",
    sessionName: "adit",
    externalId: undefined,
    tags: {},
    durationMs: HOUR,
  };
}

function provider(name: string, credentials: Credentials, region = "us-east-1"): BedrockProvider {
  return {
    kind: "bedrock",
    name,
    region,
    endpoint: undefined,
    mantleEndpoint: undefined,
    fips: false,
    dualstack: false,
    network: undefined,
    credentials,
    quotas: [],
  };
}

function named(...providers: readonly Provider[]): ReadonlyMap<string, Provider> {
  return new Map(providers.map((each) => [each.name, each]));
}

function setUp() {
  const time = fakeTime({ tickMs: 1000 });
  const search = keySearch();
  let log = "";
  const logger = createLogger((text) => {
    log += text;
    return Promise.resolve();
  }, { clock: time.clock });
  const credentials = new ProviderCredentials({
    clock: time.clock,
    logger,
    searchFor: () => search.find,
    schedule(delayMs, fire) {
      const deadline = time.timers.after(delayMs, fire);
      return () => deadline.cancel();
    },
  });
  return {
    ...time,
    search,
    credentials,
    /** Access key id of a request to the provider. */
    async signer(from: BedrockProvider): Promise<string | undefined> {
      const request = { method: "POST", url: "http://bedrock.test/", headers: new Headers() };
      const headers = await credentials.authenticatorOf(from).sign(request, time.clock.now());
      return /Credential=([^/]+)/.exec(headers.get("authorization") ?? "")?.[1];
    },
    async logged(): Promise<readonly Record<string, unknown>[]> {
      await logger.flush();
      return log.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    },
  };
}

Deno.test("the credentials of a configuration are searched for before they are needed", async () => {
  const { credentials, search, signer, logged } = setUp();
  const east = provider("east", CHAIN);
  const used = credentials.use(
    named(east, { kind: "emulator", name: "local", region: "us-east-1", quotas: [] }),
  );
  equal(search.count, 1);
  search.end(keyPair("A", START_MS + HOUR));
  await used;
  equal(await signer(east), "A");
  equal(search.count, 1);
  const [line] = await logged();
  deepEqual([line?.["message"], line?.["provider"], line?.["source"], line?.["expires_at"]], [
    "credentials found",
    "east",
    "chain",
    "2026-11-20T10:00:00.000Z",
  ]);
});

Deno.test("a reload searches again, and requests use the known credentials until newer ones are found", async () => {
  const { credentials, search, signer } = setUp();
  const first = credentials.use(named(provider("east", CHAIN)));
  search.end(keyPair("OLD"));
  await first;
  const east = provider("east", { kind: "chain" });
  const second = credentials.use(named(east));
  equal(await signer(east), "OLD");
  search.end(keyPair("NEW"));
  await second;
  equal(await signer(east), "NEW");
});

Deno.test("a reload during a search searches again, because the files may have changed", async () => {
  const { credentials, search, signer } = setUp();
  const east = provider("east", CHAIN);
  const reloads = [1, 2, 3].map(() => credentials.use(named(east)));
  equal(search.count, 1);
  search.end(keyPair("OLD"));
  await reloads[0];
  equal(await signer(east), "OLD");
  // One search serves both, because it began after both.
  deepEqual([search.count, search.open.length], [2, 1]);
  search.end(keyPair("NEW"));
  await Promise.all(reloads);
  equal(await signer(east), "NEW");
  equal(search.count, 2);
});

Deno.test("a reload during a failing search searches again", async () => {
  const { credentials, search, signer } = setUp();
  const east = provider("east", CHAIN);
  const reloads = [1, 2].map(() => credentials.use(named(east)));
  search.end(new Error("not there yet"));
  await reloads[0];
  search.end(keyPair("NEW"));
  await reloads[1];
  equal(await signer(east), "NEW");
});

Deno.test("other settings cause another search: a role's base, the region, the kind", async () => {
  const changes: readonly (readonly [BedrockProvider, BedrockProvider])[] = [
    [provider("east", roleOn("one")), provider("east", roleOn("two"))],
    [provider("east", CHAIN), provider("east", CHAIN, "us-west-2")],
    [provider("east", CHAIN), provider("east", { kind: "profile", profile: "prod" })],
    [provider("east", CHAIN), provider("west", CHAIN)],
  ];
  for (const [before, after] of changes) {
    const { credentials, search, signer, advance } = setUp();
    const first = credentials.use(named(before));
    search.end(keyPair("OLD", START_MS + HOUR));
    await first;
    const second = credentials.use(named(after));
    search.end(keyPair("NEW"));
    await second;
    equal(await signer(after), "NEW");
    // The old ones are no longer used, and not renewed.
    advance(HOUR);
    equal(search.count, 2);
  }
});

Deno.test("the state of a provider is found by its settings, whichever objects contain them", async () => {
  const written = (secret: string): Credentials => ({
    kind: "static",
    accessKeyId: "AKID",
    secretAccessKey: seal(secret),
    sessionToken: undefined,
  });
  const { credentials } = setUp();
  const east = provider("east", written("one"));
  await credentials.use(named(east));
  const known = credentials.authenticatorOf(east);
  equal(credentials.authenticatorOf(structuredClone(east)), known);
  await credentials.use(named(structuredClone(east)));
  equal(credentials.authenticatorOf(east), known);
  notEqual(credentials.authenticatorOf(provider("east", written("two"))), known);
  notEqual(credentials.authenticatorOf(provider("west", written("one"))), known);
  notEqual(credentials.authenticatorOf({ ...east, region: "us-west-2" }), known);
});

Deno.test("the status reports source, expiry and the last error of each provider, and nothing else", async () => {
  const { credentials, search } = setUp();
  const providers = named(
    provider("east", CHAIN),
    provider("west", roleOn(SECRET)),
    provider("north", {
      kind: "static",
      accessKeyId: "AKID",
      secretAccessKey: seal(SECRET),
      sessionToken: undefined,
    }),
    provider("south", { kind: "api_key", key: seal(SECRET) }),
    provider("theirs", { kind: "caller" }),
    { kind: "emulator", name: "local", region: "us-east-1", quotas: [] },
  );
  const used = credentials.use(providers);
  search.end(keyPair("A", START_MS + HOUR));
  search.end(new Error(`AccessDenied: not with ${"A1b2C3d4".repeat(5)}\nsecond line`));
  await used;
  deepEqual(credentials.status(providers), {
    east: { source: "chain", expires_at: "2026-11-20T10:00:00.000Z" },
    west: { source: "role", last_error: "AccessDenied: not with [redacted]" },
    north: { source: "static" },
    south: { source: "api_key" },
    theirs: { source: "caller" },
    local: { source: "emulator" },
  });
});

Deno.test("requests to a provider without credentials fail, and the operator gets the full reason", async () => {
  const { credentials, search, signer, logged } = setUp();
  const east = provider("east", CHAIN);
  const used = credentials.use(named(east));
  search.end(new Error("Could not load credentials from any providers"));
  await used;
  await rejects(signer(east), ofKind("upstream_credentials"));
  const [line] = await logged();
  deepEqual([line?.["level"], line?.["message"], line?.["error"]], [
    "error",
    "no credentials found",
    "Could not load credentials from any providers",
  ]);
});

Deno.test("another thread's question searches again only if it knows the current key pair", async () => {
  const { advance, credentials, search } = setUp();
  const east = provider("east", CHAIN);
  const used = credentials.use(named(east));
  search.end(new Error("none"));
  await used;
  const ask = (knownId: string | undefined) =>
    credentials.keyPairFor({ provider: east, role: undefined, knownId });
  await rejects(ask(undefined), /none/);
  equal(search.count, 1, "a search has just failed");
  advance(10_000);
  const found = [ask(undefined), ask(undefined)];
  search.end(keyPair("FIRST"));
  deepEqual((await Promise.all(found)).map(({ accessKeyId }) => accessKeyId), ["FIRST", "FIRST"]);
  equal((await ask(undefined)).accessKeyId, "FIRST");
  const count = search.count;
  const newer = ask("FIRST");
  search.end(keyPair("SECOND"));
  equal((await newer).accessKeyId, "SECOND");
  equal(search.count, count + 1);
});

Deno.test("a request of an earlier configuration searches on its own, and leaves nothing running", async () => {
  const { credentials, search, signer, timers } = setUp();
  const old = provider("east", CHAIN);
  const used = credentials.use(named(provider("east", { kind: "profile", profile: "prod" })));
  search.end(keyPair("NEW"));
  await used;
  const signed = signer(old);
  ok(search.open.length === 1);
  search.end(keyPair("OLD", START_MS + HOUR));
  equal(await signed, "OLD");
  equal(timers.size, 0);
});
