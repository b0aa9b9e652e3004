/** How requests are attributed to callers and teams in AWS's bill and logs. */

import assert from "node:assert/strict";
import { priceOf } from "../../lib/facts/price_book.ts";
import { resolveModel, resolveNative, resolveRegion } from "../../lib/gateway/resolve.ts";
import type { BedrockProvider } from "../../lib/snapshot/provider.ts";
import { caller, model, native, provider, snapshot, withSettings } from "../fakes/snapshot.ts";

const PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/search";
const ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const ANN = caller("ann", { models: new Set(["haiku"]), team: "search" });
const BOB = caller("bob", { models: new Set(["haiku"]) });
const HAIKU = withSettings(model("haiku", provider("east", "us-east-1"), ID), {
  metadata: { who: "{caller}", group: "team={team}", fixed: "x" },
  teamIds: { search: PROFILE },
});
const CONFIG = snapshot({ models: [HAIKU], callers: [ANN, BOB] });

Deno.test("metadata contains the names of the caller and its team", () => {
  const metadata = (who: typeof ANN) => resolveModel("haiku", who, CONFIG).targets[0].settings?.metadata;
  assert.deepEqual(metadata(ANN), { who: "ann", group: "team=search", fixed: "x" });
  assert.deepEqual(metadata(BOB), { who: "bob", group: "team=", fixed: "x" });
  // The configuration itself is unchanged.
  assert.equal(HAIKU.targets[0].metadata["who"], "{caller}");
});

Deno.test("a team's inference profile is used for its callers, with the price and traits of the model", () => {
  const [target] = resolveModel("haiku", ANN, CONFIG).targets;
  assert.equal(target.modelId, PROFILE);
  assert.equal(target.settings?.traits, HAIKU.targets[0].traits);
  const billed = { id: target.modelId, baseModel: target.settings?.baseModel, region: "us-east-1" };
  const own = { id: ID, region: "us-east-1" };
  const rules = { rows: [], assume: undefined };
  assert.equal(priceOf(billed, rules, 0)?.row, priceOf(own, rules, 0)?.row);
  assert.equal(resolveModel("haiku", BOB, CONFIG).targets[0].modelId, ID);
  const eve = caller("eve", { models: new Set(["haiku"]), team: "constructor" });
  assert.equal(resolveModel("haiku", eve, CONFIG).targets[0].modelId, ID);
});

Deno.test("the role of a provider is assumed for the caller, on every route", () => {
  const east = provider("east", "us-east-1");
  const role = (sessionName: string): BedrockProvider => ({
    ...east,
    credentials: {
      kind: "role",
      base: { kind: "chain" },
      arn: "arn:aws:iam::123456789012:role/adit",
      sessionName,
      externalId: undefined,
      tags: {},
      durationMs: 3_600_000,
    },
  });
  const subjects = (from: BedrockProvider) => {
    const who = caller("cid", { models: ["haiku"], team: "search", native: native(["us-east-1"]) });
    const config = snapshot({ models: [model("haiku", from, ID)], callers: [who] });
    const place = { id: "amazon.nova-lite-v1:0", pathRegion: undefined, signatureRegion: undefined };
    return [
      resolveModel("haiku", who, config),
      resolveNative({ ...place, id: "haiku" }, who, config),
      resolveNative(place, who, config),
      resolveRegion(place, who, config),
    ].map(({ targets: [{ subject }] }) => subject);
  };
  const cid = { caller: "cid", team: "search" };
  assert.deepEqual(subjects(role("adit-{caller}")), [cid, cid, cid, cid]);
  assert.deepEqual(subjects(role("adit")), [undefined, undefined, undefined, undefined]);
});
