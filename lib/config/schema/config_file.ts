/**
 * The keys of the whole file with their types, limits, defaults and descriptions. Validation, the JSON Schema and error
 * messages are derived from them.
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
      "Certificate, followed by its chain: the path of a PEM file, or the PEM itself.",
    ),
    key: text({ ...PEM_FILE, sensitive: true }).describe(
      "Private key, without a passphrase: the path of a PEM file, or the PEM itself.",
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
    .describe("Maximum size of a request body; a larger one gets a 413."),
  headers: size({ min: KIB, max: 16 * KIB }).prefault("16KiB")
    .describe("Maximum size of the request headers; larger ones get a 431."),
  json_depth: integer({ min: 8, max: 1000 }).prefault(128)
    .describe("Maximum nesting depth of a JSON body; a deeper one gets a 400."),
  json_values: integer({ min: 1000, max: 10_000_000 }).prefault(200_000)
    .describe("Maximum number of members and elements in a JSON body; more get a 400."),
  concurrent: integer({ min: 1, max: 60_000 }).prefault(2048)
    .describe("Maximum number of in-flight requests; one more gets a 503."),
  fetch_images: flag().prefault(false)
    .describe(
      "Whether Adit fetches images that requests refer to by https URL, from public addresses only.",
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
    .describe("Maximum time for a request, from its arrival to the end of its response."),
  drain: duration({ min: 0, max: HOUR }).prefault("30s")
    .describe("How long in-flight requests may take to finish at shutdown; 0s ends them at once."),
  drain_delay: duration({ min: 0, max: 5 * MINUTE }).prefault("0s")
    .describe("How long requests are still accepted at shutdown, while `/-/ready` already answers 503."),
  keepalive: duration({ min: 0, max: 5 * MINUTE }).prefault("15s")
    .describe("Time without data after which a streaming client is sent a ping; 0s disables pings."),
}));

const log = mapping(() => ({
  level: z.enum(LOG_LEVELS).prefault("info").describe("Minimum level to log."),
  requests: flag().prefault(true)
    .describe("Whether to log one line per request; prompts and responses are never logged."),
}));

const dataFile = () => text({ expected: "the path of a YAML file" }).optional();

const data = mapping(() => ({
  models: dataFile().describe(
    "Rows in the format of config/data/models.yaml, which override the built-in ones.",
  ),
  beta_flags: dataFile().describe(
    "A table of Anthropic's beta flags in the format of config/data/beta-flags.yaml, which overrides the built-in one.",
  ),
}));

const route = mapping(() => ({
  model: text({ expected: "the name of a model" }).describe(
    "Model for requests whose model is missing or empty.",
  ),
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
    "SHA-256 of the key for the admin API, as printed by `adit keygen`.",
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
  }).describe(
    "URL of an OpenTelemetry collector for OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces.",
  ),
  headers: z.record(
    z.string().regex(/^[A-Za-z0-9-]{1,64}$/).register(about, {
      expected: "letters, digits and - (at most 64)",
    }),
    secretText("the value of a header", /^[\x20-\x7e]+$/),
  )
    .register(about, { expected: "a mapping of header names to values", sensitive: true }).prefault({})
    .describe("Headers to send to the collector, such as a token."),
  share: percentage({ min: 0, max: 100 }).prefault("100%").describe(
    "Share of the requests to trace, unless the caller's trace context decides; failures are always traced.",
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
      "Address of the admin listener, with the page for operators, health, metrics, status and reload: address and port, unix: and a path, or off.",
    ),
  admin_tls: tls().optional().describe("TLS for the admin address; default: plain HTTP."),
  admin_api: adminApi.optional()
    .describe(
      "Enables the admin API, which changes providers, models and callers, on the admin address; default: disabled.",
    ),
  metrics_key: operatorKey().optional().describe(
    "SHA-256 of a key that gives access to /metrics only, for Prometheus on another host.",
  ),
  tls: tls().optional().describe("TLS for the listen addresses; default: plain HTTP."),
  cors: cors.optional()
    .describe("Web pages from other origins that may send requests and read the responses; default: none."),
  trusted_proxies: list(proxyNetwork(), { min: 0, max: 64 }).prefault([])
    .describe(
      "Addresses and networks of proxies whose X-Forwarded-For and Forwarded headers name the client.",
    ),
  threads: either("auto, or a number from 1 to 16", [
    z.literal("auto"),
    integer({ min: 1, max: 16 }),
  ]).prefault("auto")
    .describe("Number of threads that serve requests on Linux; auto is one per processor core, up to 8."),
  limits: limits.prefault({}).describe("Limits for the whole process."),
  timeouts: timeouts.prefault({}).describe("Time limits for each request."),
  log: log.prefault({}).describe("Logging."),
  response_headers: mapping(() => ({
    target: flag().prefault(true)
      .describe(
        "Whether responses have headers that name the target that answered and those that were tried, for models with several targets.",
      ),
    cost: flag().prefault(true)
      .describe(
        "Whether responses that are not streamed have the header x-adit-cost with their cost in US dollars, if their price is known.",
      ),
    stream_cost: flag().prefault(false)
      .describe("Whether streams of server-sent events have the cost in a comment after the last event."),
  })).prefault({}).describe("Which headers responses have."),
  traces: traces.optional().describe(
    "Sends a trace of each request to an OpenTelemetry collector; default: no traces.",
  ),
  providers: named(NAME, provider).prefault({}).describe(
    "Providers of models, by name; at least one is required.",
  ),
  data: data.default({}).describe("Your own tables, which override the built-in ones."),
  prices: prices.prefault({}).describe("The prices of models."),
  state: state.optional().describe("Usage ledger on disk; default: nothing is written to disk."),
  models: named(MODEL_NAME, model).prefault({}).describe("Models, by the name that callers send as model."),
  routes: named(ROUTE_PATH, route).prefault({})
    .describe("Additional paths for OpenAI Chat, each with a default model."),
  callers: named(NAME, caller).prefault({}).describe("Callers, by name, and what they may use."),
  rate_limits: named(NAME, rateLimit).prefault({})
    .describe("Rules that limit rates and concurrency, by name."),
  budgets: named(NAME, budget).prefault({})
    .describe("Budgets of money, tokens or requests, by name; they need state."),
}), { expected: "keys with values, such as listen: 127.0.0.1:8080" });

/** The file's content, checked and parsed, with names not yet resolved. */
export type Config = z.output<typeof Config>;
export type ProviderConfig = Config["providers"][string];
export type ModelConfig = Config["models"][string];
export type CallerConfig = Config["callers"][string];
