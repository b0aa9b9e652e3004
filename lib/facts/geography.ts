/** Geographies of inference profiles, their regions, and data residency. */

/** A target, for the check of data residency. */
export interface ServedPlace {
  /** Model id, inference profile id or ARN. */
  readonly id: string;
  /** The region that receives the request. */
  readonly region: string;
}

/**
 * Prefixes of regions by the geography of inference profiles that serves them; a region may be in two.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
const REGIONS: Readonly<Record<string, readonly string[]>> = {
  "us-gov": ["us-gov-"],
  us: ["us-east-", "us-west-"],
  eu: ["eu-"],
  apac: ["ap-"],
  jp: ["ap-northeast-1", "ap-northeast-3"],
  au: ["ap-southeast-2", "ap-southeast-4"],
  ca: ["ca-"],
  sa: ["sa-"],
  mx: ["mx-"],
  me: ["me-"],
  af: ["af-"],
  il: ["il-"],
};

/** Geographies that data residency can allow. */
export const GEOGRAPHIES: readonly string[] = [...Object.keys(REGIONS), "global"];

/** The geographies whose inference profiles can be called in a region. */
export function geographiesOf(region: string): readonly string[] {
  return Object.keys(REGIONS).filter((geography) => isIn(region, geography));
}

const ARN = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:([a-z-]+)\/(.+)$/s;

/** Geography of a profile id: `us`, `eu`, `global`, …; undefined for an id that only its region serves. */
export function profileGeography(id: string): string | undefined {
  const [, kind, resource = id] = ARN.exec(id) ?? [];
  // The ARN of an application profile does not contain the profile that it is a copy of.
  if (kind === "application-inference-profile") return "unknown";
  return /^(us-gov|[a-z]{2,6})\.[a-z0-9-]+\./.exec(resource)?.[1];
}

/**
 * The reason requests may leave the allowed geographies or regions; undefined if they cannot. A profile is
 * only allowed by its own geography, because AWS chooses among all regions of that geography.
 */
export function leavesResidency(allowed: readonly string[], { id, region }: ServedPlace): string | undefined {
  const geography = profileGeography(id);
  switch (geography) {
    case undefined:
      return allowed.some((each) => each === region || isIn(region, each))
        ? undefined
        : `region ${region} is not in ${allowed.join(", ")}`;
    case "unknown":
      return "an application inference profile does not show where it may be served";
    default:
      return allowed.includes(geography)
        ? undefined
        : `the ${geography} inference profile may leave ${allowed.join(", ")}`;
  }
}

function isIn(region: string, geography: string): boolean {
  return (REGIONS[geography] ?? []).some((prefix) => region.startsWith(prefix));
}
