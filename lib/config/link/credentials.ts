/** The credentials of a provider: which of the ways to give them the file takes, and whether it takes only one. */

import { Secret } from "../../base/secret.ts";
import type { LinkContext } from "./context.ts";
import type { Path } from "../../base/problems.ts";
import type { ProviderConfig } from "../schema/config_file.ts";
import type {
  ApiKeyCredentials,
  CallerCredentials,
  Credentials,
  KeySource,
  StaticCredentials,
} from "../../snapshot/snapshot.ts";

type BedrockConfig = Extract<ProviderConfig, { type: "bedrock" }>;
type CredentialsConfig = NonNullable<BedrockConfig["credentials"]>;

/** Where the credentials stand, and what may be said of them. */
interface Place {
  readonly path: Path;
  /** Of the provider. */
  readonly region: string;
  readonly context: LinkContext;
}

/** The ways to give credentials, each by its key; at most one may be taken. A role is assumed with an AWS key pair. */
const WAYS = {
  access_key_id: linkKeyPair,
  profile: ({ profile = "" }) => ({ kind: "profile", profile }),
  json: linkJson,
  api_key: ({ api_key = "" }) => ({ kind: "api_key", key: new Secret(api_key) }),
  caller: () => ({ kind: "caller" }),
} as const satisfies Record<
  string,
  (entry: CredentialsConfig, place: Place) => KeySource | ApiKeyCredentials | CallerCredentials | undefined
>;

const WAY_KEYS = Object.keys(WAYS) as readonly (keyof typeof WAYS)[];

/** What goes with a key pair and says nothing by itself. */
const KEY_PAIR_KEYS = ["access_key_id", "secret_access_key", "session_token"] as const;

/** How the provider's keys are come by; AWS's default chain when left out, undefined where none is usable. */
export function linkCredentials(entry: BedrockConfig["credentials"], place: Place): Credentials | undefined {
  const { path, context } = place;
  if (entry === undefined) return { kind: "chain" };
  if (Object.keys(entry).length === 0) {
    context.fail(path, "is empty: leave credentials out for AWS's default chain");
    return undefined;
  }
  const hasKeyPair = KEY_PAIR_KEYS.some((key) => entry[key] !== undefined);
  const given = WAY_KEYS.filter((key) => key === "access_key_id" ? hasKeyPair : entry[key] !== undefined);
  const [way, second] = given;
  if (way === undefined) return linkRole(entry, { kind: "chain" });
  if (second !== undefined) {
    context.fail([...path, second], `cannot go together with ${way}: there is one way to give credentials`);
    return undefined;
  }
  const linked = WAYS[way](entry, place);
  switch (linked?.kind) {
    case undefined:
      return undefined;
    case "api_key":
    case "caller":
      if (entry.role !== undefined) {
        context.fail(
          [...path, "role"],
          `cannot go together with ${way}: a role is assumed with an AWS key pair`,
        );
      }
      return linked;
    case "static":
    case "profile":
      return linkRole(entry, linked);
  }
}

/** The source itself, or the role on top of it. */
function linkRole({ role }: CredentialsConfig, base: KeySource): Credentials {
  if (role === undefined) return base;
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

function linkKeyPair(entry: CredentialsConfig, { path, context }: Place): StaticCredentials | undefined {
  const { access_key_id, secret_access_key, session_token } = entry;
  if (access_key_id === undefined || secret_access_key === undefined) {
    const missing = Object.entries({ access_key_id, secret_access_key })
      .filter(([, value]) => value === undefined).map(([key]) => key);
    context.fail(path, `missing ${missing.join(" and ")}: a key pair has both`);
    return undefined;
  }
  return keyPair({
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    sessionToken: session_token ?? "",
  });
}

/** Spellings of the members of a key pair in JSON: those of Cloudflare's AI Gateway, then those of AISIX. */
const JSON_MEMBERS: Readonly<Record<string, string>> = {
  accessKeyId: "accessKeyId",
  secretAccessKey: "secretAccessKey",
  sessionToken: "sessionToken",
  region: "region",
  access_key_id: "accessKeyId",
  secret_access_key: "secretAccessKey",
  session_token: "sessionToken",
};

/** No message says what is in the object: a secret may stand in the wrong place. */
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
      return fail("has a member that is none of accessKeyId, secretAccessKey, sessionToken, region");
    }
    if (typeof value !== "string" || !/^[\x21-\x7e]*$/.test(value)) {
      return fail(`${key} is not a text without white space (not shown)`);
    }
    if (member in members) return fail(`has ${member} twice, in different spellings`);
    members[member] = value;
  }
  const { accessKeyId = "", secretAccessKey = "", sessionToken = "", region = place.region } = members;
  if (accessKeyId === "" || secretAccessKey === "") return fail("lacks accessKeyId or secretAccessKey");
  if (region !== place.region) return fail("is for another region than the provider's");
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
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: sessionToken === "" ? undefined : new Secret(sessionToken),
  };
}
