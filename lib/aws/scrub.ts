/** Removes identifiers of the operator's account from AWS's messages, so that callers may read them. */

import { DOMAINS } from "./hosts.ts";

/** Longer messages are truncated: useful ones are shorter, and this limits the time of the patterns. */
const MAX_CHARS = 4096;

/** In order: patterns that contain other identifiers come first. */
const IDENTIFIERS: readonly (readonly [RegExp, string])[] = [
  [/arn(?::|%3a)[a-z-]*(?::|%3a)[^\s"'`<>(){}[\],;]*/gi, "[arn]"],
  [/https?:\/\/[^\s"'`<>(){}[\],;]*/gi, "[url]"],
  [
    new RegExp(
      `[a-z0-9.-]*\\.(?:${DOMAINS.map((each) => each.replaceAll(".", "\\.")).join("|")})(?::\\d+)?`,
      "gi",
    ),
    "[host]",
  ],
  [/\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g, "[host]"],
  [/vpce-[a-z0-9-]+/gi, "[endpoint]"],
  [/(?:A3T[A-Z0-9]|ABIA|ACCA|AGPA|AIDA|AIPA|AKIA|ANPA|ANVA|APKA|AROA|ASCA|ASIA)[A-Z0-9]{12,}/g, "[key id]"],
  [/(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/=_-]{8,}/g, "[key]"],
  [
    /[a-z]{2,4}-(?:[a-z]{2,4}-)?(?:(?:north|south)(?:east|west)?|east|west|central)-\d{1,2}[a-f]?/gi,
    "[region]",
  ],
  [/(?<!\d)\d{4}-?\d{4}-?\d{4}(?!\d)/g, "[account]"],
];

/** The message without ARNs, hosts, URLs, account ids, regions, key ids and keys. */
export function scrub(text: string): string {
  const bounded = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
  return IDENTIFIERS.reduce((scrubbed, [pattern, name]) => scrubbed.replaceAll(pattern, name), bounded);
}
