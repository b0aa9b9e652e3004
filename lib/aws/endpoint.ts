/** Host names of Amazon Bedrock's runtime endpoint, by partition, FIPS and dual stack. */

export interface EndpointOptions {
  readonly fips?: boolean;
  readonly dualstack?: boolean;
}

interface Partition {
  readonly regions: RegExp;
  readonly suffix: string;
  readonly dualstackSuffix: string;
}

/** From AWS's endpoint rules; a region that no row knows belongs to the first, as it does in AWS's own SDKs. */
const COMMERCIAL: Partition = { regions: /^/, suffix: "amazonaws.com", dualstackSuffix: "api.aws" };
const PARTITIONS: readonly Partition[] = [
  { regions: /^cn-/, suffix: "amazonaws.com.cn", dualstackSuffix: "api.amazonwebservices.com.cn" },
  { regions: /^eusc-/, suffix: "amazonaws.eu", dualstackSuffix: "api.amazonwebservices.eu" },
  { regions: /^us-iso-/, suffix: "c2s.ic.gov", dualstackSuffix: "api.aws.ic.gov" },
  { regions: /^us-isob-/, suffix: "sc2s.sgov.gov", dualstackSuffix: "api.aws.scloud" },
  { regions: /^eu-isoe-/, suffix: "cloud.adc-e.uk", dualstackSuffix: "api.cloud-aws.adc-e.uk" },
  { regions: /^us-isof-/, suffix: "csp.hci.ic.gov", dualstackSuffix: "api.aws.hci.ic.gov" },
];

/** Origin of the region's runtime endpoint, such as `https://bedrock-runtime.us-east-1.amazonaws.com`. */
export function bedrockEndpoint(region: string, options: EndpointOptions = {}): string {
  const partition = PARTITIONS.find((row) => row.regions.test(region)) ?? COMMERCIAL;
  const service = options.fips === true ? "bedrock-runtime-fips" : "bedrock-runtime";
  const suffix = options.dualstack === true ? partition.dualstackSuffix : partition.suffix;
  return `https://${service}.${region}.${suffix}`;
}
