/** Links the credentials of a provider, which have exactly one source. */

import { seal } from "../../base/secret.ts";
import type { LinkContext } from "./context.ts";
import { type Path, quote } from "../../base/problems.ts";
import type { ProviderConfig } from "../schema/config_file.ts";
import type {
  ApiKeyCredentials,
  CallerCredentials,
  Credentials,
  KeySource,
  StaticCredentials,
} from "../../snapshot/provider.ts";

type BedrockConfig = Extract<ProviderConfig, { type: "bedrock" }>;
type CredentialsConfig = NonNullable<BedrockConfig["credentials"]>;

/** The position of the credentials in the file. */
interface Place {
  readonly path: Path;
  /** The provider's region. */
  readonly region: string;
  readonly context: LinkContext;
}

/** The sources of credentials by key; at most one may be set. A role is assumed with an AWS key pair. */
const SOURCES = {
  access_key_id: linkKeyPair,
  profile: ({ profile = "" }) => ({ kind: "profile", profile }),
  json: linkJson,
  api_key: ({ api_key = "" }) => ({ kind: "api_key", key: seal(api_key) }),
  caller: () => ({ kind: "caller" }),
} as const satisfies Record<
  string,
  (entry: CredentialsConfig, place: Place) => KeySource | ApiKeyCredentials | CallerCredentials | undefined
>;

const SOURCE_KEYS = Object.keys(SOURCES) as readonly (keyof typeof SOURCES)[];

/** Keys of a key pair. */
const KEY_PAIR_KEYS = ["access_key_id", "secret_access_key", "session_token"] as const;

/**
 * The source of the provider's credentials; AWS's default credential chain by default, undefined if none is valid.
 */
export function linkCredentials(entry: BedrockConfig["credentials"], place: Place): Credentials | undefined {
  const { path, context } = place;
  if (entry === undefined) return { kind: "chain" };
  if (Object.keys(entry).length === 0) {
    context.fail(path, "is empty; remove credentials to use AWS's default credential chain");
    return undefined;
  }
  const hasKeyPair = KEY_PAIR_KEYS.some((key) => entry[key] !== undefined);
  const given = SOURCE_KEYS.filter((key) => key === "access_key_id" ? hasKeyPair : entry[key] !== undefined);
  const [source, second] = given;
  if (source === undefined) return linkRole(entry, { kind: "chain" }, place);
  if (second !== undefined) {
    context.fail([...path, second], `conflicts with ${source}; set only one source of credentials`);
    return undefined;
  }
  const linked = SOURCES[source](entry, place);
  switch (linked?.kind) {
    case undefined:
      return undefined;
    case "api_key":
    case "caller":
      if (entry.role !== undefined) {
        context.fail(
          [...path, "role"],
          `conflicts with ${source}; a role is assumed with an AWS key pair`,
        );
      }
      return linked;
    case "static":
    case "profile":
      return linkRole(entry, linked, place);
  }
}

/** The source itself, or the role assumed with it. */
function linkRole({ role }: CredentialsConfig, base: KeySource, { path, context }: Place): Credentials {
  if (role === undefined) return base;
  if (role.session_name.length < MIN_SESSION_NAME) {
    context.fail([...path, "role", "session_name"], "too short; AWS requires 2 characters");
  }
  checkTags([...path, "role", "tags"], Object.keys(role.tags), context);
  return {
    kind: "role",
    base,
    arn: role.arn,
    sessionName: role.session_name,
    externalId: role.external_id,
    tags: role.tags,
    durationMs: role.duration,
  };
}

const MIN_SESSION_NAME = 2;
/** AWS's maximum for a session. */
const MAX_TAGS = 50;

function checkTags(path: Path, tags: readonly string[], context: LinkContext): void {
  if (tags.length > MAX_TAGS) context.fail(path, `at most ${MAX_TAGS} session tags, found ${tags.length}`);
  const seen = new Map<string, string>();
  for (const tag of tags) {
    const same = seen.get(tag.toLowerCase());
    if (same !== undefined) {
      context.fail([...path, tag], `duplicate of ${quote(same)}: AWS ignores the case of tags`);
    }
    seen.set(tag.toLowerCase(), tag);
  }
}

function linkKeyPair(entry: CredentialsConfig, { path, context }: Place): StaticCredentials | undefined {
  const { access_key_id, secret_access_key, session_token } = entry;
  if (access_key_id === undefined || secret_access_key === undefined) {
    const missing = Object.entries({ access_key_id, secret_access_key })
      .filter(([, value]) => value === undefined).map(([key]) => key);
    context.fail(path, `missing ${missing.join(" and ")}; a key pair needs both`);
    return undefined;
  }
  return keyPair({
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    sessionToken: session_token ?? "",
  });
}

/** Names of the members of a key pair in JSON: those of Cloudflare's AI Gateway, then those of AISIX. */
const JSON_MEMBERS: Readonly<Record<string, string>> = {
  accessKeyId: "accessKeyId",
  secretAccessKey: "secretAccessKey",
  sessionToken: "sessionToken",
  region: "region",
  access_key_id: "accessKeyId",
  secret_access_key: "secretAccessKey",
  session_token: "sessionToken",
};

/** Messages never show the object, because a secret may be in the wrong place. */
function linkJson({ json }: CredentialsConfig, place: Place): StaticCredentials | undefined {
  const path = [...place.path, "json"];
  const fail = (message: string) => {
    place.context.fail(path, message);
    return undefined;
  };
  const object = typeof json === "string" ? parseObject(json) : json;
  if (object === undefined) return fail("is not a JSON object (not shown)");
  const members: Record<string, string> = {};
  for (const [key, value] of Object.entries(object)) {
    const member = Object.hasOwn(JSON_MEMBERS, key) ? JSON_MEMBERS[key] : undefined;
    if (member === undefined) {
      return fail("has an unknown member; allowed are accessKeyId, secretAccessKey, sessionToken and region");
    }
    if (typeof value !== "string" || !/^[\x21-\x7e]*$/.test(value)) {
      return fail(`${key} must be a string without white space (not shown)`);
    }
    if (member in members) return fail(`has ${member} twice, under different names`);
    members[member] = value;
  }
  const { accessKeyId = "", secretAccessKey = "", sessionToken = "", region = place.region } = members;
  if (accessKeyId === "" || secretAccessKey === "") return fail("must have accessKeyId and secretAccessKey");
  if (region !== place.region) return fail("has a different region than the provider");
  return keyPair({ accessKeyId, secretAccessKey, sessionToken });
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function keyPair(
  { accessKeyId, secretAccessKey, sessionToken }: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  },
): StaticCredentials {
  return {
    kind: "static",
    accessKeyId,
    secretAccessKey: seal(secretAccessKey),
    sessionToken: sessionToken === "" ? undefined : seal(sessionToken),
  };
}
