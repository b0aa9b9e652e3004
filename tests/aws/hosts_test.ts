import { equal } from "node:assert/strict";

import { bedrockControlEndpoint, bedrockEndpoint } from "../../lib/aws/hosts.ts";

const CASES = [
  ["us-east-1", {}, "https://bedrock-runtime.us-east-1.amazonaws.com"],
  ["us-east-1", { fips: true }, "https://bedrock-runtime-fips.us-east-1.amazonaws.com"],
  ["us-east-1", { dualstack: true }, "https://bedrock-runtime.us-east-1.api.aws"],
  ["us-west-2", { fips: true, dualstack: true }, "https://bedrock-runtime-fips.us-west-2.api.aws"],
  ["us-gov-west-1", {}, "https://bedrock-runtime.us-gov-west-1.amazonaws.com"],
  ["cn-north-1", {}, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"],
  ["cn-north-1", { dualstack: true }, "https://bedrock-runtime.cn-north-1.api.amazonwebservices.com.cn"],
  ["eusc-de-east-1", {}, "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu"],
  ["eusc-de-east-1", { dualstack: true }, "https://bedrock-runtime.eusc-de-east-1.api.amazonwebservices.eu"],
  ["us-iso-east-1", {}, "https://bedrock-runtime.us-iso-east-1.c2s.ic.gov"],
  ["us-isob-east-1", { fips: true }, "https://bedrock-runtime-fips.us-isob-east-1.sc2s.sgov.gov"],
  ["us-isof-south-1", {}, "https://bedrock-runtime.us-isof-south-1.csp.hci.ic.gov"],
  ["eu-isoe-west-1", { dualstack: true }, "https://bedrock-runtime.eu-isoe-west-1.api.cloud-aws.adc-e.uk"],
  ["xx-future-9", {}, "https://bedrock-runtime.xx-future-9.amazonaws.com"],
] as const;

for (const [region, options, expected] of CASES) {
  Deno.test(`endpoint of ${region} with ${JSON.stringify(options)} is ${expected}`, () => {
    equal(bedrockEndpoint(region, options), expected);
  });
}

const CONTROL_PLANES = [
  ["us-east-1", {}, "https://bedrock.us-east-1.amazonaws.com"],
  ["us-gov-west-1", { fips: true }, "https://bedrock-fips.us-gov-west-1.amazonaws.com"],
  ["eu-west-1", { dualstack: true }, "https://bedrock.eu-west-1.api.aws"],
] as const;

for (const [region, options, expected] of CONTROL_PLANES) {
  Deno.test(`control plane of ${region} with ${JSON.stringify(options)} is ${expected}`, () => {
    equal(bedrockControlEndpoint(region, options), expected);
  });
}
