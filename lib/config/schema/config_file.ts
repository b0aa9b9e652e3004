/**
 * Every configuration key with its type, limits, default and description. Validation, the JSON Schema and the texts
 * of the error messages are all derived from here.
 */

import { z } from "zod";

import { LOG_LEVELS } from "../../base/log/log.ts";
import {
  about,
  duration,
  either,
  flag,
  integer,
  list,
  listenAddress,
  mapping,
  named,
  parsed,
  percentage,
  secretText,
  size,
  socketAddress,
  text,
} from "./fields.ts";
import { callerLimits, quota, rateLimit } from "./limit_keys.ts";
import { REGION } from "./regions.ts";
import { geography, model } from "./model_keys.ts";
import { budget, callerBudget } from "./budget_keys.ts";
import { prices } from "./price_keys.ts";
import { state } from "./state_keys.ts";
import { EXPIRY, INCLUDE, KEY_HASH, parseEndpoint, parseExpiry, parseNetwork, parseProxy } from "./values.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Names of providers and callers: they appear in log lines and metric labels. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Names of models, which clients send as `model`; `vendor/name`, `name:tag` and `name@date` are allowed. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@\/-]{0,127}$/;
export const ROUTE_PATH = /^(?:\/[A-Za-z0-9._~-]+){1,8}$/;

function region(): z.ZodString {
  return text({
    expected: "an AWS region such as us-east-1",
    pattern: REGION,
    hint: "for an availability zone remove the last letter; instead of fips-REGION set fips: true",
  });
}

const PEM_FILE = { expected: "the path of a PEM file, or the PEM itself", maxLength: 256 * KIB };

const tls = () =>
  mapping({
    certificate: text({ ...PEM_FILE, sensitive: "unless right" }).describe(
      "Certificate chain, starting with the server's certificate: path of a PEM file, or the PEM itself.",
    ),
    key: text({ ...PEM_FILE, sensitive: true }).describe(
      "Private key of the certificate: path of a PEM file, or the PEM itself.",
    ),
  });

const cors = mapping({
  origins: list(
    text({
      expected: 'an origin such as https://app.example.com, without a path, or "*"',
      pattern: /^(?:\*|https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?|https?:\/\/\[[0-9A-Fa-f:]+\](?::\d{1,5})?)$/,
    }),
    { min: 1, max: 256 },
  ).describe('Origins such as https://app.example.com; "*" allows all.'),
});

const proxyNetwork = parsed({
  expected: "an IP address, or a network such as 10.0.0.0/8",
  maxLength: 49,
  parse: parseNetwork,
});

const limits = mapping({
  body: size({ min: KIB, max: 256 * MIB }).prefault("25MiB")
    .describe("Maximum size of a request body; larger ones get 413."),
  headers: size({ min: KIB, max: 16 * KIB }).prefault("16KiB")
    .describe("Maximum size of the request headers; larger ones get 431."),
  json_depth: integer({ min: 8, max: 1000 }).prefault(128)
    .describe("Maximum nesting depth of a JSON body; deeper ones get 400."),
  json_values: integer({ min: 1000, max: 10_000_000 }).prefault(200_000)
    .describe("Maximum number of members and elements in a JSON body; more get 400."),
  concurrent: integer({ min: 1, max: 60_000 }).prefault(2048)
    .describe("Maximum number of in-flight requests; more get 503."),
  fetch_images: flag().prefault(false)
    .describe(
      "Fetch images that Chat and Messages requests refer to by https URL, from public addresses only.",
    ),
});

const timeouts = mapping({
  connect: duration({ min: 10, max: MINUTE }).prefault("5s")
    .describe("Maximum time to connect to Bedrock."),
  first_byte: duration({ min: 10, max: HOUR }).prefault("120s")
    .describe("Maximum time from the request to the first byte of Bedrock's response."),
  idle: duration({ min: 10, max: HOUR }).prefault("120s")
    .describe("Maximum time without data from Bedrock within a response, or from a client within a request."),
  total: duration({ min: 10, max: 24 * HOUR }).prefault("15m")
    .describe("Maximum time for a whole request."),
  drain: duration({ min: 0, max: HOUR }).prefault("30s")
    .describe("How long in-flight requests may take to finish at shutdown; 0s aborts them immediately."),
  drain_delay: duration({ min: 0, max: 5 * MINUTE }).prefault("0s")
    .describe("How long requests are still accepted at shutdown, while `/-/ready` already says no."),
  keepalive: duration({ min: 0, max: 5 * MINUTE }).prefault("15s")
    .describe("Time without data after which a streaming client is sent a ping; 0s disables pings."),
});

