/** Asks AWS who a key pair belongs to: STS GetCallerIdentity, which needs no permission. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { readStart } from "../../base/response_text.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { stsEndpoint } from "../hosts.ts";
import type { KeyPair } from "./key_pair.ts";
import { sigV4Signer } from "../sigv4/sign.ts";

export interface IdentityOptions {
  /** The region whose STS is used. */
  readonly region: string;
  /** Default: AWS's own; `AWS_ENDPOINT_URL_STS` sets it. */
  readonly endpoint: string | undefined;
  readonly fetch: Fetch;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** The relevant part is at the beginning. */
const MAX_ANSWER_LENGTH = 64 * 1024;

/** The ARN of the key pair's identity. Throws an error with the reason STS gives, without secrets. */
export async function callerIdentity(keys: KeyPair, options: IdentityOptions): Promise<string> {
  const { region, endpoint, fetch, nowMs, signal } = options;
  const request = {
    method: "POST",
    url: `${endpoint ?? stsEndpoint(region)}/`,
    headers: new Headers({ "content-type": "application/x-www-form-urlencoded; charset=utf-8" }),
    body: encodeUtf8("Action=GetCallerIdentity&Version=2011-06-15"),
  };
  const headers = await sigV4Signer({ service: "sts", region, ...keys })(request, nowMs);
  const answer = await fetch(request.url, { method: "POST", headers, body: request.body, signal });
  const text = await readStart(answer, MAX_ANSWER_LENGTH);
  const arn = answer.status === 200 ? elementOf(text, "Arn") : undefined;
  if (arn !== undefined) return arn;
  const reason = [elementOf(text, "Code"), elementOf(text, "Message")].filter(Boolean).join(": ");
  throw new Error(`STS returned ${answer.status}${reason === "" ? "" : ` ${reason}`}`);
}

/** Text of the first element with this name; STS's responses are small and flat enough for that. */
function elementOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]{1,2048})</${name}>`).exec(xml)?.[1];
}
