/** Maps AISIX's admin resources to configuration entries and back, so that its users can keep their scripts. */

import { AditError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";
import { REDACTED } from "../base/secret.ts";
import type { Entry, EntryChange, EntrySection } from "../config/edit/entries.ts";
import { mergeLimits, ruleLimits, toLimits, toRateLimit, unusedRates } from "./aisix_limits.ts";
import { isModels, toRouting, toTargets, unusedRouting } from "./aisix_routing.ts";

/** The entry in a body. */
export interface NamedEntry {
  readonly name: string | undefined;
  /** The entry after a PUT of the body, given the current one, or an empty object. */
  readonly put: (before: JsonObject) => JsonObject;
  /** The entry after a PATCH with the body. */
  readonly patch: (before: JsonObject) => JsonObject;
  /** The limits of a model's rule after a PUT and a PATCH; if absent, they stay. */
  readonly limits?: Record<"put" | "patch", NonNullable<EntryChange["limits"]>>;
  /** Members of the body without a counterpart. */
  readonly ignored: readonly string[];
}

interface Resource {
  /** Members of the body that are read. */
  readonly members: readonly string[];
  /** Optional keys of the entry, by the corresponding members. */
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
    // Targets with their own provider and id stay: AISIX does not know them, so cannot mean to remove them.
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
    toEntry: (body) => {
      const hash = textOf(body, "key_hash");
      const { allowed_models: models = null, rate_limit: limit = null, team_id: team = null } = body;
      return {
        ...(hash === undefined ? {} : { key: `sha256:${hash.replace(/^sha256:/, "")}` }),
        ...(models === null ? {} : { models }),
        ...(limit === null ? {} : { limits: toLimits(limit) }),
        ...(team === null ? {} : { team }),
      };
    },
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
    // Replaces everything that such a body can express. Required keys and secrets, which are never shown, are kept.
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

/** Keeps everything that AISIX does not have. Credentials are replaced as a whole, except for the role they assume. */
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

/** The entry in AISIX's form, including `display_name`; a model includes the limits of its rule. */
export function toAisix(
  section: EntrySection,
  { name, value, rule }: Pick<Entry, "name" | "value" | "rule">,
): JsonObject {
  const { toValue }: Resource = RESOURCES[section];
  return { display_name: name, ...toValue(value, rule) };
}

/** A name from the beginning of the hash, because entries need a name and AISIX's keys have none. */
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

/** Credentials and region from a secret, a JSON object in a string, or from a reference to one. */
function secretOf({ secret, secret_ref: reference }: JsonObject): JsonObject {
  if (reference !== undefined) {
    if (typeof reference !== "string" || !/^\$\{[^]+\}$/.test(reference)) {
      throw invalid("secret_ref: expected a reference such as ${credential:NAME}");
    }
    return { credentials: { json: reference } };
  }
  // Sent back as shown, so the secret is kept.
  if (secret === undefined || secret === REDACTED || secret === "***") return {};
  const strings = Object.entries(parseSecret(secret)).filter(([, value]) => value !== null).map(
    ([key, value]) => {
      if (!SECRET_MEMBERS.includes(key) || typeof value !== "string") {
        throw invalid(`secret: expected the strings ${SECRET_MEMBERS.join(", ")} (not shown)`);
      }
      return [key, literal(value)] as const;
    },
  );
  const { region, ...credentials }: JsonObject = Object.fromEntries(strings);
  return { credentials, ...(region === undefined ? {} : { region }) };
}

const SECRET_MEMBERS: readonly string[] = ["access_key_id", "secret_access_key", "session_token", "region"];

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

/** Escapes a literal string for the file, where `${` starts a reference. */
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
