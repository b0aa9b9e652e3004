/** The closed list of error kinds, and the table of how each is shown to clients, retried and logged. */

import type { LogLevel } from "./log/log.ts";

/** How one kind of error is shown in each dialect, retried and logged. */
interface ErrorRow {
  /** HTTP status; `anthropicStatus` and `bedrockStatus` replace it on those dialects' routes. */
  readonly status: number;
  readonly anthropicStatus?: number;
  readonly bedrockStatus?: number;
  /** `error.type` and `error.code` of OpenAI's error object. */
  readonly openai: readonly [type: string, code: string];
  /** `error.type` of Anthropic's error object (https://docs.anthropic.com/en/api/errors). */
  readonly anthropic: string;
  /** Exception name for `x-amzn-ErrorType` on the native routes. */
  readonly bedrock: string;
  readonly level: LogLevel;
  /** Whether the upstream's message is shown, with identifiers scrubbed; if hidden, `text` is shown. */
  readonly upstreamText: "scrubbed" | "hidden";
  /** The default message to the caller. */
  readonly text: string;
  /** Sent as `x-should-retry`, which overrides the retry rules of the OpenAI and Anthropic SDKs. */
  readonly shouldRetry?: boolean;
  /** Seconds to send as `retry-after` if the upstream did not send one. */
  readonly retryAfterS?: number;
}

const invalid = {
  status: 400,
  openai: ["invalid_request_error", "invalid_request_error"],
  anthropic: "invalid_request_error",
  bedrock: "ValidationException",
  level: "info",
  upstreamText: "scrubbed",
  text: "the request is invalid",
} as const satisfies ErrorRow;

const unauthenticated = {
  ...invalid,
  status: 401,
  // AWS never returns 401, and its SDKs expect what AWS returns.
  bedrockStatus: 403,
  openai: ["authentication_error", "invalid_api_key"],
  anthropic: "authentication_error",
  bedrock: "UnrecognizedClientException",
  upstreamText: "hidden",
} as const satisfies ErrorRow;

const upstreamFailed = {
  status: 502,
  openai: ["server_error", "upstream_error"],
  anthropic: "api_error",
  bedrock: "InternalServerException",
  level: "warn",
  upstreamText: "hidden",
  text: "the model provider failed to handle the request",
} as const satisfies ErrorRow;

const unavailable = {
  ...upstreamFailed,
  status: 503,
  anthropicStatus: 529,
  openai: ["server_error", "overloaded"],
  anthropic: "overloaded_error",
  bedrock: "ServiceUnavailableException",
} as const satisfies ErrorRow;

/** Over one of this gateway's limits. */
const limited = {
  ...invalid,
  status: 429,
  openai: ["rate_limit_error", "rate_limit_exceeded"],
  anthropic: "rate_limit_error",
  bedrock: "ThrottlingException",
  shouldRetry: true,
  retryAfterS: 1,
  text: "refused by this gateway: too many requests; wait before retrying",
} as const satisfies ErrorRow;

