/** From names and ids to targets; who may not have one learns nothing. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import type { Caller } from "../../lib/config/snapshot.ts";
import { resolveModel, resolveNative } from "../../lib/routing/resolve.ts";
import { caller, model, native, provider, snapshot } from "../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const WEST = provider("west", "eu-west-1");
const CONFIG = snapshot({ models: [model("haiku", EAST), model("opus", WEST), model("a/b:c", EAST)] });

const NAMES = caller("names", { models: new Set(["haiku", "a/b:c"]) });
const BOTH = caller("both", { models: new Set(["haiku"]), native: native(["eu-west-1", "us-east-1"]) });
const EASTERN = caller("eastern", { native: native(["us-east-1"], ["amazon.*", "arn:aws:bedrock:*"]) });
const ELSEWHERE = caller("elsewhere", { native: native(["ap-south-1"]) });

const arn = (region: string) => `arn:aws:bedrock:${region}:123456789012:inference-profile/us.amazon.nova`;

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
  // A configured name that is not this caller's is an id like any other to it.
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
  ["", BOTH, "model_not_found"],
  [".", BOTH, "model_not_found"],
  ["..", BOTH, "model_not_found"],
];

for (const [id, who, expected] of NATIVE_CASES) {
  Deno.test(`native id "${id}" of caller ${who.name} comes to ${expected}`, () => {
    equal(outcome(() => resolveNative(id, who, CONFIG)), expected);
  });
}

Deno.test("a plan keeps the caller's own name for the model, and the model", () => {
  const plan = resolveModel("haiku", NAMES, CONFIG);
  deepEqual(plan, {
    name: "haiku",
    targets: [{ provider: EAST, modelId: "anthropic.haiku-v1:0", model: CONFIG.models.get("haiku") }],
  });
  equal(resolveNative("amazon.nova", BOTH, CONFIG).targets[0].model, undefined);
});

Deno.test("a name that does not exist and one that is not allowed fail in the same words", () => {
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

Deno.test("an absurdly long name is cut short in the error", () => {
  throws(
    () => resolveModel("x".repeat(100_000), NAMES, CONFIG),
    (error: AditError) => error.message.length < 300,
  );
});
