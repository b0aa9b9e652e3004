/**
 * Every key of the configuration with its type, bounds, default and description. The checks, the JSON Schema and the
 * words of the error messages all come from here.
 */

import { z } from "zod";

import { LOG_LEVELS } from "../../base/log.ts";
import {
  about,
  decimal,
  duration,
  either,
  flag,
  integer,
  list,
  listenAddress,
  mapping,
  named,
  parsed,
  secretText,
  size,
  socketAddress,
  text,
} from "./fields.ts";
import { REGION } from "./regions.ts";
import { GUARDRAIL_TRACES, LATENCIES, MODEL_APIS, SERVICE_TIERS } from "../../snapshot/snapshot.ts";
import { traits } from "./trait_keys.ts";
import { EXPIRY, INCLUDE, KEY_HASH, parseEndpoint, parseExpiry } from "./values.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Names of providers and callers: they appear in log lines and metric labels. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Names of models: what clients send as `model`, so `vendor/name`, `name:tag` and `name@date` are names, too. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@\/-]{0,127}$/;
export const ROUTE_PATH = /^(?:\/[A-Za-z0-9._~-]+){1,8}$/;

function region(): z.ZodString {
  return text({
    expected: "an AWS region such as us-east-1",
    pattern: REGION,
    hint:
      "an availability zone is written without its last letter, fips-REGION as the region with fips: true",
  });
}

const PEM_FILE = { expected: "the path of a PEM file, or the PEM text itself", maxLength: 256 * KIB };

const tls = mapping({
  certificate: text({ ...PEM_FILE, sensitive: "unless right" }).describe(
    "Certificate chain, the server's own first: path of a PEM file, or the PEM text.",
  ),
  key: text({ ...PEM_FILE, sensitive: true }).describe(
    "Private key of the certificate: path of a PEM file, or the PEM text.",
  ),
});

const limits = mapping({
  body: size({ min: KIB, max: 256 * MIB }).prefault("25MiB")
    .describe("Largest request body; a larger one is answered 413."),
  headers: size({ min: KIB, max: 16 * KIB }).prefault("16KiB")
    .describe("Largest header block of a request; a larger one is answered 431."),
  json_depth: integer({ min: 8, max: 1000 }).prefault(128)
    .describe("Deepest nesting of a JSON body; a deeper one is answered 400."),
  concurrent: integer({ min: 1, max: 60_000 }).prefault(2048)
    .describe("Requests in hand at once; one more is answered 503."),
  fetch_images: flag().prefault(false)
    .describe(
      "Fetch the images that Chat and Messages requests point at with https URLs, from public addresses alone.",
    ),
});

const timeouts = mapping({
  connect: duration({ min: 10, max: MINUTE }).prefault("5s")
    .describe("For the connection to Bedrock."),
  first_byte: duration({ min: 10, max: HOUR }).prefault("120s")
    .describe("From the request to the first byte of Bedrock's answer."),
  idle: duration({ min: 10, max: HOUR }).prefault("120s")
    .describe("Longest silence of Bedrock within an answer, and of a client within a request."),
  total: duration({ min: 10, max: 24 * HOUR }).prefault("15m")
    .describe("For the whole of one request."),
  drain: duration({ min: 0, max: HOUR }).prefault("30s")
    .describe("How long requests in hand may take to finish at shutdown; 0s ends them at once."),
  keepalive: duration({ min: 0, max: 5 * MINUTE }).prefault("15s")
    .describe("Silence after which the client of a stream is sent a ping; 0s sends none."),
});

const log = mapping({
  level: z.enum(LOG_LEVELS).prefault("info").describe("Least severe level that is written."),
  requests: flag().prefault(true)
    .describe("One line for each request; prompts and answers are never in it."),
});

