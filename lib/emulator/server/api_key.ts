/** Short-term Bedrock API keys: a request presigned with an AWS key pair and encoded as a token. */

import { Buffer } from "node:buffer";
import { parseAmzDate } from "../../aws/sigv4/amz_date.ts";
import { canonicalQuery } from "../../aws/sigv4/canonical.ts";
import { sameText, signatureOf } from "../../aws/sigv4/verify.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { EmulatorCredentials } from "./credentials.ts";

export const SHORT_TERM_PREFIX = "bedrock-api-key-";

const HOST = "bedrock.amazonaws.com";
/** Appended after the request is signed. */
const VERSION = "&Version=1";
const MAX_EXPIRY_S = 43_200;

export type ApiKeyCheck =
  | { readonly ok: true; readonly region: string }
  | { readonly ok: false; readonly problem: "expired" | "invalid" };

/** Whether the key was created with one of the key pairs, for at most twelve hours, and has not expired. */
export function checkShortTermKey(
  key: string,
  { credentials, nowMs }: { readonly credentials: readonly EmulatorCredentials[]; readonly nowMs: number },
): ApiKeyCheck {
  const text = Buffer.from(key.slice(SHORT_TERM_PREFIX.length), "base64").toString();
  const [origin, query = ""] = text.split("?");
  if (origin?.replace(/\/$/, "") !== HOST || !query.endsWith(VERSION)) return INVALID;
  const signed = new URLSearchParams(query.slice(0, -VERSION.length));
  const signature = signed.get("X-Amz-Signature") ?? "";
  signed.delete("X-Amz-Signature");
  const [accessKeyId, day = "", region = "", service = "", terminator = ""] =
    signed.get("X-Amz-Credential")?.split("/") ?? [];
  const pair = credentials.find((each) => each.accessKeyId === accessKeyId);
  if (pair === undefined || service !== "bedrock" || signed.get("Action") !== "CallWithBearerToken") {
    return INVALID;
  }
  if ((signed.get("X-Amz-Security-Token") ?? "") !== (pair.sessionToken?.reveal() ?? "")) return INVALID;
  const date = signed.get("X-Amz-Date") ?? "";
  const expected = signatureOf({
    canonical: canonicalRequest(signed),
    date,
    scope: { day, region, service, terminator },
    secretAccessKey: pair.secretAccessKey,
  });
  if (!sameText(expected, signature)) return INVALID;
  const endMs = parseAmzDate(date) + Math.min(Number(signed.get("X-Amz-Expires")), MAX_EXPIRY_S) * 1000;
  return nowMs < endMs ? { ok: true, region } : { ok: false, problem: "expired" };
}

const INVALID: ApiKeyCheck = { ok: false, problem: "invalid" };

/** An empty POST to the root of the host. */
function canonicalRequest(signed: URLSearchParams): string {
  const query = [...signed].map(([name, value]) =>
    `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  );
  return ["POST", "/", canonicalQuery(query.join("&")), `host:${HOST}\n`, "host", sha256Hex("")].join("\n");
}
