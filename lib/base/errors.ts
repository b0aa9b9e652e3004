/** The closed list of what can go wrong, and the one table that says how each kind looks from outside. */

import type { LogLevel } from "./log.ts";

/** How one kind of error is shown to callers of each dialect, retried and logged. */
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
  /** Whether another target may be tried before the first byte has gone to the client. */
  readonly retry: "never" | "elsewhere";
  readonly level: LogLevel;
  /** Whether the upstream's wording, scrubbed of identifiers, is shown; otherwise `text` stands in for it. */
  readonly upstreamText: "scrubbed" | "hidden";
  /** What the caller reads when there is nothing more exact to say. */
  readonly text: string;
  /** Sent as `x-should-retry`, which the OpenAI and Anthropic SDKs obey over their own rules. */
  readonly shouldRetry?: boolean;
  /** Seconds to send as `retry-after` where the upstream named none. */
  readonly retryAfterS?: number;
}

const invalid = {
  status: 400,
  openai: ["invalid_request_error", "invalid_request_error"],
  anthropic: "invalid_request_error",
  bedrock: "ValidationException",
  retry: "never",
  level: "info",
  upstreamText: "scrubbed",
  text: "the request is not valid",
} as const satisfies ErrorRow;

const unauthenticated = {
  ...invalid,
  status: 401,
  // AWS never answers 401, and its SDKs expect what AWS answers.
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
  retry: "elsewhere",
  level: "warn",
  upstreamText: "hidden",
  text: "the model provider failed to answer the request",
} as const satisfies ErrorRow;

const unavailable = {
  ...upstreamFailed,
  status: 503,
  anthropicStatus: 529,
  openai: ["server_error", "overloaded"],
  anthropic: "overloaded_error",
  bedrock: "ServiceUnavailableException",
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
    text: "the request's body did not arrive in time",
  },
  route_not_found: {
    ...invalid,
    status: 404,
    openai: ["invalid_request_error", "route_not_found"],
    anthropic: "not_found_error",
    bedrock: "UnknownOperationException",
    text: "there is no such route",
  },
  method_not_allowed: {
    ...invalid,
    status: 405,
    openai: ["invalid_request_error", "method_not_allowed"],
    bedrock: "UnknownOperationException",
    text: "this route does not take that method",
  },
  missing_key: {
    ...unauthenticated,
    openai: ["authentication_error", "missing_api_key"],
    bedrock: "MissingAuthenticationTokenException",
    text: 'no API key was given: send it as "Authorization: Bearer KEY" or "x-api-key: KEY"',
  },
  invalid_key: { ...unauthenticated, text: "the API key is not valid" },
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
    text: "the AWS signature lacks what it needs",
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
    text: "the model does not exist or this key may not use it",
  },
  upstream_credentials: {
    ...upstreamFailed,
    openai: ["server_error", "upstream_credentials"],
    level: "error",
    shouldRetry: false,
    text: "the gateway's own credentials were refused by the model provider; your key is fine",
  },
  timeout: {
    ...upstreamFailed,
    status: 504,
    openai: ["server_error", "timeout"],
    anthropic: "timeout_error",
    bedrock: "ModelTimeoutException",
    text: "the model did not answer in time",
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
    text: "too many requests, please wait before trying again",
  },
  quota_exceeded: {
    ...upstreamFailed,
    status: 429,
    openai: ["insufficient_quota", "insufficient_quota"],
    anthropic: "rate_limit_error",
    bedrock: "ServiceQuotaExceededException",
    text: "the model provider's quota for this account is used up",
  },
  model_not_ready: {
    ...unavailable,
    openai: ["server_error", "model_not_ready"],
    bedrock: "ModelNotReadyException",
    text: "the model is not ready yet, please try again",
    retryAfterS: 5,
  },
  upstream_error: upstreamFailed,
  overloaded: { ...unavailable, text: "the model provider is overloaded, please try again" },
  upstream_unreachable: {
    ...upstreamFailed,
    openai: ["server_error", "upstream_unreachable"],
    text: "the model provider could not be reached",
  },
  upstream_protocol: {
    ...upstreamFailed,
    openai: ["server_error", "upstream_protocol"],
    text: "the model provider's answer could not be read",
  },
  stream_truncated: {
    ...upstreamFailed,
    openai: ["server_error", "stream_truncated"],
    bedrock: "ModelStreamErrorException",
    text: "the model's answer ended before it was complete",
  },
  busy: {
    ...unavailable,
    retry: "never",
    text: "the gateway has as many requests in hand as it may take, please try again",
    retryAfterS: 1,
  },
  draining: {
    ...unavailable,
    retry: "never",
    level: "info",
    text: "the gateway is shutting down, please try again",
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
    text: "the client closed the connection before the answer was complete",
  },
  internal: {
    ...upstreamFailed,
    status: 500,
    openai: ["server_error", "internal_error"],
    retry: "never",
    level: "error",
    text: "the gateway failed to handle the request",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorKind = keyof typeof ERRORS;

/** The table's row of a kind, with the optional columns visible. */
export function errorRow(kind: ErrorKind): ErrorRow {
  return ERRORS[kind];
}

/** What the upstream said, for the operator's log alone. */
export interface UpstreamDetail {
  readonly status?: number;
  /** Exception name as AWS spells it, without the coral suffix. */
  readonly type?: string;
  readonly message?: string;
  readonly requestId?: string;
}

export interface ErrorDetails {
  /** Path of the request field at fault, such as `messages[2].content[0].image_url.url`. */
  readonly param?: string;
  /** `error_code` in the details of Anthropic's error object, which its clients act on. */
  readonly anthropicCode?: string;
  /** The methods that a route does take, for a 405's `allow`: RFC 9110 demands them. */
  readonly allow?: string;
  /** The upstream's `retry-after`, passed on as it came. */
  readonly retryAfter?: string;
  readonly upstream?: UpstreamDetail;
  readonly cause?: unknown;
}

/** An error that a caller may see: `message` is safe to show, `details.upstream` and `details.cause` are not. */
export class AditError extends Error {
  override readonly name = "AditError";

  constructor(readonly kind: ErrorKind, message?: string, readonly details: ErrorDetails = {}) {
    super(message ?? ERRORS[kind].text, details.cause === undefined ? undefined : { cause: details.cause });
  }
}

/** A 400 that names the field at fault and what was found there. */
export function invalidField(param: string, message: string): AditError {
  return new AditError("invalid_request", `${param}: ${message}`, { param });
}

/** An upstream that answered what cannot be read; `message` is for the operator's log alone. */
export function upstreamProtocol(message: string): AditError {
  return new AditError("upstream_protocol", undefined, { upstream: { message } });
}

/** The error itself if it is one of ours, otherwise an `internal` one that keeps it as its cause. */
export function toAditError(error: unknown): AditError {
  return error instanceof AditError ? error : new AditError("internal", undefined, { cause: error });
}

/** What an error says of itself; anything else that was thrown, as a text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
