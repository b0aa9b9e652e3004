/** Regions in which inference profiles can be used. */

/** Source regions by geography. */
const SOURCES: Readonly<Record<string, RegExp>> = {
  "us-gov": /^us-gov-/,
  apac: /^(ap|me)-/,
  au: /^ap-southeast-(2|4|6)$/,
  ca: /^ca-/,
  eu: /^eu-/,
  global: /^(?!us-gov-|cn-|us-iso)/,
  jp: /^ap-northeast-(1|3)$/,
  us: /^(us-(east|west)-|ca-)/,
};

/** Whether the profiles of a geography can be used in a region. */
export function isCallableFrom(geography: string, region: string): boolean {
  return SOURCES[geography]?.test(region) ?? false;
}
