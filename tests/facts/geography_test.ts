/** Whether a model id may be served outside a geography. */

import { equal } from "node:assert/strict";
import { leavesResidency } from "../../lib/facts/geography.ts";

const PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-6";
const APPLICATION = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc";

const CASES: readonly (readonly [id: string, region: string, allowed: string, stays: boolean])[] = [
  ["eu.anthropic.claude-sonnet-4-6", "eu-central-1", "eu", true],
  ["us.anthropic.claude-sonnet-4-6", "us-east-1", "eu", false],
  ["global.anthropic.claude-sonnet-4-6", "eu-central-1", "eu", false],
  ["global.anthropic.claude-sonnet-4-6", "eu-central-1", "global", true],
  ["us-gov.anthropic.claude-sonnet-4-5", "us-gov-west-1", "us-gov", true],
  ["us-gov.anthropic.claude-sonnet-4-5", "us-gov-west-1", "us", false],
  ["jp.anthropic.claude-sonnet-4-6", "ap-northeast-1", "apac", false],
  ["amazon.nova-lite-v1:0", "eu-west-1", "eu", true],
  ["amazon.nova-lite-v1:0", "eu-west-1", "eu-west-1", true],
  ["amazon.nova-lite-v1:0", "eu-west-2", "eu-west-1", false],
  ["amazon.nova-lite-v1:0", "us-gov-west-1", "us", false],
  ["amazon.nova-lite-v1:0", "ap-northeast-1", "jp", true],
  // A profile chooses among all regions of its geography.
  ["eu.amazon.nova-lite-v1:0", "eu-west-1", "eu-west-1", false],
  [PROFILE, "eu-central-1", "eu", true],
  [PROFILE, "eu-central-1", "us", false],
  [APPLICATION, "eu-central-1", "eu", false],
];

for (const [id, region, allowed, stays] of CASES) {
  Deno.test(`${id} in ${region} ${stays ? "stays in" : "may leave"} ${allowed}`, () => {
    equal(leavesResidency([allowed], { id, region }) === undefined, stays);
  });
}
