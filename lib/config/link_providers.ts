/** Providers: which endpoint and which credentials. */

import { Secret } from "../base/secret.ts";
import type { LinkContext } from "./link_context.ts";
import type { Path } from "./problems.ts";
import { KNOWN_REGIONS } from "./regions.ts";
import type { ProviderConfig } from "./schema.ts";
import type { Credentials, Provider } from "./snapshot.ts";
import { isLoopback } from "./values.ts";

type BedrockConfig = Extract<ProviderConfig, { type: "bedrock" }>;

export function linkProvider(
  name: string,
  entry: ProviderConfig,
  context: LinkContext,
): Provider | undefined {
  switch (entry.type) {
    case "emulator":
      return { kind: "emulator", name, region: entry.region };
    case "bedrock":
      return linkBedrock(name, entry, context);
  }
}

function linkBedrock(name: string, entry: BedrockConfig, context: LinkContext): Provider | undefined {
  const path = ["providers", name];
  const { region, endpoint, fips, dualstack } = entry;
  if (!KNOWN_REGIONS.includes(region)) {
    const place = [...path, "region"];
    context.warn(
      place,
      `this version does not know the region ${context.shown(place, region, KNOWN_REGIONS)}`,
    );
  }
  for (const key of ["fips", "dualstack"] as const) {
    if (endpoint !== undefined && entry[key]) {
      context.fail([...path, key], "cannot go together with endpoint, which names the host in full");
    }
  }
  if (endpoint?.startsWith("http:") && !isLoopback(new URL(endpoint).hostname.replace(/^\[|\]$/g, ""))) {
    context.warn([...path, "endpoint"], "prompts and answers leave this host unencrypted: use https");
  }
  const credentials = linkCredentials([...path, "credentials"], entry.credentials, context);
  return credentials && { kind: "bedrock", name, region, endpoint, fips, dualstack, credentials };
}

function linkCredentials(
  path: Path,
  entry: BedrockConfig["credentials"],
  context: LinkContext,
): Credentials | undefined {
  const { access_key_id, secret_access_key, session_token, api_key } = entry;
  if (api_key !== undefined) {
    if (Object.keys(entry).length > 1) {
      context.fail([...path, "api_key"], "cannot go together with the keys of an AWS key pair");
    }
    return { kind: "api_key", key: new Secret(api_key) };
  }
  if (access_key_id === undefined || secret_access_key === undefined) {
    const missing = Object.entries({ access_key_id, secret_access_key })
      .filter(([, value]) => value === undefined).map(([key]) => key);
    context.fail(path, `missing ${missing.join(" and ")}: give both, or api_key alone`);
    return undefined;
  }
  return {
    kind: "static",
    accessKeyId: access_key_id,
    secretAccessKey: new Secret(secret_access_key),
    sessionToken: session_token === undefined ? undefined : new Secret(session_token),
  };
}
