/**
 * The keys of the whole file, with the types, limits, defaults and descriptions from which validation, the JSON Schema
 * and the texts of error messages are derived.
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
  PEM_FILE,
  percentage,
  secretText,
  size,
  socketAddress,
  text,
} from "./fields.ts";
import { budget } from "./budget_keys.ts";
import { caller } from "./caller_keys.ts";
import { rateLimit } from "./limit_keys.ts";
import { model } from "./model_keys.ts";
import { prices } from "./price_keys.ts";
import { provider } from "./provider_keys.ts";
import { state } from "./state_keys.ts";
import {
  INCLUDE,
  KEY_HASH,
  MODEL_NAME,
  NAME,
  parseEndpoint,
  parseNetwork,
  parseOrigin,
  ROUTE_PATH,
} from "./values.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const tls = () =>
  mapping(() => ({
    certificate: text({ ...PEM_FILE, sensitive: "unless right" }).describe(
      "Certificate chain, starting with the server's certificate: path of a PEM file, or the PEM itself.",
    ),
    key: text({ ...PEM_FILE, sensitive: true }).describe(
      "Private key of the certificate: path of a PEM file, or the PEM itself.",
    ),
  }));

const cors = mapping(() => ({
  origins: list(
    parsed({
      expected: 'an origin such as https://app.example.com, without a path, or "*"',
      parse: parseOrigin,
    }),
    { min: 1, max: 256 },
  ).describe('Origins such as https://app.example.com; "*" allows all.'),
}));

const proxyNetwork = () =>
  parsed({
    expected: "an IP address, or a network such as 10.0.0.0/8",
    maxLength: 49,
    parse: parseNetwork,
  });

const limits = mapping(() => ({
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
}));

const timeouts = mapping(() => ({
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
}));

const log = mapping(() => ({
  level: z.enum(LOG_LEVELS).prefault("info").describe("Minimum level to log."),
  requests: flag().prefault(true)
    .describe("Log one line per request; prompts and responses are never logged."),
}));

const dataFile = () => text({ expected: "the path of a YAML file" }).optional();

const data = mapping(() => ({
  models: dataFile().describe(
    "Additional rows for the model table, in the format of config/data/models.yaml; they override built-in rows.",
  ),
  beta_flags: dataFile().describe(
    "Additional Anthropic beta flags, in the format of config/data/beta-flags.yaml; they override " +
      "built-in flags.",
  ),
}));

const route = mapping(() => ({
  model: text({ expected: "the name of a model" }).describe("Model for requests that do not name one."),
}));

const operatorKey = () =>
  text({
    expected: 'the hash of a key: "sha256:" and 64 hexadecimal digits',
    pattern: KEY_HASH,
    sensitive: "unless right",
    hint: 'run "adit keygen" and paste the hash it prints',
  });

const adminApi = mapping(() => ({
  key: operatorKey().describe(
    "SHA-256 of the key that requests must send, as printed by `adit keygen`.",
  ),
}));

const includePath = () =>
  text({
    expected: "a path such as conf.d/*.yaml, with * in its last part only",
    pattern: INCLUDE,
  });

const traces = mapping(() => ({
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
}));

/** The schema of the whole file. */
export const Config = mapping(() => ({
  include: either("a path such as conf.d/*.yaml, or a list of 1 to 16 of them", [
    includePath(),
    list(includePath(), { min: 1, max: 16 }),
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
  trusted_proxies: list(proxyNetwork(), { min: 0, max: 64 }).prefault([])
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
  response_headers: mapping(() => ({
    target: flag().prefault(true)
      .describe("Name the target that answered, and those that were tried, for models with several targets."),
    cost: flag().prefault(true)
      .describe("Name the cost in US dollars, in responses that are not streamed and have a known price."),
    stream_cost: flag().prefault(false)
      .describe("Name the cost in a comment after the last event of streams of server-sent events."),
  })).prefault({}).describe("What responses say about how they were made."),
  traces: traces.optional().describe("Where to send a trace of each request; default: nowhere."),
  providers: named(NAME, provider).prefault({}).describe(
    "Providers of models, by name; at least one is required.",
  ),
  data: data.default({}).describe("Files that extend or override the built-in tables."),
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
}), { expected: "keys with values, such as listen: 127.0.0.1:8080" });

/** The file's content, checked and parsed, with names not yet resolved. */
export type Config = z.output<typeof Config>;
export type ProviderConfig = Config["providers"][string];
export type ModelConfig = Config["models"][string];
export type CallerConfig = Config["callers"][string];