export const ERRORS = {
  invalid_request: invalid,
  body_too_large: {
    ...invalid,
    status: 413,
    openai: ["invalid_request_error", "request_too_large"],
    anthropic: "request_too_large",
  },
  headers_too_large: {
    ...invalid,
    status: 431,
    openai: ["invalid_request_error", "headers_too_large"],
    text: "the request headers are too large",
  },
  request_timeout: {
    ...invalid,
    status: 408,
    openai: ["invalid_request_error", "request_timeout"],
    text: "timed out reading the request body",
  },
  route_not_found: {
    ...invalid,
    status: 404,
    openai: ["invalid_request_error", "route_not_found"],
    anthropic: "not_found_error",
    bedrock: "UnknownOperationException",
    text: "route not found",
  },
  method_not_allowed: {
    ...invalid,
    status: 405,
    openai: ["invalid_request_error", "method_not_allowed"],
    bedrock: "UnknownOperationException",
    text: "method not allowed on this route",
  },
  upgrade_refused: {
    ...invalid,
    status: 426,
    openai: ["invalid_request_error", "upgrade_refused"],
    text: "the gateway does not serve WebSockets; send the request by POST",
  },
  missing_key: {
    ...unauthenticated,
    openai: ["authentication_error", "missing_api_key"],
    bedrock: "MissingAuthenticationTokenException",
    text: 'missing API key; send it as "Authorization: Bearer KEY" or "x-api-key: KEY"',
  },
  invalid_key: { ...unauthenticated, text: "invalid API key" },
  expired_key: {
    ...unauthenticated,
    openai: ["authentication_error", "expired_api_key"],
    bedrock: "ExpiredTokenException",
    text: "the API key has expired",
  },
  disabled_key: {
    ...unauthenticated,
    openai: ["authentication_error", "disabled_api_key"],
    text: "the API key is disabled",
  },
  incomplete_signature: {
    ...unauthenticated,
    bedrockStatus: 400,
    openai: ["authentication_error", "incomplete_signature"],
    bedrock: "IncompleteSignatureException",
    text: "the AWS signature is incomplete",
  },
  invalid_signature: {
    ...unauthenticated,
    openai: ["authentication_error", "invalid_signature"],
    bedrock: "InvalidSignatureException",
    text: "the AWS signature does not match the request",
  },
  permission_denied: {
    ...invalid,
    status: 403,
    openai: ["permission_error", "permission_denied"],
    anthropic: "permission_error",
    bedrock: "AccessDeniedException",
    level: "warn",
    upstreamText: "hidden",
    text: "the model provider denied access to this model",
  },
  model_not_found: {
    ...invalid,
    status: 404,
    bedrockStatus: 403,
    openai: ["invalid_request_error", "model_not_found"],
    anthropic: "not_found_error",
    bedrock: "AccessDeniedException",
    upstreamText: "hidden",
    text: "the model does not exist or this key is not allowed to use it",
  },
  upstream_credentials: {
    ...upstreamFailed,
    openai: ["server_error", "upstream_credentials"],
    level: "error",
    shouldRetry: false,
    text: "the model provider rejected the gateway's credentials; your API key is valid",
  },
  timeout: {
    ...upstreamFailed,
    status: 504,
    openai: ["server_error", "timeout"],
    anthropic: "timeout_error",
    bedrock: "ModelTimeoutException",
    text: "the model did not respond in time",
  },
  model_error: {
    ...upstreamFailed,
    openai: ["server_error", "model_error"],
    bedrock: "ModelErrorException",
    upstreamText: "scrubbed",
    text: "the model failed while processing the request",
  },
  rate_limited: {
    ...upstreamFailed,
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    bedrock: "ThrottlingException",
    upstreamText: "scrubbed",
    text: "too many requests; wait before retrying",
  },
  quota_exceeded: {
    ...upstreamFailed,
    status: 429,
    openai: ["insufficient_quota", "insufficient_quota"],
    anthropic: "rate_limit_error",
    bedrock: "ServiceQuotaExceededException",
    // AWS's status for this; its SDKs retry any 429. In other dialects, `shouldRetry` prevents retries for hours.
    bedrockStatus: 400,
    shouldRetry: false,
    text: "the quota of the model provider account is exceeded",
  },
  model_not_ready: {
    ...unavailable,
    openai: ["server_error", "model_not_ready"],
    bedrock: "ModelNotReadyException",
    text: "the model is not ready yet; retry shortly",
    retryAfterS: 5,
  },
  upstream_error: upstreamFailed,
  overloaded: { ...unavailable, text: "the model provider is overloaded; retry shortly" },
  upstream_unreachable: {
    ...upstreamFailed,
    openai: ["server_error", "upstream_unreachable"],
    text: "the model provider could not be reached",
  },
  upstream_protocol: {
    ...upstreamFailed,
    openai: ["server_error", "upstream_protocol"],
    text: "the model provider's response could not be read",
  },
  stream_truncated: {
    ...upstreamFailed,
    openai: ["server_error", "stream_truncated"],
    bedrock: "ModelStreamErrorException",
    text: "the model's response ended before it was complete",
  },
  limit_requests: {
    ...limited,
    openai: ["requests", "rate_limit_exceeded"],
    text: "refused by this gateway: too many requests; wait before retrying",
  },
  limit_tokens: {
    ...limited,
    openai: ["tokens", "rate_limit_exceeded"],
    text: "refused by this gateway: too many tokens; wait before retrying",
  },
  limit_concurrent: {
    ...limited,
    openai: ["rate_limit_error", "concurrency_limit_exceeded"],
    text: "refused by this gateway: too many concurrent requests; wait before retrying",
  },
  quota_short: {
    ...limited,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    text:
      "refused by this gateway: the quota of every provider of this model is used up; wait before retrying",
  },
  budget_spent: {
    ...limited,
    openai: ["insufficient_quota", "insufficient_quota"],
    bedrock: "ServiceQuotaExceededException",
    // AWS's status for this, which its SDKs do not retry. Retries could go on until the window ends, for days.
    bedrockStatus: 400,
    shouldRetry: false,
    text: "refused by this gateway: a budget is spent",
  },
  price_unknown: {
    ...invalid,
    status: 403,
    openai: ["permission_error", "permission_denied"],
    anthropic: "permission_error",
    bedrock: "AccessDeniedException",
    shouldRetry: false,
    text: "refused by this gateway: the price of this model is unknown",
  },
  limit_unmetered: {
    ...invalid,
    status: 403,
    openai: ["permission_error", "permission_denied"],
    anthropic: "permission_error",
    bedrock: "AccessDeniedException",
    shouldRetry: false,
    text: "refused by this gateway: this operation cannot be metered",
  },
  no_target: {
    ...unavailable,
    openai: ["server_error", "no_target"],
    text: "no provider of this model can answer right now; retry shortly",
    retryAfterS: 1,
  },
  busy: {
    ...unavailable,
    text: "the gateway is at its concurrency limit; retry shortly",
    retryAfterS: 1,
  },
  draining: {
    ...unavailable,
    level: "info",
    text: "the gateway is shutting down; retry shortly",
    retryAfterS: 1,
  },
  unsupported: {
    ...invalid,
    status: 501,
    openai: ["invalid_request_error", "unsupported"],
    bedrock: "UnknownOperationException",
    text: "the gateway does not support this operation",
  },
  client_gone: {
    ...invalid,
    status: 499,
    openai: ["invalid_request_error", "client_gone"],
    text: "the client closed the connection before the response was complete",
  },
  internal: {
    ...upstreamFailed,
    status: 500,
    openai: ["server_error", "internal_error"],
    level: "error",
    text: "internal error in the gateway",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorKind = keyof typeof ERRORS;

/** All kinds, always in the same order. */
export const ERROR_KINDS: readonly ErrorKind[] = Object.keys(ERRORS).filter(isErrorKind);

function isErrorKind(text: string): text is ErrorKind {
  return text in ERRORS;
}

/** The table's row for a kind, with the optional columns typed. */
export function errorRow(kind: ErrorKind): ErrorRow {
  return ERRORS[kind];
}

/** The error code on the OpenAI routes; the log, the metrics and the status use it for every dialect. */
export function codeOf(kind: ErrorKind): string {
  return ERRORS[kind].openai[1];
}

/** The code of a kind written by any version of the program. */
export function codeOfWritten(kind: string): string {
  return isErrorKind(kind) ? codeOf(kind) : kind;
}

/** The kinds with a code; any other text stays as it is. */
export function kindsOf(code: string): readonly string[] {
  const kinds = ERROR_KINDS.filter((kind) => codeOf(kind) === code);
  return kinds.length === 0 ? [code] : kinds;
}

/** Details of the upstream's error; only for the operator's log. */
export interface UpstreamDetail {
  readonly status?: number;
  /** Exception name as AWS spells it, without the coral suffix. */
  readonly type?: string;
  readonly message?: string;
  readonly requestId?: string;
}

/** The rule that refused a request, and what it limits. */
export interface RefusingLimit {
  readonly rule: string;
  readonly what: string;
}

export interface ErrorDetails {
  /** Path of the request field at fault, such as `messages[2].content[0].image_url.url`. */
  readonly param?: string;
  /** `error_code` in the details of Anthropic's error object; Anthropic's clients act on it. */
  readonly anthropicCode?: string;
  /** `code` of OpenAI's error object if it is more specific than that of the kind; OpenAI's clients act on it. */
  readonly openAiCode?: string;
  /** `type` of OpenAI's error object, for the same reason. */
  readonly openAiType?: string;
  /** The methods that the route does support, for the `allow` header of a 405 (required by RFC 9110). */
  readonly allow?: string;
  /** The upstream's `retry-after`, passed through unchanged. */
  readonly retryAfter?: string;
  /** Milliseconds after which the request may be repeated, if this gateway knows. */
  readonly retryAfterMs?: number;
  /** The remaining limits of the caller, as headers of its dialect. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For `x-adit-limit`. */
  readonly limit?: RefusingLimit;
  /** Overrides the table: seconds to send as `retry-after` if the upstream did not send one. */
  readonly retryAfterS?: number;
  /** Overrides the table: false if the gateway has already retried and another attempt is unlikely to help. */
  readonly shouldRetry?: boolean;
  /** The requested model, if the caller may not use it. */
  readonly requestedModel?: string;
  readonly upstream?: UpstreamDetail;
  readonly cause?: unknown;
}

/** An error for the caller: `message` is safe to show, `details.upstream` and `details.cause` are not. */
export class AditError extends Error {
  override readonly name = "AditError";

  constructor(readonly kind: ErrorKind, message?: string, readonly details: ErrorDetails = {}) {
    super(message ?? ERRORS[kind].text, details.cause === undefined ? undefined : { cause: details.cause });
  }
}

/** A 400 that names the invalid field and what was found there. */
export function invalidField(param: string, message: string, openAiCode?: string): AditError {
  return new AditError("invalid_request", `${param}: ${message}`, {
    param,
    ...(openAiCode !== undefined && { openAiCode }),
  });
}

/** An upstream response that cannot be read; `message` is only for the operator's log. */
export function upstreamProtocol(message: string): AditError {
  return new AditError("upstream_protocol", undefined, { upstream: { message } });
}

/** The error itself if it is an AditError, otherwise an `internal` error with it as the cause. */
export function toAditError(error: unknown): AditError {
  return error instanceof AditError ? error : new AditError("internal", undefined, { cause: error });
}

/** The message of an error, or anything else that was thrown as a string. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
