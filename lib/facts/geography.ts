/** Where a model id may be served: the geographies of inference profiles, and the regions that belong to them. */

/** What data residency has to know of a target. */
export interface ServedPlace {
  /** Model id, inference profile id or ARN. */
  readonly id: string;
  /** The region that is asked. */
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

/** Names that may be allowed: those of inference profiles. */
export const GEOGRAPHIES: readonly string[] = [...Object.keys(REGIONS), "global"];

/** The geographies whose inference profiles can be asked in a region. */
export function geographiesOf(region: string): readonly string[] {
  return Object.keys(REGIONS).filter((geography) => isIn(region, geography));
}

const ARN = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:([a-z-]+)\/(.+)$/s;

/** Geography in front of a profile id: `us`, `eu`, `global`, …; undefined where the id is served in its region alone. */
export function profileGeography(id: string): string | undefined {
  const [, kind, resource = id] = ARN.exec(id) ?? [];
  // What an application profile copies from is not in its ARN.
  if (kind === "application-inference-profile") return "unknown";
  return /^(us-gov|[a-z]{2,6})\.[a-z0-9-]+\./.exec(resource)?.[1];
}

/**
 * Why requests may leave the allowed geographies or regions; undefined where they cannot. A profile is allowed by its own
 * geography alone, since AWS chooses among the regions of it.
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