const role = mapping({
  arn: text({ expected: "the ARN of an IAM role", pattern: /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@\/-]+$/ })
    .describe("ARN of the IAM role."),
  session_name: text({
    expected: "2 to 64 letters, digits and _ + = , . @ -",
    pattern: /^[\w+=,.@-]{2,64}$/,
  }).prefault("adit").describe("Name of the session, as CloudTrail shows it."),
  external_id: text({
    expected: "2 to 1224 letters, digits and _ + = , . @ : / -",
    pattern: /^[\w+=,.@:\/-]{2,1224}$/,
    sensitive: true,
  }).optional().describe("External id that the role's trust policy asks for."),
  tags: z.record(
    z.string().min(1).max(128),
    z.string().max(256).register(about, { expected: "a text of at most 256 characters" }),
  ).register(about, { expected: "a mapping of texts" }).prefault({}).describe("Session tags."),
  duration: duration({ min: 15 * MINUTE, max: 12 * HOUR }).prefault("1h")
    .describe("How long each session lasts; it is renewed before."),
});

const credentials = mapping({
  access_key_id: secretText("an AWS access key id", /^\w{1,128}$/).optional()
    .describe("Access key id; goes with secret_access_key."),
  secret_access_key: secretText("an AWS secret access key").optional()
    .describe("Secret access key; goes with access_key_id."),
  session_token: secretText("an AWS session token").optional()
    .describe("Session token of temporary credentials."),
  profile: text({ expected: "the name of a profile", pattern: /^[\x20-\x7e]{1,256}$/ }).optional()
    .describe("Profile of the shared AWS files."),
  json: either("a JSON object with accessKeyId and secretAccessKey", [
    z.string().min(1).max(16 * KIB),
    z.record(z.string(), z.unknown()),
  ]).register(about, {
    expected: "a JSON object with accessKeyId and secretAccessKey",
    sensitive: true,
  }).optional().describe("Key pair as a JSON object: accessKeyId, secretAccessKey, sessionToken, region."),
  role: role.optional().describe(
    "IAM role to assume, with the key pair or profile beside it, or else with the default chain.",
  ),
  api_key: secretText("a Bedrock API key").optional()
    .describe("Bedrock API key, sent as a bearer token; alone, without the other keys."),
  caller: z.literal(true).optional()
    .describe(
      "Callers sign for AWS themselves, and their signatures are passed on; alone, without the other keys.",
    ),
}, {
  expected: "a mapping with access_key_id and secret_access_key, profile, json, role, api_key or caller",
  sensitive: true,
});

const bedrock = mapping({
  type: z.literal("bedrock").describe(
    "Which kind of provider: bedrock is Amazon Bedrock, emulator the built-in one.",
  ),
  region: region().describe("AWS region that requests are sent to and signed for."),
  credentials: credentials.optional()
    .describe("Who signs the requests; left out: whom AWS's default chain finds."),
  endpoint: parsed({
    expected: "an http or https URL without user, query or fragment",
    parse: parseEndpoint,
    sensitive: "unless right",
  }).optional().describe("URL in place of AWS's own host, such as that of a VPC endpoint."),
  fips: flag().prefault(false).describe("Use the FIPS endpoint; not together with endpoint."),
  dualstack: flag().prefault(false).describe("Use the IPv4 and IPv6 endpoint; not together with endpoint."),
});

const emulator = mapping({
  type: z.literal("emulator"),
  region: region().prefault("us-east-1").describe("Region that the emulator answers for."),
});

const provider = z.discriminatedUnion("type", [bedrock, emulator]).register(about, { expected: "a mapping" });

const stop = text({ expected: "a text", maxLength: 1000 });

const defaults = mapping({
  max_tokens: integer({ min: 1, max: 10_000_000 }).optional().describe("Longest answer in tokens."),
  temperature: decimal({ min: 0, max: 1 }).optional().describe("Randomness."),
  top_p: decimal({ min: 0, max: 1 }).optional().describe("Nucleus sampling."),
  stop: either("a text, or a list of 1 to 100 texts", [stop, list(stop, { min: 1, max: 100 })]).optional()
    .describe("Sequence, or list of sequences, that ends the answer."),
  service_tier: z.enum(SERVICE_TIERS).optional().describe("Bedrock's service tier."),
  latency: z.enum(LATENCIES).optional().describe("Latency of Bedrock's performanceConfig."),
  additional_model_request_fields: z.record(z.string(), z.json())
    .register(about, { expected: "a mapping of the model's own request fields" }).optional()
    .describe("Fields of the model's own, which Bedrock hands on to it; those of a request go over them."),
});

