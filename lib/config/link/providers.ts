/** Providers: endpoint and credentials. */

import { unbracketed } from "../../base/host.ts";
import type { LinkContext } from "./context.ts";
import { linkCredentials } from "./credentials.ts";
import { KNOWN_REGIONS } from "../schema/regions.ts";
import type { ProviderConfig } from "../schema/config_file.ts";
import type { Provider } from "../../snapshot/snapshot.ts";
import { isLoopback } from "../schema/values.ts";

type BedrockConfig = Extract<ProviderConfig, { type: "bedrock" }>;

/** The provider with its endpoint and credentials; undefined if they are invalid. */
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
      `unknown region ${context.shown(place, region, KNOWN_REGIONS)}`,
    );
  }
  for (const key of ["fips", "dualstack"] as const) {
    if (endpoint !== undefined && entry[key]) {
      context.fail([...path, key], "conflicts with endpoint, which sets the full host name");
    }
  }
  if (endpoint?.startsWith("http:") && !isLoopback(unbracketed(new URL(endpoint).hostname))) {
    context.warn([...path, "endpoint"], "prompts and responses are sent unencrypted; use https");
  }
  const credentials = linkCredentials(entry.credentials, {
    path: [...path, "credentials"],
    region,
    context,
  });
  return credentials && { kind: "bedrock", name, region, endpoint, fips, dualstack, credentials };
}
