/** Resolving names and ids to targets, without revealing those that a caller may not use. */

import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import type { Caller } from "../../lib/snapshot/snapshot.ts";
import {
  chooseRegion,
  type NativePlace,
  resolveModel,
  resolveNative,
  resolveRegion,
} from "../../lib/gateway/resolve.ts";
import { caller, model, native, provider, snapshot } from "../fakes/snapshot.ts";
import { DIRECT } from "../../lib/snapshot/plan.ts";

const EAST = provider("east", "us-east-1");
const WEST = provider("west", "eu-west-1");
const CONFIG = snapshot({ models: [model("haiku", EAST), model("opus", WEST), model("a/b:c", EAST)] });

const NAMES = caller("names", { models: new Set(["haiku", "a/b:c"]) });
const BOTH = caller("both", { models: new Set(["haiku"]), native: native(["eu-west-1", "us-east-1"]) });
const EASTERN = caller("eastern", { native: native(["us-east-1"], ["amazon.*", "arn:aws:bedrock:*"]) });
const ELSEWHERE = caller("elsewhere", { native: native(["ap-south-1"]) });

const arn = (region: string) => `arn:aws:bedrock:${region}:123456789012:inference-profile/us.amazon.nova`;

/** The form of ids in the gateway's own list of models. */
const ownArn = (region: string, id: string) =>
  `arn:aws:bedrock:${region}:000000000000:inference-profile/${id}`;

/** A request that names no region except in its id. */
const placeOf = (id: string): NativePlace => ({ id, pathRegion: undefined, signatureRegion: undefined });

function outcome(resolve: () => { targets: readonly { provider: { name: string }; modelId: string }[] }) {
  try {
    const [target] = resolve().targets;
    return `${target?.provider.name} ${target?.modelId}`;
  } catch (error) {
    return error instanceof AditError ? error.kind : error;
  }
}

const NATIVE_CASES: readonly (readonly [id: string, caller: Caller, outcome: string])[] = [
  ["haiku", NAMES, "east anthropic.haiku-v1:0"],
  ["a/b:c", NAMES, "east anthropic.a/b:c-v1:0"],
  ["opus", NAMES, "model_not_found"],
  ["amazon.nova", NAMES, "model_not_found"],
  ["haiku", BOTH, "east anthropic.haiku-v1:0"],
  // To this caller, a configured name that it may not use is an id like any other.
  ["opus", BOTH, "west opus"],
  ["amazon.nova", BOTH, "west amazon.nova"],
  [arn("us-east-1"), BOTH, `east ${arn("us-east-1")}`],
  [arn("eu-west-1"), BOTH, `west ${arn("eu-west-1")}`],
  [arn("eu-west-1"), EASTERN, "model_not_found"],
  [arn("us-east-1"), EASTERN, `east ${arn("us-east-1")}`],
  [arn(""), EASTERN, "model_not_found"],
  ["arn:aws:bedrock:", EASTERN, "model_not_found"],
  ["amazon.nova", EASTERN, "east amazon.nova"],
  ["anthropic.claude", EASTERN, "model_not_found"],
  ["amazon.nova", ELSEWHERE, "model_not_found"],
  [ownArn("us-east-1", "haiku"), NAMES, "east anthropic.haiku-v1:0"],
  [ownArn("eu-west-1", "haiku"), NAMES, "model_not_found"],
  [ownArn("us-east-1", "opus"), NAMES, "model_not_found"],
  [ownArn("us-east-1", "us.amazon.nova"), BOTH, "east us.amazon.nova"],
  // The gateway never lists an ARN in an ARN, and the region that is checked must be that of the request.
  [ownArn("us-east-1", arn("eu-west-1")), EASTERN, `east ${ownArn("us-east-1", arn("eu-west-1"))}`],
  [ownArn("us-east-1", ownArn("eu-west-1", "haiku")), NAMES, "model_not_found"],
  ["arn:aws:bedrock:us-east-1::foundation-model/haiku", NAMES, "east anthropic.haiku-v1:0"],
  ["arn:aws:bedrock:eu-west-1::foundation-model/haiku", NAMES, "model_not_found"],
  [
    "arn:aws:bedrock:us-east-1::foundation-model/x",
    EASTERN,
    "east arn:aws:bedrock:us-east-1::foundation-model/x",
  ],
];

