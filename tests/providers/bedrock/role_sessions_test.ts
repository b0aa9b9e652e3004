/** A role with a session for each caller or team: cached, renewed, bounded, and never used for another one. */

import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { createLogger } from "../../../lib/base/log/log.ts";
import { seal } from "../../../lib/base/secret.ts";
import type { FindKeyPair, KeyPair, RoleRequest } from "../../../lib/aws/keys/key_pair.ts";
import { ProviderCredentials } from "../../../lib/providers/bedrock/provider_credentials.ts";
import type { RoleCredentials } from "../../../lib/snapshot/provider.ts";
import type { Subject } from "../../../lib/snapshot/subject.ts";
import { ofKind } from "../../fakes/errors.ts";
import { keyPair } from "../../fakes/key_search.ts";
import { provider } from "../../fakes/snapshot.ts";
import { fakeTime } from "../../fakes/time.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ANN: Subject = { caller: "ann", team: "search" };
const BOB: Subject = { caller: "bob", team: "search" };
const CID: Subject = { caller: "cid", team: undefined };

const ROLE: RoleCredentials = {
  kind: "role",
  base: {
    kind: "static",
    accessKeyId: "AKIDBASE",
    secretAccessKey: seal("hunter2"),
    sessionToken: undefined,
  },
  arn: "arn:aws:iam::111122223333:role/adit",
  sessionName: "adit-{caller}",
  externalId: undefined,
  tags: { team: "{team}", stage: "prod" },
  durationMs: HOUR,
};

function setUp(role: Partial<RoleCredentials> = {}) {
  const time = fakeTime();
  const asked: RoleRequest[] = [];
  const bases: KeyPair[] = [];
  const log: string[] = [];
  let failure: Error | undefined;
  let gate: Promise<void> = Promise.resolve();
  const assume = (request: RoleRequest, base: FindKeyPair): FindKeyPair => async () => {
    bases.push(await base());
    asked.push(request);
    await gate;
    if (failure !== undefined) throw failure;
    return keyPair(`ASIA-${request.sessionName}-${asked.length}`, time.clock.now() + HOUR);
  };
  const logger = createLogger((text) => {
    log.push(text);
    return Promise.resolve();
  }, { clock: time.clock });
  const credentials = new ProviderCredentials({
    clock: time.clock,
    logger,
    searchFor: () => () => Promise.resolve(keyPair("OWN")),
    assume,
  });
  const east = { ...provider("east", "us-east-1"), credentials: { ...ROLE, ...role } };
  const providers = new Map([[east.name, east]]);
  void credentials.use(providers);
  const request = { method: "POST", url: "http://bedrock.test/", headers: new Headers() };
  return {
    ...time,
    asked,
    bases,
    logText: async () => {
      await logger.flush();
      return log.join("");
    },
    status: () => credentials.status(providers)["east"],
    fail: (error: Error | undefined) => void (failure = error),
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    /** Access key id that signs for the subject. */
    async signer(subject?: Subject): Promise<string> {
      const headers = await credentials.authenticatorOf(east, subject).sign(request, time.clock.now());
      return /Credential=([^/]+)/.exec(headers.get("authorization") ?? "")?.[1] ?? "";
    },
  };
}

Deno.test("each caller has a session of its own, with its names, assumed with the provider's keys", async () => {
  const { signer, asked, bases, status } = setUp();
  equal(await signer(ANN), "ASIA-adit-ann-1");
  equal(await signer(BOB), "ASIA-adit-bob-2");
  equal(await signer(CID), "ASIA-adit-cid-3");
  equal(await signer(ANN), "ASIA-adit-ann-1", "cached");
  deepEqual(asked.map(({ sessionName, tags }) => [sessionName, tags]), [
    ["adit-ann", { team: "search", stage: "prod" }],
    ["adit-bob", { team: "search", stage: "prod" }],
    ["adit-cid", { team: "", stage: "prod" }],
  ]);
  deepEqual(bases.map(({ accessKeyId }) => accessKeyId), ["AKIDBASE", "AKIDBASE", "AKIDBASE"]);
  equal(status()?.sessions, 3);
});

