/**
 * The cost of a signature, Adit's and that of `aws4fetch` unchanged: prints a list of `SigningResult` as JSON. Runs on
 * Bun and on Deno.
 */

import process from "node:process";
import { AwsV4Signer } from "aws4fetch";
import { sigV4Signer } from "../../lib/aws/sigv4/sign.ts";
import { Secret } from "../../lib/base/secret.ts";
import { bestOf } from "./sampling.ts";

export interface SigningResult {
  readonly bodyBytes: number;
  readonly us: number;
  readonly aws4fetchUs: number;
}

const BODY_BYTES = [1000, 100_000, 1_000_000];
const NOW_MS = Date.UTC(2026, 10, 20, 9);
const KEY = { region: "us-east-1", accessKeyId: "AKIDEXAMPLE" };

const sign = sigV4Signer({ ...KEY, secretAccessKey: new Secret("secret") });

/** Signs a request with a body of this size, as Adit does. */
export function signing(bodyBytes: number): () => unknown {
  const request = requestOf(bodyBytes);
  return () => sign(request, NOW_MS);
}

function signingByAws4fetch(bodyBytes: number): () => Promise<unknown> {
  const request = requestOf(bodyBytes);
  return () => new AwsV4Signer({ ...request, ...KEY, service: "bedrock", secretAccessKey: "secret" }).sign();
}

function requestOf(bodyBytes: number) {
  return {
    method: "POST",
    url: "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v1%3A0/converse",
    headers: new Headers({ "content-type": "application/json" }),
    body: new Uint8Array(bodyBytes),
  };
}

if (import.meta.main) {
  const results: SigningResult[] = [];
  for (const bodyBytes of BODY_BYTES) {
    const [ms = NaN, aws4fetchMs = NaN] = await bestOf([signing(bodyBytes), signingByAws4fetch(bodyBytes)]);
    results.push({ bodyBytes, us: ms * 1000, aws4fetchUs: aws4fetchMs * 1000 });
  }
  process.stdout.write(JSON.stringify(results));
}
