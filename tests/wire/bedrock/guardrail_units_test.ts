/** The units that guardrails report, in every shape that Bedrock has for them. */

import { deepEqual, equal } from "node:assert/strict";
import type { JsonObject } from "../../../lib/base/json.ts";
import { guardrailUsage, mostUnits, withTracedUnits } from "../../../lib/wire/bedrock/guardrail_units.ts";
import { parseUsage } from "../../../lib/wire/bedrock/converse.ts";

const COUNTED = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** GuardrailUsage as Bedrock sends it, with zeros for what was not checked. */
function used(units: JsonObject): JsonObject {
  return {
    topicPolicyUnits: 0,
    contentPolicyUnits: 0,
    wordPolicyUnits: 0,
    sensitiveInformationPolicyUnits: 0,
    sensitiveInformationPolicyFreeUnits: 0,
    contextualGroundingPolicyUnits: 0,
    contentPolicyImageUnits: 0,
    ...units,
  };
}

const assessed = (units: JsonObject) => ({ invocationMetrics: { usage: used(units) } });

Deno.test("the units of a trace are those of the prompt and of every part of the response", () => {
  const trace = {
    guardrail: {
      inputAssessment: { gr1: assessed({ contentPolicyUnits: 2, topicPolicyUnits: 2 }) },
      outputAssessments: {
        gr1: [assessed({ contentPolicyUnits: 1 }), assessed({ contentPolicyUnits: 4, wordPolicyUnits: 4 })],
        gr2: [assessed({ sensitiveInformationPolicyFreeUnits: 1, contentPolicyImageUnits: 3 })],
      },
    },
  };
  const units = {
    content_policy: 7,
    topic_policy: 2,
    word_policy: 4,
    sensitive_information_policy_free: 1,
    content_policy_image: 3,
  };
  deepEqual(withTracedUnits(COUNTED, trace), { ...COUNTED, guardrail: units });
  deepEqual(parseUsage({ usage: { inputTokens: 1, outputTokens: 2 }, trace })?.guardrail, units);
});

Deno.test("ApplyGuardrail reports its units at the top", () => {
  const usage = used({
    sensitiveInformationPolicyUnits: 1,
    contextualGroundingPolicyUnits: 2,
    automatedReasoningPolicyUnits: 3,
    automatedReasoningPolicies: 2,
  });
  deepEqual(guardrailUsage({ usage })?.guardrail, {
    sensitive_information_policy: 1,
    contextual_grounding_policy: 2,
    automated_reasoning_policy: 3,
  });
});

Deno.test("units with an unknown name are not lost", () => {
  deepEqual(guardrailUsage({ usage: used({ futurePolicyUnits: 5 }) })?.guardrail, { other: 5 });
  const checks = { contentFilter: { textUnits: 2 }, promptAttack: { textUnits: 1 } };
  deepEqual(guardrailUsage({ usage: checks })?.guardrail, { other: 3 });
});

Deno.test("without a trace, without units and with broken ones the usage stays as it is", () => {
  for (const trace of [undefined, null, {}, { guardrail: null }, { guardrail: { inputAssessment: [1] } }]) {
    equal(withTracedUnits(COUNTED, trace), COUNTED);
  }
  const broken = { gr: assessed({ contentPolicyUnits: -1, topicPolicyUnits: "7", wordPolicyUnits: 1.5 }) };
  equal(withTracedUnits(COUNTED, { guardrail: { inputAssessment: broken } }), COUNTED);
  equal(withTracedUnits(undefined, { guardrail: {} }), undefined);
  equal(guardrailUsage({ usage: 7 }), undefined);
});

Deno.test("the reports of several chunks of a stream are not added up", () => {
  deepEqual(mostUnits({ content_policy: 2, word_policy: 1 }, { content_policy: 1, topic_policy: 3 }), {
    content_policy: 2,
    word_policy: 1,
    topic_policy: 3,
  });
});