const guardrail = mapping({
  id: text({
    expected: "a guardrail id or ARN",
    pattern: /^(?:[a-z0-9]+|arn:[a-z0-9:/-]+)$/,
    maxLength: 2048,
  })
    .describe("Id or ARN of the guardrail."),
  version: either("the number of a guardrail version, or DRAFT", [
    z.string().regex(/^(?:[1-9]\d{0,7}|DRAFT)$/),
    z.int().min(1).max(99_999_999),
  ]).describe("Version number, or DRAFT."),
  trace: z.enum(GUARDRAIL_TRACES).prefault("disabled")
    .describe("Whether Bedrock's answer tells what the guardrail saw."),
});

const metadataText = (minLength: number) =>
  z.string().min(minLength).max(256).regex(/^[a-zA-Z0-9\s:_@$#=\/+,.-]*$/)
    .register(about, { expected: "a text of at most 256 letters, digits, spaces or :_@$#=/+,.-" });

const model = mapping({
  provider: text({ expected: "the name of a provider" }).describe(
    "Name of the provider that serves the model.",
  ),
  id: text({
    expected: "a model id, inference profile id or ARN",
    pattern: /^[\x21-\x7e]+$/,
    maxLength: 2048,
  }).describe("Model id, inference profile id or ARN, whole, as Bedrock knows it."),
  base_model: text({ expected: "a model id", pattern: /^[\x21-\x7e]+$/, maxLength: 2048 }).optional()
    .describe("Model id that tells the model's family, where an opaque ARN in id hides it."),
  traits: traits.prefault({}).describe("What the model can do, over what the data tables say of its id."),
  api: z.enum(MODEL_APIS).optional()
    .describe(
      "Bedrock operation for Anthropic Messages requests; left out: invoke for Claude, converse for the rest.",
    ),
  defaults: defaults.prefault({}).describe("Taken where a request leaves the field out."),
  guardrail: guardrail.optional().describe(
    "Guardrail over every request for the model by this name, on every route; the caller's own gives way.",
  ),
  metadata: z.record(metadataText(1), metadataText(0)).register(about, { expected: "a mapping of texts" })
    .prefault({}).describe("Sent to Bedrock as request metadata: at most 16 entries."),
});

const dataFile = () => text({ expected: "the path of a YAML file" }).optional();

const data = mapping({
  models: dataFile().describe(
    "What families of models can do: rows in the shape of config/data/models.yaml, after the built-in ones.",
  ),
  beta_flags: dataFile().describe(
    "Anthropic's beta flags on Bedrock, in the shape of config/data/beta-flags.yaml: what it says of a flag goes " +
      "before the built-in table.",
  ),
});

const route = mapping({
  model: text({ expected: "the name of a model" }).describe("Model for requests that name none."),
});

const GLOB_HINT = "in a glob only * stands for other characters";

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
const nativeRegions = list(region(), { min: 1, max: 64 });

const native = either("a list of regions, or a mapping with regions and ids", [
  nativeRegions,
  mapping({
    regions: nativeRegions.describe("Regions the caller may address; a provider must serve each."),
    ids: list(idGlob, { min: 1, max: 256 }).prefault(["*"])
      .describe("Globs over the model ids the caller may use."),
  }),
]);

const callerAws = mapping({
  access_key_id: secretText("an access key id of 16 to 128 letters and digits", /^\w{16,128}$/)
    .describe("Made up by you, for this caller alone."),
  secret_access_key: secretText("a secret of at least 32 characters", /^[\x21-\x7e]{32,}$/)
    .describe("Made up by you: long and random."),
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
  hint: '"adit keygen" makes a key and prints the line to paste here; the key itself goes to the caller only',
});

const callerKey = either("the hash of a key, or a mapping with hash and expires", [
  keyHash,
  mapping({
    hash: keyHash.describe("SHA-256 of the key, as `adit keygen` prints it."),
    expires: expiry().optional()
      .describe("Last day (UTC) on which this key works, or the moment from which it does not."),
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
  hint: '"adit keygen" makes a key and prints the line to paste here; the key itself goes to the caller only',
});

const caller = mapping({
  key: callerKeys.optional().describe(
    "SHA-256 of the caller's key, as `adit keygen` prints it; a list of them while one key replaces another.",
  ),
  models: list(modelGlob, { min: 0, max: 1000 }).prefault([])
    .describe("Names of models, or globs over them, that the caller may use; none if empty."),
  native: native.optional()
    .describe(
      "Leave to use Bedrock's own API with model ids: a list of regions, or a mapping with regions and ids.",
    ),
  aws: callerAws.optional().describe("Key pair with which the caller's AWS SDK signs its requests to Adit."),
  expires: expiry().optional().describe(
    "Last day (UTC) on which the key works, or the moment from which it does not.",
  ),
  disabled: flag().prefault(false).describe("Refuse the caller without deleting it."),
}, { unsupported: ["limits", "budget"] });

const adminApi = mapping({
  key: text({
    expected: 'the hash of a key: "sha256:" and 64 hexadecimal digits',
    pattern: KEY_HASH,
    sensitive: "unless right",
    hint: '"adit keygen" makes a key; its hash stands here',
  }).describe("SHA-256 of the key that requests must carry, as `adit keygen` prints it."),
});

const includePath = text({
  expected: "a path such as conf.d/*.yaml, with * in its last part only",
  pattern: INCLUDE,
});

/** The whole file. */
export const Config = mapping({
  include: either("a path such as conf.d/*.yaml, or a list of 1 to 16 of them", [
    includePath,
    list(includePath, { min: 1, max: 16 }),
  ]).optional()
    .describe(
      "Files that are read as if they stood here: a path, or a pattern such as conf.d/*.yaml, or a list.",
    ),
  listen: either(
    'an address with its port, such as 127.0.0.1:8080 or "[::]:8080" (quoted), or a list of them',
    [
      listenAddress(),
      list(listenAddress(), { min: 1, max: 16 }),
    ],
  ).prefault("127.0.0.1:8080")
    .describe("Address and port for callers, or a list of them; port 0 takes a free one."),
  admin: either("an address with its port, such as 127.0.0.1:9090, or unix:/path/of/a/socket, or off", [
    listenAddress(),
    socketAddress(),
    z.literal("off"),
  ])
    .prefault("127.0.0.1:9090")
    .describe(
      "Address and port, or unix: and a path, for health, status and reload, without authentication; off for none.",
    ),
  admin_api: adminApi.optional()
    .describe(
      "Lets providers, models and callers be changed through the admin address; left out: they cannot be.",
    ),
  tls: tls.optional().describe("Certificate for the addresses of listen; left out: plain HTTP."),
  limits: limits.prefault({}).describe("What one request, and all together, may take."),
  timeouts: timeouts.prefault({}).describe("How long each step may take."),
  log: log.prefault({}).describe("What is written to the log."),
  providers: named(NAME, provider).prefault({}).describe("Where models are served, by name; at least one."),
  data: data.prefault({}).describe("Files that add to the tables built into the program, or correct them."),
  models: named(MODEL_NAME, model).prefault({}).describe("Models, by the name that callers use."),
  routes: named(ROUTE_PATH, route).prefault({})
    .describe("Paths of your own that speak OpenAI Chat with a default model."),
  callers: named(NAME, caller).prefault({}).describe("Who may use what, by name."),
}, { expected: "keys with values, such as listen: 127.0.0.1:8080" });

/** The file's content, checked and parsed, with its references still names. */
export type Config = z.output<typeof Config>;
export type ProviderConfig = Config["providers"][string];
export type ModelConfig = Config["models"][string];
export type CallerConfig = Config["callers"][string];