const log = mapping({
  level: z.enum(LOG_LEVELS).prefault("info").describe("Minimum level to log."),
  requests: flag().prefault(true)
    .describe("Log one line per request; prompts and responses are never logged."),
});

const role = mapping({
  arn: text({ expected: "the ARN of an IAM role", pattern: /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@\/-]+$/ })
    .describe("ARN of the IAM role."),
  session_name: text({
    expected: "2 to 64 letters, digits and _ + = , . @ -, with {caller} and {team}",
    pattern: /^(?:[\w+=,.@-]|\{caller\}|\{team\}){1,64}$/,
  }).prefault("adit").describe(
    "Session name, shown in CloudTrail; {caller} and {team} are replaced by names, with a session for each.",
  ),
  external_id: text({
    expected: "2 to 1224 letters, digits and _ + = , . @ : / -",
    pattern: /^[\w+=,.@:\/-]{2,1224}$/,
    sensitive: true,
  }).optional().describe("External id required by the role's trust policy."),
  tags: z.record(
    z.string().min(1).max(128),
    z.string().max(256).register(about, { expected: "a string of at most 256 characters" }),
  ).register(about, { expected: "a mapping of strings" }).prefault({}).describe(
    "Session tags, at most 50; {caller} and {team} in values are replaced by names, with a session for each.",
  ),
  duration: duration({ min: 15 * MINUTE, max: 12 * HOUR }).prefault("1h")
    .describe("Duration of a session; it is renewed before it expires."),
});

const credentials = mapping({
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
      "Callers sign requests for AWS themselves, and their signatures are passed through; excludes the other keys.",
    ),
}, {
  expected: "a mapping with access_key_id and secret_access_key, profile, json, role, api_key or caller",
  sensitive: true,
});

const quotas = list(quota, { min: 1, max: 256 }).optional()
  .describe("What the account may use, by model id; a target that is short is tried after the others.");

const bedrock = mapping({
  type: z.literal("bedrock").describe(
    "Kind of provider: Amazon Bedrock, or the built-in emulator.",
  ),
  region: region().describe("AWS region that requests are sent to and signed for."),
  credentials: credentials.optional()
    .describe("Credentials for the provider; default: AWS's default credential chain."),
  endpoint: parsed({
    expected: "an http or https URL without user info, query or fragment",
    parse: parseEndpoint,
    sensitive: "unless right",
  }).optional().describe("URL to use instead of the AWS endpoint, such as a VPC endpoint."),
  quota: quotas,
  mantle_endpoint: parsed({
    expected: "an http or https URL without user info, query or fragment",
    parse: parseEndpoint,
    sensitive: "unless right",
  }).optional().describe(
    "URL to use instead of the AWS endpoint bedrock-mantle, which has OpenAI's and Anthropic's APIs.",
  ),
  proxy: parsed({
    expected: "an http or https URL of a proxy, such as http://proxy.example:3128, without a path",
    parse: parseProxy,
    sensitive: true,
  }).optional().describe(
    "Forward proxy for everything that is sent for this provider; may contain a user name and a password.",
  ),
  ca: text({ ...PEM_FILE, sensitive: "unless right" }).optional().describe(
    "Certificate authorities to trust in addition to the usual ones: path of a PEM file, or the PEM itself.",
  ),
  fips: flag().prefault(false).describe("Use the FIPS endpoint; excludes endpoint."),
  dualstack: flag().prefault(false).describe(
    "Use the dual-stack (IPv4 and IPv6) endpoint; excludes endpoint.",
  ),
});

const emulator = mapping({
  type: z.literal("emulator"),
  region: region().prefault("us-east-1").describe("Region that the emulator pretends to be in."),
  quota: quotas,
});

const provider = z.discriminatedUnion("type", [bedrock, emulator]).register(about, { expected: "a mapping" });

const dataFile = () => text({ expected: "the path of a YAML file" }).optional();

const data = mapping({
  models: dataFile().describe(
    "Additional rows for the model table, in the format of config/data/models.yaml; they override built-in rows.",
  ),
  beta_flags: dataFile().describe(
    "Additional Anthropic beta flags, in the format of config/data/beta-flags.yaml; they override " +
      "built-in flags.",
  ),
});

const route = mapping({
  model: text({ expected: "the name of a model" }).describe("Model for requests that do not name one."),
});

const GLOB_HINT = "* is the only wildcard";

