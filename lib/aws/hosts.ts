/** AWS's partitions, with the host names of Bedrock's runtime and control plane (FIPS and dual stack) and of STS. */

export interface EndpointOptions {
  readonly fips?: boolean;
  readonly dualstack?: boolean;
}

interface Partition {
  /** The second field of its ARNs. */
  readonly name: string;
  readonly regions: RegExp;
  readonly suffix: string;
  readonly dualstackSuffix: string;
}

/** From AWS's endpoint rules; as in AWS's SDKs, a region that no row matches belongs to the first. */
const COMMERCIAL: Partition = {
  name: "aws",
  regions: /^/,
  suffix: "amazonaws.com",
  dualstackSuffix: "api.aws",
};
const PARTITIONS: readonly Partition[] = [
  { ...COMMERCIAL, name: "aws-us-gov", regions: /^us-gov-/ },
  {
    name: "aws-cn",
    regions: /^cn-/,
    suffix: "amazonaws.com.cn",
    dualstackSuffix: "api.amazonwebservices.com.cn",
  },
  {
    name: "aws-eusc",
    regions: /^eusc-/,
    suffix: "amazonaws.eu",
    dualstackSuffix: "api.amazonwebservices.eu",
  },
  { name: "aws-iso", regions: /^us-iso-/, suffix: "c2s.ic.gov", dualstackSuffix: "api.aws.ic.gov" },
  { name: "aws-iso-b", regions: /^us-isob-/, suffix: "sc2s.sgov.gov", dualstackSuffix: "api.aws.scloud" },
  {
    name: "aws-iso-e",
    regions: /^eu-isoe-/,
    suffix: "cloud.adc-e.uk",
    dualstackSuffix: "api.cloud-aws.adc-e.uk",
  },
  {
    name: "aws-iso-f",
    regions: /^us-isof-/,
    suffix: "csp.hci.ic.gov",
    dualstackSuffix: "api.aws.hci.ic.gov",
  },
];

/** The domains of AWS's hosts in all partitions, the longest first. */
export const DOMAINS: readonly string[] = [COMMERCIAL, ...PARTITIONS]
  .flatMap(({ suffix, dualstackSuffix }) => [suffix, dualstackSuffix])
  .sort((one, other) => other.length - one.length);

/** Origin of the region's runtime endpoint, such as `https://bedrock-runtime.us-east-1.amazonaws.com`. */
export function bedrockEndpoint(region: string, options: EndpointOptions = {}): string {
  return originOf("bedrock-runtime", region, options);
}

/** Origin of the region's endpoint for OpenAI's and Anthropic's APIs, `https://bedrock-mantle.us-east-1.api.aws`. */
export function bedrockMantleEndpoint(region: string): string {
  return `https://bedrock-mantle.${region}.${partitionOf(region).dualstackSuffix}`;
}

/** Origin of the region's control plane, such as `https://bedrock.us-east-1.amazonaws.com`. */
export function bedrockControlEndpoint(region: string, options: EndpointOptions = {}): string {
  return originOf("bedrock", region, options);
}

function originOf(name: string, region: string, options: EndpointOptions): string {
  const partition = partitionOf(region);
  const service = options.fips === true ? `${name}-fips` : name;
  const suffix = options.dualstack === true ? partition.dualstackSuffix : partition.suffix;
  return `https://${service}.${region}.${suffix}`;
}

/** Origin of the region's Security Token Service. */
export function stsEndpoint(region: string): string {
  return `https://sts.${region}.${partitionOf(region).suffix}`;
}

/** Name of the region's partition as in ARNs, such as `aws-us-gov`. */
export function partitionName(region: string): string {
  return partitionOf(region).name;
}

function partitionOf(region: string): Partition {
  return PARTITIONS.find((row) => row.regions.test(region)) ?? COMMERCIAL;
}
