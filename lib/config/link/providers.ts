/** Links providers: region, endpoint and credentials. */

import { seal } from "../../base/secret.ts";
import { isLoopback, unbracketed } from "../../base/host.ts";
import type { LinkContext } from "./context.ts";
import { linkQuotas } from "./limit_rules.ts";
import { linkCredentials } from "./credentials.ts";
import { KNOWN_REGIONS } from "../schema/regions.ts";
import { editDistance } from "../schema/suggest.ts";
import type { ProviderConfig } from "../schema/config_file.ts";
import type { Provider } from "../../snapshot/provider.ts";

type BedrockConfig = Extract<ProviderConfig, { type: "bedrock" }>;

export interface ProviderLinkOptions {
  readonly context: LinkContext;
  /** Certificate authorities by provider, as PEM. */
  readonly authorities: ReadonlyMap<string, string>;
}

/** The provider with its endpoint and credentials; undefined if they are invalid. */
export function linkProvider(
  name: string,
  entry: ProviderConfig,
  options: ProviderLinkOptions,
): Provider | undefined {
  switch (entry.type) {
    case "emulator":
      return {
        kind: "emulator",
        name,
        region: entry.region,
        quotas: linkQuotas(["providers", name, "quota"], entry.quota, options.context),
      };
    case "bedrock":
      return linkBedrock(name, entry, options);
  }
}

function linkBedrock(
  name: string,
  entry: BedrockConfig,
  { context, authorities }: ProviderLinkOptions,
): Provider | undefined {
  const path = ["providers", name];
  const { region, endpoint, mantle_endpoint: mantleEndpoint, fips, dualstack } = entry;
  if (!KNOWN_REGIONS.includes(region)) {
    const place = [...path, "region"];
    const message = `unknown region ${context.shown(place, region, KNOWN_REGIONS)}`;
    // A region may be newer than the list, but it consists of known words.
    if (isMisspelt(region)) context.fail(place, message);
    else context.warn(place, message);
  }
  for (const key of ["fips", "dualstack"] as const) {
    if (endpoint !== undefined && entry[key]) {
      context.fail([...path, key], "conflicts with endpoint, which sets the full host name");
    }
  }
  for (const key of ["endpoint", "mantle_endpoint"] as const) {
    const url = entry[key];
    if (url?.startsWith("http:") && !isLoopback(unbracketed(new URL(url).hostname))) {
      context.warn([...path, key], "prompts and responses are sent unencrypted; use https");
    }
  }
  const credentials = linkCredentials(entry.credentials, {
    path: [...path, "credentials"],
    region,
    context,
  });
  const quotas = linkQuotas([...path, "quota"], entry.quota, context);
  const proxy = entry.proxy === undefined ? undefined : seal(entry.proxy);
  const own = { proxy, authorities: authorities.get(name) };
  const network = own.proxy === undefined && own.authorities === undefined ? undefined : own;
  return credentials &&
    {
      kind: "bedrock",
      name,
      region,
      endpoint,
      mantleEndpoint,
      fips,
      dualstack,
      network,
      credentials,
      quotas,
    };
}

/** Whether a word of the region is almost one of AWS's. */
function isMisspelt(region: string): boolean {
  const words = (name: string) => name.split("-").slice(0, -1);
  const known = new Set(KNOWN_REGIONS.flatMap(words));
  return words(region).some((word) =>
    !known.has(word) && [...known].some((each) => editDistance(word, each) === 1)
  );
}