const modelGlob = text({
  expected: "the name of a model, or a glob such as nova-*",
  pattern: /^[A-Za-z0-9._:@\/*-]+$/,
  maxLength: 128,
  hint: GLOB_HINT,
});
const idGlob = text({
  expected: "a model id, or a glob such as anthropic.*",
  pattern: /^[A-Za-z0-9._:\/*-]+$/,
  maxLength: 2048,
  hint: GLOB_HINT,
});
const bucketGlob = text({
  expected: "the name of an S3 bucket, or a glob such as media-*",
  pattern: /^[a-z0-9.*-]{1,63}$/,
  hint: GLOB_HINT,
});
const nativeRegions = list(region(), { min: 1, max: 64 });

const native = either("a list of regions, or a mapping with regions and ids", [
  nativeRegions,
  mapping({
    regions: nativeRegions.describe("Regions that the caller may use; each needs a provider."),
    ids: list(idGlob, { min: 1, max: 256 }).prefault(["*"])
      .describe("Globs over the model ids that the caller may use."),
  }),
]);

const callerAws = mapping({
  access_key_id: secretText("an access key id of 16 to 128 letters and digits", /^\w{16,128}$/)
    .describe("Chosen by you, for this caller only."),
  secret_access_key: secretText("a secret of at least 32 characters", /^[\x21-\x7e]{32,}$/)
    .describe("Chosen by you; long and random."),
}, { sensitive: true });

const expiry = () =>
  parsed({
    expected: "a date such as 2027-06-30, or a time such as 2027-06-30T12:00:00Z",
    pattern: EXPIRY,
    parse: parseExpiry,
  });

const keyHash = text({
  expected: 'the hash of a key: "sha256:" and 64 hexadecimal digits',
  pattern: KEY_HASH,
  sensitive: "unless right",
  hint: 'run "adit keygen" and paste the line it prints; only the caller gets the key itself',
});

const callerKey = either("the hash of a key, or a mapping with hash and expires", [
  keyHash,
  mapping({
    hash: keyHash.describe("SHA-256 of the key, as printed by `adit keygen`."),
    expires: expiry().optional()
      .describe("Last day (UTC) on which this key is valid, or the time at which it expires."),
  }, { sensitive: true }),
]).register(about, {
  expected: "the hash of a key, or a mapping with hash and expires",
  sensitive: "unless right",
});

const callerKeys = either("the hash of a key, or a list of 1 to 8 hashes", [
  keyHash,
  list(callerKey, { min: 1, max: 8 }),
]).register(about, {
  expected: 'the hash of a key: "sha256:" and 64 hexadecimal digits',
  sensitive: "unless right",
  hint: 'run "adit keygen" and paste the line it prints; only the caller gets the key itself',
});

const TEAM_EXPECTED = "letters, digits and . _ - (at most 64), beginning with a letter or a digit";

const caller = mapping({
  key: callerKeys.optional().describe(
    "SHA-256 of the caller's key, as printed by `adit keygen`; a list during key rotation.",
  ),
  models: list(modelGlob, { min: 0, max: 1000 }).prefault([])
    .describe("Names of models, or globs over them, that the caller may use."),
  native: native.optional()
    .describe(
      "Permission to call Bedrock's native API with model ids: a list of regions, or a mapping with regions and ids.",
    ),
  team: text({ expected: TEAM_EXPECTED, pattern: NAME }).optional()
    .describe("Team of the caller, for limits and reports."),
  tags: z.record(
    z.string().regex(NAME),
    text({ expected: "a value of 1 to 128 printable characters", pattern: /^[\x20-\x7e]{1,128}$/ }),
  ).register(about, { expected: "a mapping of at most 3 strings" })
    .refine((tags) => Object.keys(tags).length <= 3)
    .prefault({}).describe(
      'Up to three names with values, for limits and reports, such as cost-center: "4711".',
    ),
  limits: callerLimits.optional().describe("Rate limits of this caller alone."),
  budget: callerBudget.optional().describe("Budget of this caller alone; needs state."),
  aws: callerAws.optional().describe("Key pair with which the caller's AWS SDK signs requests to Adit."),
  s3: list(bucketGlob, { min: 1, max: 64 }).optional()
    .describe(
      "S3 buckets, or globs over them, that the caller's native requests may refer to; Bedrock reads and writes them " +
        "with the provider's credentials. Default: none.",
    ),
  expires: expiry().optional().describe(
    "Last day (UTC) on which the key is valid, or the time at which it expires.",
  ),
  data_residency: list(geography, { min: 1, max: 16 }).optional().describe(
    "Geographies that the caller's requests must stay in, such as eu; targets that may leave them are not used.",
  ),
  disabled: flag().prefault(false).describe("Refuse the caller without deleting it."),
});

const operatorKey = () =>
  text({
    expected: 'the hash of a key: "sha256:" and 64 hexadecimal digits',
    pattern: KEY_HASH,
    sensitive: "unless right",
    hint: 'run "adit keygen" and paste the hash it prints',
  });

const adminApi = mapping({
  key: operatorKey().describe(
    "SHA-256 of the key that requests must send, as printed by `adit keygen`.",
  ),
});

const includePath = text({
  expected: "a path such as conf.d/*.yaml, with * in its last part only",
  pattern: INCLUDE,
});

const traces = mapping({
  endpoint: parsed({
    expected: "an http or https URL without user info, query or fragment",
    parse: parseEndpoint,
    sensitive: "unless right",
  }).describe("URL of a collector for OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces."),
  headers: z.record(
    z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
    secretText("the value of a header", /^[\x20-\x7e]+$/),
  )
    .register(about, { expected: "a mapping of header names to values", sensitive: true }).prefault({})
    .describe("Headers to send to the collector, such as a token."),
  share: percentage({ min: 0, max: 100 }).prefault("100%").describe(
    "Share of requests without a trace of the caller's that are traced; failures always are.",
  ),
});

/** The schema of the whole file. */
export const Config = mapping({
  include: either("a path such as conf.d/*.yaml, or a list of 1 to 16 of them", [
    includePath,
    list(includePath, { min: 1, max: 16 }),
  ]).optional()
    .describe(
      "Files to include: a path, a pattern such as conf.d/*.yaml, or a list of them.",
    ),
  listen: either(
    'an address with a port, such as 127.0.0.1:8080 or "[::]:8080" (quoted), or a list of them',
    [
      listenAddress(),
      list(listenAddress(), { min: 1, max: 16 }),
    ],
  ).prefault("127.0.0.1:8080")
    .describe("Address and port for callers, or a list of them; port 0 selects a free port."),
  admin: either("an address with a port, such as 127.0.0.1:9090, or unix:/path/of/a/socket, or off", [
    listenAddress(),
    socketAddress(),
    z.literal("off"),
  ])
    .prefault("127.0.0.1:9090")
    .describe(
      "Address and port, or unix: and a path, for health, metrics, status and reload; off disables it.",
    ),
  admin_tls: tls().optional().describe("Certificate for the admin address; default: plain HTTP."),
  admin_api: adminApi.optional()
    .describe(
      "Allows providers, models and callers to be changed through the admin address; default: off.",
    ),
  metrics_key: operatorKey().optional().describe(
    "SHA-256 of a key that only reads /metrics; for an admin address that other hosts can reach.",
  ),
  tls: tls().optional().describe("Certificate for the listen addresses; default: plain HTTP."),
  cors: cors.optional()
    .describe("Web pages of other origins that may send requests and read the answers; default: none."),
  trusted_proxies: list(proxyNetwork, { min: 0, max: 64 }).prefault([])
    .describe(
      "Addresses and networks of proxies whose X-Forwarded-For and Forwarded headers name the client.",
    ),
  threads: either("auto, or a number from 1 to 16", [
    z.literal("auto"),
    integer({ min: 1, max: 16 }),
  ]).prefault("auto")
    .describe("Threads that serve requests; auto is one for each processor core, up to 8, on Linux."),
  limits: limits.prefault({}).describe("Limits on requests."),
  timeouts: timeouts.prefault({}).describe("Timeouts of each step of a request."),
  log: log.prefault({}).describe("Logging."),
  response_headers: mapping({
    target: flag().prefault(true)
      .describe("Name the target that answered, and those that were tried, for models with several targets."),
    cost: flag().prefault(true)
      .describe("Name the cost in US dollars, in responses that are not streamed and have a known price."),
  }).prefault({}).describe("What responses say about how they were made."),
  traces: traces.optional().describe("Where to send a trace of each request; default: nowhere."),
  providers: named(NAME, provider).prefault({}).describe(
    "Providers of models, by name; at least one is required.",
  ),
  data: data.prefault({}).describe("Files that extend or override the built-in tables."),
  prices: prices.prefault({}).describe("What models cost."),
  state: state.optional().describe("Usage ledger on disk; default: nothing is written to disk."),
  models: named(MODEL_NAME, model).prefault({}).describe("Models, by the name that callers send."),
  routes: named(ROUTE_PATH, route).prefault({})
    .describe("Additional base paths for OpenAI Chat with a default model."),
  callers: named(NAME, caller).prefault({}).describe("Clients and what they may use, by name."),
  rate_limits: named(NAME, rateLimit).prefault({})
    .describe("Rules that limit how much callers may use, by name."),
  budgets: named(NAME, budget).prefault({})
    .describe("Budgets of money, tokens or requests, by name; they need state."),
}, { expected: "keys with values, such as listen: 127.0.0.1:8080" });

/** The file's content, checked and parsed, with names not yet resolved. */
export type Config = z.output<typeof Config>;
export type ProviderConfig = Config["providers"][string];
export type ModelConfig = Config["models"][string];
export type CallerConfig = Config["callers"][string];
