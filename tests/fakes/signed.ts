/** Requests signed as aws4fetch signs them. */

import { AwsV4Signer } from "aws4fetch";

export interface SignOptions {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service?: string;
  readonly nowMs: number;
  /** Whether every header is signed; default: only the necessary ones. */
  readonly allHeaders?: boolean;
}

/** The headers of the request and of its signature, without `host`. */
export async function signedHeaders(options: SignOptions): Promise<Record<string, string>> {
  const { nowMs, service = "bedrock", method = "POST", ...rest } = options;
  const datetime = new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const { headers } = await new AwsV4Signer({ ...rest, method, service, datetime }).sign();
  return Object.fromEntries(headers);
}
