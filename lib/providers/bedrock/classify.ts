/** Classifies upstream errors: AWS's exception names and statuses to our error kinds. */

import { exceptionName } from "../../aws/exception_name.ts";
import { scrub } from "../../aws/scrub.ts";
import { decodeUtf8 } from "../../base/bytes.ts";
import {
  AditError,
  type ErrorDetails,
  type ErrorKind,
  errorRow,
  type UpstreamDetail,
} from "../../base/errors.ts";
import { type JsonObject, type JsonValue, member } from "../../base/json.ts";
import type { Frame } from "../../codec/eventstream.ts";

/** Maximum size of an error body; Bedrock's are shorter, so a longer one is discarded. */
export const MAX_ERROR_BYTES = 64 * 1024;

/** Exception names of Bedrock and of the signature layer in front of it. */
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
    // The caller's key is valid: these concern the credentials with which this gateway signed.
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

/** For responses without a known exception name: those of proxies, load balancers and AWS's own front ends. */
const KIND_BY_STATUS: ReadonlyMap<number, ErrorKind> = new Map(
  [
    [400, "invalid_request"],
    [401, "upstream_credentials"],
    // The layer that checks API keys refuses with a 403 that has no exception name.
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

/** Statuses with the same meaning from any sender; any other one with an HTML page comes from a proxy. */
const PLAIN_STATUSES: ReadonlySet<number> = new Set([408, 413, 429, 503, 504, 529]);

/** AWS's messages for rejected API keys, which have the exception name of missing permissions. */
const ABOUT_API_KEY = /\bapi key\b|\bbearer token\b/i;

/** The error for an HTTP response other than 200. */
export function classifyResponse(status: number, headers: Headers, body: Uint8Array): AditError {
  const { code, message, openAiCode, param } = parseErrorBody(body);
  const type = exceptionName(headers.get("x-amzn-errortype") ?? code);
  const kind = kindOf({ status, type, message, isForeign: isForeign(headers, body) });
  const upstream = {
    status,
    ...optional("type", type),
    ...optional("message", message),
    ...optional("requestId", headers.get("x-amzn-requestid")),
  };
  return refusal(kind, upstream, {
    ...optional("retryAfter", headers.get("retry-after")),
    ...(kind === "invalid_request" && { ...ownCode(openAiCode), ...optional("param", param) }),
  });
}

interface Response {
  readonly status: number;
  readonly type: string | undefined;
  readonly message: unknown;
  /** Whether the response is not Bedrock's, but that of a proxy or of another server at the endpoint. */
  readonly isForeign: boolean;
}

function kindOf({ status, type, message, isForeign }: Response): ErrorKind {
  const named = KIND_BY_EXCEPTION.get(type ?? "");
  if (named === "permission_denied" && typeof message === "string" && ABOUT_API_KEY.test(message)) {
    return "upstream_credentials";
  }
  if (named !== undefined) return named;
  if (isForeign && !PLAIN_STATUSES.has(status)) return "upstream_protocol";
  return KIND_BY_STATUS.get(status) ?? "upstream_error";
}

/** AWS's responses have a request id or an error type; errors of its OpenAI-compatible endpoints have OpenAI's form. */
function isForeign(headers: Headers, body: Uint8Array): boolean {
  if (isHtml(headers, body)) return true;
  return !(headers.has("x-amzn-requestid") || headers.has("x-amzn-errortype") || isOpenAiError(body));
}

/** Whether it is `{"error": {"message": "…", "code": "…"}}`, with a code or a type. */
function isOpenAiError(body: Uint8Array): boolean {
  const error = member(parseSmallJson(body), "error");
  const isText = (name: string) => typeof member(error, name) === "string";
  return isText("message") && (isText("code") || isText("type"));
}

/** Whether it is an HTML page, which Bedrock never sends. */
export function isHtml(headers: Headers, body: Uint8Array): boolean {
  return /^text\/html\b/i.test(headers.get("content-type") ?? "") ||
    /^\s*<(?:!doctype html|html)\b/i.test(decodeUtf8(body.subarray(0, 256)));
}

/** The `error.type` of Anthropic's API. */
const KIND_BY_ERROR_TYPE: ReadonlyMap<unknown, ErrorKind> = new Map(
  [
    ["invalid_request_error", "invalid_request"],
    ["not_found_error", "model_not_found"],
    ["permission_error", "permission_denied"],
    ["rate_limit_error", "rate_limited"],
    ["overloaded_error", "overloaded"],
    ["request_too_large", "body_too_large"],
    ["timeout_error", "timeout"],
  ] satisfies [string, ErrorKind][],
);

/** The error for an `error` event of the model itself, `{"type": "error", "error": {"type", "message"}}`. */
export function classifyErrorEvent({ error }: JsonObject, requestId: string | undefined): AditError {
  const type = member(error, "type");
  const kind = KIND_BY_ERROR_TYPE.get(type) ?? "model_error";
  const upstream = {
    ...optional("type", type),
    ...optional("message", member(error, "message")),
    ...optional("requestId", requestId),
  };
  return refusal(kind, upstream, kind === "invalid_request" ? ownCode(member(error, "code")) : {});
}

/**
 * The error for a frame of an event stream; undefined for an event. Some real frames have no `:message-type`; the
 * other headers then decide.
 */
export function classifyFrame(
  { headers, payload }: Frame,
  requestId: string | undefined,
): AditError | undefined {
  const name = textOf(headers, ":exception-type") ?? textOf(headers, ":error-code");
  const messageType = headers.get(":message-type");
  if (name === undefined && messageType !== "exception" && messageType !== "error") return undefined;
  // HTTP's `ThrottlingException` is a union member here: `throttlingException`.
  const type = name === undefined ? undefined : name.charAt(0).toUpperCase() + name.slice(1);
  return refusal(KIND_BY_EXCEPTION.get(type ?? "") ?? "upstream_error", {
    ...optional("type", type),
    ...optional("message", textOf(headers, ":error-message") ?? parseErrorBody(payload).message),
    ...optional("requestId", requestId),
  });
}

function textOf(headers: Frame["headers"], name: string): string | undefined {
  const value = headers.get(name);
  return typeof value === "string" ? value : undefined;
}

/** Parts of an error for the caller, in addition to its kind and message. */
type CallerDetails = Pick<ErrorDetails, "openAiCode" | "param" | "retryAfter">;

function refusal(kind: ErrorKind, upstream: UpstreamDetail, details: CallerDetails = {}): AditError {
  const shown = errorRow(kind).upstreamText === "scrubbed" && upstream.message !== undefined
    ? scrub(upstream.message)
    : undefined;
  const openAiCode = kind === "invalid_request" ? codeOf(upstream.message) : undefined;
  return new AditError(kind, shown, { upstream, ...optional("openAiCode", openAiCode), ...details });
}

/** The code of an error in OpenAI's form, which clients act on, unless it is the one for every kind of mistake. */
function ownCode(code: unknown): CallerDetails {
  const isSpecific = typeof code === "string" && /^[a-z][a-z_]{2,63}$/.test(code) &&
    code !== "validation_error";
  return isSpecific ? { openAiCode: code } : {};
}

/** Messages of models and of Bedrock for which OpenAI has a code that clients act on. */
const OPENAI_CODES: readonly (readonly [words: RegExp, code: string])[] = [
  [
    /\b(?:input|prompt) is too long\b|\btoo many (?:input )?tokens\b|\b(?:context|input) (?:length|window)\b/i,
    "context_length_exceeded",
  ],
  [/\b(?:signature|data)\b.*(?:\b|_)thinking\b/i, "invalid_encrypted_content"],
];

function codeOf(message = ""): string | undefined {
  return OPENAI_CODES.find(([words]) => words.test(message))?.[1];
}

/** The JSON of an error; undefined if there is none. */
function parseSmallJson(body: Uint8Array): JsonValue | undefined {
  if (body.length > MAX_ERROR_BYTES) return undefined;
  try {
    return JSON.parse(decodeUtf8(body));
  } catch {
    return undefined;
  }
}

/**
 * AWS's front ends write `Message`, its services `message`; its OpenAI-compatible endpoints and some models have
 * `{"error": {"message", "code"}}`, and proxies `{"error": "…"}` or `{"detail": "…"}`.
 */
function parseErrorBody(
  body: Uint8Array,
): Readonly<Partial<Record<"code" | "message" | "openAiCode" | "param", unknown>>> {
  const value = parseSmallJson(body);
  const error = member(value, "error");
  const firstString = (...values: readonly (JsonValue | undefined)[]) =>
    values.find((each) => typeof each === "string" && each !== "");
  return {
    code: member(value, "code") ?? member(value, "__type"),
    openAiCode: member(error, "code"),
    param: member(error, "param"),
    message: firstString(
      member(value, "message"),
      member(value, "Message"),
      member(error, "message"),
      error,
      member(value, "detail"),
    ),
  };
}

/** The member, if it is a non-empty string. */
function optional<Name extends string>(name: Name, value: unknown): { [name in Name]?: string };
function optional(name: string, value: unknown): Record<string, string> {
  return typeof value === "string" && value !== "" ? { [name]: value } : {};
}