for (const [id, who, expected] of NATIVE_CASES) {
  Deno.test(`native id "${id}" of caller ${who.name} comes to ${expected}`, () => {
    equal(outcome(() => resolveNative(placeOf(id), who, CONFIG)), expected);
  });
}

Deno.test("a plan has the name that the caller used, and the model", () => {
  const plan = resolveModel("haiku", NAMES, CONFIG);
  deepEqual(plan, {
    name: "haiku",
    routing: DIRECT,
    passedOver: [],
    targets: [{
      provider: EAST,
      modelId: "anthropic.haiku-v1:0",
      settings: CONFIG.models.get("haiku")?.targets[0],
    }],
  });
  equal(resolveNative(placeOf("amazon.nova"), BOTH, CONFIG).targets[0].settings, undefined);
});

Deno.test("an unknown model and a forbidden one get the same error", () => {
  const messageOf = (name: string) => {
    let message = "";
    throws(() => resolveModel(name, NAMES, CONFIG), (error: AditError) => {
      equal(error.kind, "model_not_found");
      message = error.message.replace(JSON.stringify(name), "NAME");
      return true;
    });
    return message;
  };
  equal(messageOf("opus"), messageOf("nothing"));
  equal(messageOf("constructor"), messageOf("nothing"));
});

Deno.test("a very long name is truncated in the error", () => {
  throws(
    () => resolveModel("x".repeat(100_000), NAMES, CONFIG),
    (error: AditError) => error.message.length < 300,
  );
});

const EAST_ARN = arn("us-east-1");
const REGIONS: readonly (readonly [
  place: readonly [id: string, path?: string | undefined, signature?: string],
  region: string,
  because: string,
])[] = [
  [["amazon.nova"], "eu-west-1", "caller's default"],
  [["amazon.nova", undefined, "us-east-1"], "us-east-1", "signature"],
  [["amazon.nova", "us-west-2", "us-east-1"], "us-west-2", "path"],
  [[EAST_ARN, "us-west-2", "eu-west-1"], "us-east-1", "ARN"],
  [["arn:aws:bedrock", "us-west-2"], "", "ARN"],
];

for (const [[id, pathRegion, signatureRegion], region, because] of REGIONS) {
  Deno.test(`"${id}" in ${pathRegion}, signed for ${signatureRegion}, is for ${region} because of its ${because}`, () => {
    const access = native(["eu-west-1", "us-east-1"]);
    ok(access !== undefined);
    deepEqual(chooseRegion({ id, pathRegion, signatureRegion }, access), { region, because });
  });
}

Deno.test("a caller of one region reaches no other by ARN, path or signature, with or without a model", () => {
  const west = "eu-west-1";
  const places: readonly NativePlace[] = [
    { id: arn(west), pathRegion: undefined, signatureRegion: undefined },
    { id: arn(west), pathRegion: "us-east-1", signatureRegion: "us-east-1" },
    { id: "amazon.nova", pathRegion: west, signatureRegion: undefined },
    { id: "amazon.nova", pathRegion: west, signatureRegion: "us-east-1" },
    { id: "amazon.nova", pathRegion: undefined, signatureRegion: west },
  ];
  for (const place of places) {
    equal(outcome(() => resolveNative(place, EASTERN, CONFIG)), "model_not_found");
    equal(outcome(() => resolveRegion(place, EASTERN, CONFIG)), "model_not_found");
    notEqual(outcome(() => resolveNative(place, BOTH, CONFIG)), "model_not_found");
  }
});

Deno.test("a native request without a model needs access to the region, and goes to its provider", () => {
  equal(outcome(() => resolveRegion(placeOf("abc123"), BOTH, CONFIG)), "west ");
  equal(outcome(() => resolveRegion(placeOf("abc123"), EASTERN, CONFIG)), "east ");
  equal(outcome(() => resolveRegion(placeOf("abc123"), NAMES, CONFIG)), "model_not_found");
  equal(outcome(() => resolveRegion(placeOf("abc123"), ELSEWHERE, CONFIG)), "model_not_found");
});
