/** The keys of providers. */

import { z } from "zod";

import {
  about,
  duration,
  either,
  flag,
  list,
  mapping,
  parsed,
  PEM_FILE,
  region,
  secretText,
  text,
} from "./fields.ts";
import { quota } from "./limit_keys.ts";
import { parseEndpoint, parseProxy } from "./values.ts";

const KIB = 1024;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const role = mapping(() => ({
  arn: text({ expected: "the ARN of an IAM role", pattern: /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@\/-]+$/ })
    .describe("ARN of the IAM role."),
  session_name: text({
    expected: "2 to 64 letters, digits and _ + = , . @ -, with {caller} and {team}",
    pattern: /^(?:[\w+=,.@-]|\{caller\}|\{team\}){1,64}$/,
  }).prefault("adit").describe(
    "Session name, which CloudTrail shows; {caller} and {team} are replaced by names, with a separate session for each.",
  ),
  external_id: text({
    expected: "2 to 1224 letters, digits and _ + = , . @ : / -",
    pattern: /^[\w+=,.@:\/-]{2,1224}$/,
    sensitive: true,
  }).optional().describe("External id, if the role's trust policy requires one."),
  tags: z.record(
    z.string().min(1).max(128).register(about, { expected: "a tag of 1 to 128 characters" }),
    z.string().max(256).register(about, { expected: "a string of at most 256 characters" }),
  ).register(about, { expected: "a mapping of strings" }).prefault({}).describe(
    "Session tags, at most 50; {caller} and {team} in values are replaced by names, with a separate session for each.",
  ),
  duration: duration({ min: 15 * MINUTE, max: 12 * HOUR }).prefault("1h")
    .describe("Duration of a session, which is renewed before it ends."),
}));

const credentials = mapping(() => ({
  access_key_id: secretText("an AWS access key id", /^\w{1,128}$/).optional()
    .describe("Access key id; requires secret_access_key."),
  secret_access_key: secretText("an AWS secret access key").optional()
    .describe("Secret access key; requires access_key_id."),
  session_token: secretText("an AWS session token").optional()
    .describe("Session token of temporary credentials."),
  profile: text({ expected: "the name of a profile", pattern: /^[\x20-\x7e]{1,256}$/ }).optional()
    .describe("Profile in the shared AWS config and credentials files."),
  json: either("a JSON object with accessKeyId and secretAccessKey", [
    z.string().min(1).max(16 * KIB),
    z.record(z.string(), z.unknown()),
  ]).register(about, {
    expected: "a JSON object with accessKeyId and secretAccessKey",
    sensitive: true,
  }).optional().describe("Key pair as a JSON object: accessKeyId, secretAccessKey, sessionToken, region."),
  role: role.optional().describe(
    "IAM role to assume, with the key pair or profile given here, or with the default credential chain.",
  ),
  api_key: secretText("a Bedrock API key").optional()
    .describe("Bedrock API key, sent as a bearer token; excludes the other keys."),
  caller: z.literal(true).optional()
    .describe(
      "Callers sign for AWS themselves, and Adit passes their signatures on; excludes the other keys.",
    ),
}), {
  expected: "a mapping with access_key_id and secret_access_key, profile, json, role, api_key or caller",
  sensitive: true,
});

const quotas = () =>
  list(quota, { min: 1, max: 256 }).optional()
    .describe(
      "Quotas of the AWS account, by model id; a target whose quota is used up is tried after the others.",
    );

const bedrock = mapping(() => ({
  type: z.literal("bedrock").describe(
    "Kind of provider: Amazon Bedrock, or the built-in emulator.",
  ),
  region: region().describe("AWS region that requests are sent to and signed for."),
  credentials: credentials.optional()
    .describe("Credentials that sign the requests; default: AWS's default credential chain."),
  endpoint: parsed({
    expected: "an http or https URL without user info, query or fragment",
    parse: parseEndpoint,
    sensitive: "unless right",
  }).optional().describe("URL to use instead of AWS's own endpoint, such as that of a VPC endpoint."),
  quota: quotas(),
  mantle_endpoint: parsed({
    expected: "an http or https URL without user info, query or fragment",
    parse: parseEndpoint,
    sensitive: "unless right",
  }).optional().describe(
    "URL to use instead of AWS's endpoint bedrock-mantle, which has OpenAI's and Anthropic's APIs.",
  ),
  proxy: parsed({
    expected: "an http or https URL of a proxy, such as http://proxy.example:3128, without a path",
    parse: parseProxy,
    sensitive: true,
  }).optional().describe(
    "Forward proxy for everything that is sent for this provider; the URL can contain a user name and a password.",
  ),
  ca: text({ ...PEM_FILE, sensitive: "unless right" }).optional().describe(
    "Certificate authorities to trust in addition to the usual ones: the path of a PEM file, or the PEM itself.",
  ),
  fips: flag().prefault(false).describe("Whether to use AWS's FIPS endpoint; excludes endpoint."),
  dualstack: flag().prefault(false).describe(
    "Whether to use AWS's dual-stack endpoint, for IPv4 and IPv6; excludes endpoint.",
  ),
}));

const emulator = mapping(() => ({
  type: z.literal("emulator"),
  region: region().prefault("us-east-1").describe("Region that the emulator pretends to be in."),
  quota: quotas(),
}));

/** A provider: Amazon Bedrock in one region, or the emulator. */
export const provider = z.discriminatedUnion("type", [bedrock, emulator]).register(about, {
  expected: "a mapping",
});
