/**
 * Maps AISIX's admin resources to configuration entries and back, so that its users can keep their scripts.
 */

import { AditError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";
import { REDACTED } from "../base/secret.ts";
import type { Entry, EntryChange, EntrySection } from "../config/edit/entries.ts";
import { mergeLimits, ruleLimits, toLimits, toRateLimit, unusedRates } from "./aisix_limits.ts";
import { isModels, toRouting, toTargets, unusedRouting } from "./aisix_routing.ts";

/** The entry that a body describes. */
export interface NamedEntry {
  readonly name: string | undefined;
  /** The entry after a PUT of the body, given the current one, which is empty if there is none. */
  readonly put: (before: JsonObject) => JsonObject;
  /** The entry after a PATCH with the body. */
  readonly patch: (before: JsonObject) => JsonObject;
  /** The limits of a model's own rule after a PUT and a PATCH; left out, they stay. */
  readonly limits?: Record<"put" | "patch", NonNullable<EntryChange["limits"]>>;
  /** Members of the body without a counterpart. */
  readonly ignored: readonly string[];
}

interface Resource {
  /** Members of the body that are read. */
  readonly members: readonly string[];
  /** Optional keys of the entry, by the members that correspond to them. */
  readonly optional: Readonly<Record<string, string>>;
  /** Keys of the current entry that cannot be combined with what the body sets. */
  readonly replaced: (before: JsonObject, value: JsonObject) => readonly string[];
  /** The entry, from the members that are present. */
  readonly toEntry: (body: JsonObject) => JsonObject;
  /** The resource's members, from a redacted entry. */
  readonly toValue: (entry: JsonObject, rule: JsonObject | undefined) => JsonObject;
}

const PROVIDER = "amazon-bedrock";

const RESOURCES = {
  providers: {
    members: ["provider", "adapter", "secret", "secret_ref", "api_base", "region"],
    optional: { api_base: "endpoint" },
    replaced: () => [],
    toEntry: (body) => {
      refuseOthers(body);
      const secret = secretOf(body);
      const region = textOf(body, "region") ?? secret["region"];
      const endpoint = textOf(body, "api_base");
      return {
        type: "bedrock",
        ...(region === undefined ? {} : { region }),
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(secret["credentials"] === undefined ? {} : { credentials: secret["credentials"] }),
      };
    },
    toValue: ({ endpoint, region = null }) => ({
      provider: PROVIDER,
      adapter: "bedrock",
      secret: REDACTED,
      region,
      ...(endpoint === undefined ? {} : { api_base: endpoint }),
    }),
  },
  models: {
    members: ["provider", "model_name", "provider_key_id", "routing", "rate_limit"],
    optional: {},
    // Targets with a provider and an id of their own stay: AISIX cannot have meant to remove them.
    replaced: ({ targets }, value) =>
      value["targets"] !== undefined
        ? ["provider", "id", "pick"]
        : Object.keys(value).length > 0 && isModels(targets)
        ? ["targets", "pick"]
        : [],
    toEntry: (body) => {
      refuseOthers(body);
      const id = textOf(body, "model_name");
      const provider = textOf(body, "provider_key_id");
      const routing = body["routing"] ?? null;
      return {
        ...(provider === undefined ? {} : { provider }),
        ...(id === undefined ? {} : { id }),
        ...(routing === null ? {} : toTargets(routing)),
      };
    },
    toValue: (entry, rule) => {
      const routing = toRouting(entry);
      const { id = null, provider = null } = entry;
      return {
        provider: PROVIDER,
        ...(routing === undefined ? { model_name: id, provider_key_id: provider } : { routing }),
        ...(rule === undefined ? {} : { rate_limit: toRateLimit(rule) }),
      };
    },
  },
  callers: {
    members: ["key_hash", "allowed_models", "rate_limit", "team_id"],
    optional: { allowed_models: "models", rate_limit: "limits", team_id: "team" },
    replaced: () => [],
    toEntry: (
      { key_hash: hash, allowed_models: models = null, rate_limit: limit = null, team_id: team = null },
    ) => ({
      ...(typeof hash === "string" ? { key: `sha256:${hash.replace(/^sha256:/, "")}` } : {}),
      ...(models === null ? {} : { models }),
      ...(limit === null ? {} : { limits: toLimits(limit) }),
      ...(team === null ? {} : { team }),
    }),
    toValue: ({ key, models = [], limits, team }) => ({
      key_hash: typeof key === "string" ? key.replace(/^sha256:/, "") : null,
      allowed_models: models,
      ...(isJsonObject(limits) ? { rate_limit: toRateLimit(limits) } : {}),
      ...(team === undefined ? {} : { team_id: team }),
    }),
  },
} as const satisfies Record<EntrySection, Resource>;

/** Parses a body; throws `invalid_request` if it is not an Amazon Bedrock resource. */
export function readAisix(section: EntrySection, body: JsonObject): NamedEntry {
  const { members, optional, replaced, toEntry }: Resource = RESOURCES[section];
  const known: readonly string[] = ["display_name", ...members];
  const value = toEntry(body);
  const absent = (isAbsent: (member: string) => boolean) =>
    Object.entries(optional).flatMap(([member, key]) => isAbsent(member) ? [key] : []);
  return {
    name: textOf(body, "display_name") ?? nameOfKey(body),
    // Everything such a body can express; required keys of an entry, and secrets, which are never shown, are kept.
    put: (before) =>
      change(before, value, [
        ...absent((member) => (body[member] ?? null) === null),
        ...replaced(before, value),
      ]),
    patch: (before) =>
      change(before, value, [...absent((member) => body[member] === null), ...replaced(before, value)]),
    ...(section === "models" ? { limits: ruleLimits(body["rate_limit"]) } : {}),
    ignored: [
      ...Object.keys(body).filter((member) => !known.includes(member)),
      ...unusedRates(body["rate_limit"]).map((member) => `rate_limit.${member}`),
      ...unusedRouting(body["routing"]).map((member) => `routing.${member}`),
    ],
  };
}

/** What AISIX does not have is kept; credentials are replaced as a whole, except the role that they assume. */
function change(before: JsonObject, value: JsonObject, absent: readonly string[]): JsonObject {
  const { credentials, limits: given, ...others } = value;
  const limits = isJsonObject(given) ? mergeLimits(before["limits"], given) : undefined;
  const role = isJsonObject(before["credentials"]) ? before["credentials"]["role"] : undefined;
  const kept = Object.entries(before).filter(([key]) =>
    !absent.includes(key) && !(key === "limits" && given !== undefined)
  );
  return {
    ...Object.fromEntries(kept),
    ...others,
    ...(limits === undefined ? {} : { limits }),
    ...(credentials === undefined ? {} : {
      credentials: isJsonObject(credentials) && role !== undefined ? { ...credentials, role } : credentials,
    }),
  };
}

/** The entry in AISIX's form, including `display_name`; a model with the limits of its own rule. */
export function toAisix(
  section: EntrySection,
  { name, value, rule }: Pick<Entry, "name" | "value" | "rule">,
): JsonObject {
  const { toValue }: Resource = RESOURCES[section];
  return { display_name: name, ...toValue(value, rule) };
}

/** AISIX's keys have no name but entries need one, so the beginning of the hash is used. */
function nameOfKey({ key_hash: hash }: JsonObject): string | undefined {
  return typeof hash === "string" ? `key-${hash.replace(/^sha256:/, "").slice(0, 12)}` : undefined;
}

function refuseOthers({ provider, adapter }: JsonObject): void {
  for (
    const [member, value, only] of [["provider", provider, PROVIDER], [
      "adapter",
      adapter,
      "bedrock",
    ]] as const
  ) {
    if (value !== undefined && value !== only) throw invalid(`${member}: only "${only}" is supported`);
  }
}

/** Credentials and region of a secret, which is a JSON object as a string, or of a reference to one. */
function secretOf({ secret, secret_ref: reference }: JsonObject): JsonObject {
  if (reference !== undefined) {
    if (typeof reference !== "string" || !/^\$\{[^]+\}$/.test(reference)) {
      throw invalid("secret_ref: expected a reference such as ${credential:NAME}");
    }
    return { credentials: { json: reference } };
  }
  // As it was shown, so it is kept.
  if (secret === undefined || secret === REDACTED || secret === "***") return {};
  const members = parseSecret(secret);
  const { region, ...keys } = members;
  const credentials = Object.entries(keys).map(([key, value]) => {
    if (!SECRET_MEMBERS.includes(key) || typeof value !== "string") {
      throw invalid(`secret: expected the strings ${SECRET_MEMBERS.join(", ")} and region (not shown)`);
    }
    return [key, literal(value)] as const;
  });
  return {
    credentials: Object.fromEntries(credentials),
    ...(typeof region === "string" ? { region: literal(region) } : {}),
  };
}

const SECRET_MEMBERS: readonly string[] = ["access_key_id", "secret_access_key", "session_token"];

function parseSecret(secret: JsonValue): JsonObject {
  let value: JsonValue | undefined = secret;
  if (typeof secret === "string") {
    try {
      value = JSON.parse(secret);
    } catch {
      // The reason would quote the secret.
      value = undefined;
    }
  }
  if (!isJsonObject(value)) throw invalid("secret: expected a JSON object as a string (not shown)");
  return value;
}

/** Escapes a literal string for the file, where `${` begins a reference. */
function literal(text: string): string {
  return text.replaceAll("${", () => "$${");
}

function textOf(body: JsonObject, member: string): string | undefined {
  const value = body[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw invalid(`${member}: expected a string`);
  return value;
}

function invalid(message: string): AditError {
  return new AditError("invalid_request", message);
}
