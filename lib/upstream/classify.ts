/** What an upstream's refusal means: AWS's exception names and statuses to the kinds of our error table. */

import { decodeUtf8 } from "../base/bytes.ts";
import { AditError, type ErrorKind, errorRow, type UpstreamDetail } from "../base/errors.ts";
import { scrub } from "../aws/scrub.ts";

/** By the names that Bedrock and the signature layer in front of it use. */
const KIND_BY_EXCEPTION: ReadonlyMap<string, ErrorKind> = new Map(
  [
    ["ValidationException", "invalid_request"],
    ["ConflictException", "invalid_request"],
    ["AccessDeniedException", "permission_denied"],
    ["ResourceNotFoundException", "model_not_found"],
    ["ModelTimeoutException", "timeout"],
    ["ModelErrorException", "model_error"],
    ["ModelStreamErrorException", "model_error"],
    ["ModelNotReadyException", "model_not_ready"],
    ["ThrottlingException", "rate_limited"],
    ["TooManyRequestsException", "rate_limited"],
    ["ServiceQuotaExceededException", "quota_exceeded"],
    ["InternalServerException", "upstream_error"],
    ["InternalFailure", "upstream_error"],
    ["ServiceUnavailableException", "overloaded"],
    // The caller's key is fine: these are about the credentials that this gateway signed with.
    ["UnrecognizedClientException", "upstream_credentials"],
    ["InvalidClientTokenId", "upstream_credentials"],
    ["InvalidSignatureException", "upstream_credentials"],
    ["SignatureDoesNotMatch", "upstream_credentials"],
    ["IncompleteSignature", "upstream_credentials"],
    ["IncompleteSignatureException", "upstream_credentials"],
    ["MissingAuthenticationToken", "upstream_credentials"],
    ["MissingAuthenticationTokenException", "upstream_credentials"],
    ["ExpiredToken", "upstream_credentials"],
    ["ExpiredTokenException", "upstream_credentials"],
    ["RequestExpired", "upstream_credentials"],
    ["OptInRequired", "upstream_credentials"],
  ] satisfies [string, ErrorKind][],
);

/** For answers that name no exception we know: proxies, load balancers, and AWS's own front ends. */
const KIND_BY_STATUS: ReadonlyMap<number, ErrorKind> = new Map(
  [
    [400, "invalid_request"],
    [401, "upstream_credentials"],
    // The bearer layer refuses API keys with a 403 that names no exception.
    [403, "upstream_credentials"],
    [404, "model_not_found"],
    [408, "timeout"],
    [413, "body_too_large"],
    [424, "model_error"],
    [429, "rate_limited"],
    [503, "overloaded"],
    [504, "timeout"],
    [529, "overloaded"],
  ] satisfies [number, ErrorKind][],
);

/** The error that an HTTP answer other than 200 stands for. */
export function classifyResponse(status: number, headers: Headers, body: Uint8Array): AditError {
  const { code, message } = readErrorBody(body);
  const type = exceptionName(headers.get("x-amzn-errortype") ?? code);
  const kind = KIND_BY_EXCEPTION.get(type ?? "") ?? KIND_BY_STATUS.get(status) ?? "upstream_error";
  const retryAfter = headers.get("retry-after");
  return refusal(kind, {
    status,
    ...(type === undefined ? {} : { type }),
    ...(message === undefined ? {} : { message }),
    ...optional("requestId", headers.get("x-amzn-requestid")),
  }, retryAfter);
}

/** The error that an exception or error frame in an event stream stands for; `name` as the frame spells it. */
export function classifyException(name: string, message: string, requestId: string | undefined): AditError {
  const type = name.charAt(0).toUpperCase() + name.slice(1);
  const kind = KIND_BY_EXCEPTION.get(type) ?? "upstream_error";
  return refusal(kind, { type, message, ...optional("requestId", requestId ?? null) }, null);
}

function refusal(kind: ErrorKind, upstream: UpstreamDetail, retryAfter: string | null): AditError {
  const shown = errorRow(kind).upstreamText === "scrubbed" && upstream.message !== undefined
    ? scrub(upstream.message)
    : undefined;
  return new AditError(kind, shown, { upstream, ...optional("retryAfter", retryAfter) });
}

/** `ValidationException` out of `ValidationException:http://internal.amazon.com/…` or `com.amazon#ValidationException`. */
function exceptionName(text: string | undefined): string | undefined {
  return text?.split(",")[0]?.split(":")[0]?.split("#").at(-1)?.trim();
}

/** AWS's front ends write `Message`, its services `message`; proxies send HTML, of which nothing is kept. */
function readErrorBody(body: Uint8Array): { code?: string; message?: string } {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(body));
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  const members = new Map(Object.entries(value));
  return {
    ...optionalText("code", members.get("code") ?? members.get("__type")),
    ...optionalText("message", members.get("message") ?? members.get("Message")),
  };
}

function optionalText<Name extends string>(name: Name, value: unknown): { [name in Name]?: string } {
  return optional(name, typeof value === "string" ? value : null);
}

function optional<Name extends string>(name: Name, value: string | null): { [name in Name]?: string };
function optional(name: string, value: string | null): Record<string, string> {
  return value === null ? {} : { [name]: value };
}
