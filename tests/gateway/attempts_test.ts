/** Which of several attempts becomes the caller's answer. */

import { deepEqual, equal } from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import { attemptInOrder } from "../../lib/gateway/attempts.ts";
import type { Attempt } from "../../lib/gateway/endpoint.ts";
import { jsonAnswer } from "../../lib/gateway/outcome.ts";
import type { Target } from "../../lib/snapshot/plan.ts";
import { DIRECT } from "../../lib/snapshot/plan.ts";
import { provider } from "../fakes/snapshot.ts";
import { attemptTools, startCall } from "../fakes/call.ts";

const ROUTING = { ...DIRECT, retry: { ...DIRECT.retry, attempts: 2 } };

/** A call and the tools of its attempts, which try the targets in the order of the plan. */
function started() {
  const { call, clock, timers } = startCall();
  return [call, attemptTools({ clock, timers })] as const;
}

const target = (modelId: string): Target => ({
  provider: provider("east", "us-east-1"),
  modelId,
  settings: undefined,
});
const answered: Attempt = { answered: jsonAnswer("an answer") };
const throttled: Attempt = { refused: new AditError("rate_limited"), ignored: ["seed"] };
const invalid: Attempt = { refused: new AditError("invalid_request"), ignored: [] };
const nativeRefusal: Attempt = { ...throttled, answer: jsonAnswer("the upstream's own words") };
const thrown = new AditError("upstream_unreachable");

const CASES: readonly (readonly [name: string, outcomes: readonly (Attempt | Error)[], tried: number])[] = [
  ["the first target's answer is the answer", [answered, throttled], 1],
  ["a throttled target is followed by the next", [throttled, answered], 2],
  ["a refusal in the upstream's own words is a refusal", [nativeRefusal, answered], 2],
  ["an attempt that throws is a refusal", [thrown, answered], 2],
  ["what every target would refuse is refused at once", [invalid, answered], 1],
  ["the last refusal is the caller's", [thrown, nativeRefusal], 2],
];

for (const [name, outcomes, tried] of CASES) {
  Deno.test(name, async () => {
    const asked: string[] = [];
    const attempt = await attemptInOrder({
      plan: { name: "m", targets: [target("0"), target("1")], routing: ROUTING, passedOver: [] },
      attempt({ modelId }) {
        asked.push(modelId);
        const outcome = outcomes[Number(modelId)];
        return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome ?? answered);
      },
    }, ...started());
    deepEqual(asked, ["0", "1"].slice(0, tried));
    equal(attempt, outcomes[tried - 1]);
  });
}

Deno.test("a bug in an attempt is an internal error, and no other target is tried", async () => {
  const asked: string[] = [];
  const { refused } = await attemptInOrder({
    plan: { name: "m", targets: [target("0"), target("1")], routing: ROUTING, passedOver: [] },
    attempt({ modelId }) {
      asked.push(modelId);
      throw new TypeError("a bug");
    },
  }, ...started());
  deepEqual([refused?.kind, asked], ["internal", ["0"]]);
});
