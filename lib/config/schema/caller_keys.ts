/** The keys of callers. */

import { z } from "zod";

import { callerBudget } from "./budget_keys.ts";
import {
  type About,
  about,
  either,
  flag,
  list,
  mapping,
  parsed,
  region,
  secretText,
  text,
} from "./fields.ts";
import { callerLimits } from "./limit_keys.ts";
import { geography } from "./model_keys.ts";
import { EXPIRY, KEY_HASH, NAME, parseExpiry } from "./values.ts";

const GLOB_HINT = "* is the only wildcard";

const modelGlob = () =>
  text({
    expected: "the name of a model, or a glob such as nova-*",
    pattern: /^[A-Za-z0-9._:@\/*-]+$/,
    maxLength: 128,
    hint: GLOB_HINT,
  });
const idGlob = () =>
  text({
    expected: "a model id, or a glob such as anthropic.*",
    pattern: /^[A-Za-z0-9._:\/*-]+$/,
    maxLength: 2048,
    hint: GLOB_HINT,
  });
const bucketGlob = () =>
  text({
    expected: "the name of an S3 bucket, or a glob such as media-*",
    pattern: /^[a-z0-9.*-]{1,63}$/,
    hint: GLOB_HINT,
  });
const nativeRegions = () => list(region(), { min: 1, max: 64 });

const native = () =>
  either("a list of regions, or a mapping with regions and ids", [
    nativeRegions(),
    mapping(() => ({
      regions: nativeRegions().describe("Regions that the caller may use; each needs a provider."),
      ids: list(idGlob(), { min: 1, max: 256 }).prefault(["*"])
        .describe("Globs over the model ids that the caller may use."),
    })),
  ]);

const callerAws = mapping(() => ({
  access_key_id: secretText("an access key id of 16 to 128 letters and digits", /^\w{16,128}$/)
    .describe("Access key id that you choose; each caller needs a different one."),
  secret_access_key: secretText("a secret of at least 32 characters", /^[\x21-\x7e]{32,}$/)
    .describe("Secret access key that you choose; it should be long and random."),
}), { sensitive: true });

const expiry = () =>
  parsed({
    expected: "a date such as 2027-06-30, or a time such as 2027-06-30T12:00:00Z",
    pattern: EXPIRY,
    parse: parseExpiry,
  });

const KEY: About = {
  expected: 'the hash of a key: "sha256:" and 64 hexadecimal digits',
  sensitive: "unless right",
  hint: 'run "adit keygen" and paste the line it prints; only the caller gets the key itself',
};

const keyHash = () => text({ ...KEY, pattern: KEY_HASH });

const callerKey = () =>
  z.union([
    keyHash(),
    mapping(() => ({
      hash: keyHash().describe("SHA-256 of the key, as printed by `adit keygen`."),
      expires: expiry().optional()
        .describe("Last day (UTC) on which this key works, or the time at which it stops working."),
    }), { sensitive: true }),
  ]).register(about, {
    expected: "the hash of a key, or a mapping with hash and expires",
    sensitive: "unless right",
  });

const callerKeys = () => z.union([keyHash(), list(callerKey(), { min: 1, max: 8 })]).register(about, KEY);

const TEAM_EXPECTED = "letters, digits and . _ - (at most 64), beginning with a letter or a digit";

/** A client and what it may use. */
export const caller = mapping(() => ({
  key: callerKeys().optional().describe(
    "SHA-256 of the caller's key, as printed by `adit keygen`; a list during key rotation.",
  ),
  models: list(modelGlob(), { min: 0, max: 1000 }).prefault([])
    .describe("Names of models, or globs over them, that the caller may use."),
  native: native().optional()
    .describe(
      "Permission to call Bedrock's native API with model ids: a list of regions, or a mapping with regions and ids.",
    ),
  team: text({ expected: TEAM_EXPECTED, pattern: NAME }).optional()
    .describe("Team that the caller belongs to, for limits, budgets and reports."),
  tags: z.record(
    z.string().regex(NAME).register(about, { expected: "letters, digits and . _ - (at most 64)" }),
    text({ expected: "a value of 1 to 128 printable characters", pattern: /^[\x20-\x7e]{1,128}$/ }),
  ).register(about, { expected: "a mapping of at most 3 strings" })
    .refine((tags) => Object.keys(tags).length <= 3)
    .prefault({}).describe(
      'Up to three names with values, such as cost-center: "4711", by which limits, budgets and reports select callers.',
    ),
  limits: callerLimits.optional().describe("Limits for this caller alone."),
  budget: callerBudget.optional().describe("Budget for this caller alone; needs state."),
  aws: callerAws.optional().describe(
    "Key pair made up for Adit, with which the caller's AWS SDK signs requests to Adit.",
  ),
  s3: list(bucketGlob(), { min: 1, max: 64 }).optional()
    .describe(
      "S3 buckets, or globs over them, that the caller's requests may refer to; Bedrock reads and writes them " +
        "with the provider's credentials. Default: none.",
    ),
  expires: expiry().optional().describe(
    "Last day (UTC) on which the caller's key works, or the time at which it stops working.",
  ),
  data_residency: list(geography(), { min: 1, max: 16 }).optional().describe(
    "Geographies, such as eu, or regions that the caller's requests must stay in; targets that may leave them are not used.",
  ),
  disabled: flag().prefault(false).describe("Whether to refuse the caller without deleting it."),
}));