Deno.test("callers of one team share a session if only the team is named", async () => {
  const { signer, asked } = setUp({ sessionName: "adit-{team}" });
  equal(await signer(ANN), await signer(BOB));
  equal(asked.length, 1);
});

Deno.test("requests at the same time cause one search", async () => {
  const { signer, asked, hold } = setUp();
  const goOn = hold();
  const all = Array.from({ length: 20 }, () => signer(ANN));
  await new Promise((resolve) => setTimeout(resolve, 0));
  goOn();
  equal(new Set(await Promise.all(all)).size, 1);
  equal(asked.length, 1);
});

Deno.test("a session in use is renewed five minutes before its end, without delaying a request", async () => {
  const { signer, asked, advance, hold } = setUp();
  await signer(ANN);
  advance(54 * MINUTE);
  equal(await signer(ANN), "ASIA-adit-ann-1");
  equal(asked.length, 1);
  advance(2 * MINUTE);
  const goOn = hold();
  equal(await signer(ANN), "ASIA-adit-ann-1", "the old one while the next is searched for");
  goOn();
  await new Promise((resolve) => setTimeout(resolve, 0));
  equal(await signer(ANN), "ASIA-adit-ann-2");
});

Deno.test("a session that cannot be renewed is asked for once in ten seconds, however many requests use it", async () => {
  const { signer, asked, advance, fail } = setUp();
  await signer(ANN);
  advance(56 * MINUTE);
  fail(new Error("throttled"));
  const useIt = async () => {
    for (let request = 0; request < 5; request++) {
      equal(await signer(ANN), "ASIA-adit-ann-1");
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  await useIt();
  equal(asked.length, 2);
  advance(11_000);
  await useIt();
  equal(asked.length, 3);
});

Deno.test("a session that nobody uses is not renewed", async () => {
  const { signer, asked, advance, timers } = setUp();
  await signer(ANN);
  equal(timers.size, 0);
  advance(3 * HOUR);
  equal(asked.length, 1);
  equal(await signer(ANN), "ASIA-adit-ann-2");
});

Deno.test("without a session, a request is refused: nothing is signed as somebody else", async () => {
  const { signer, fail, asked, advance, status, logText } = setUp();
  await signer(BOB);
  fail(new Error("AccessDenied: not authorized to perform sts:TagSession"));
  await rejects(signer(ANN), ofKind("upstream_credentials"));
  await rejects(signer(ANN), ofKind("upstream_credentials"));
  equal(asked.length, 2, "a failure is not asked for again at once");
  match(status()?.last_error ?? "", /sts:TagSession/);
  match(await logText(), /"session":"adit-ann"/);
  // The session of another caller is unaffected.
  equal(await signer(BOB), "ASIA-adit-bob-1");
  fail(undefined);
  advance(11_000);
  equal(await signer(ANN), "ASIA-adit-ann-3");
  equal(status()?.last_error, undefined);
});

Deno.test("a request without a caller is refused, and so is one whose session has ended and cannot be renewed", async () => {
  const { signer, fail, advance } = setUp();
  await rejects(signer(), ofKind("upstream_credentials"));
  await signer(ANN);
  fail(new Error("throttled"));
  advance(61 * MINUTE);
  await rejects(signer(ANN), ofKind("upstream_credentials"));
});

Deno.test("the number of sessions is bounded; the least recently used one is dropped", async () => {
  const { signer, status, asked } = setUp();
  await signer(ANN);
  for (let count = 0; count < 8_190; count++) await signer({ caller: `c${count}`, team: undefined });
  await signer(BOB);
  equal(status()?.sessions, 8_192);
  await signer(ANN);
  await signer({ caller: "one-more", team: undefined });
  equal(status()?.sessions, 8_192);
  const before = asked.length;
  await signer(ANN);
  equal(asked.length, before, "used since, so that it was kept");
  await signer({ caller: "c0", team: undefined });
  equal(asked.length, before + 1);
});

Deno.test("a role without names is assumed once, and for everybody", async () => {
  const { signer, asked } = setUp({ sessionName: "adit", tags: {} });
  equal(await signer(ANN), "OWN");
  equal(await signer(), "OWN");
  equal(asked.length, 0);
});
