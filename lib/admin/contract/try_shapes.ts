/** A request that is tried from the page, as types. */

/** `GET /admin/v1/try?model=NAME`: what the form needs; without a model, `forms` has those that every model could have. */
export interface TryView {
  /** Public addresses, for the `curl` of a request. */
  readonly addresses: readonly string[];
  readonly forms: readonly TryForm[];
  /** Longest body that can be tried, in bytes. */
  readonly max_body_bytes: number;
}

export interface TryForm {
  /** Such as `OpenAI Chat Completions`. */
  readonly name: string;
  readonly dialect: "openai" | "anthropic" | "bedrock" | "cohere";
  readonly path: string;
  /** The path for a stream, where it differs; null if there are no streams. */
  readonly stream_path: string | null;
  /** A small body to begin with; `stream_body` asks for a stream, and is null if there is none. */
  readonly body: unknown;
  readonly stream_body: unknown;
}

/**
 * `POST /admin/v1/try` with `content-type: application/json`: sends a request to the gateway as the caller whose key it
 * contains, from the address of the viewer. The key is neither kept nor logged.
 *
 * The answer has the header `x-adit-try: answered` and is the gateway's, byte by byte as it comes, with its status and
 * headers. Without that header it is the admin listener's refusal: 400, 401, 403, 413, 429.
 */
export interface TryRequest {
  /** Of a form, or any other path of the public listener. */
  readonly path: string;
  /** Default: `POST`. */
  readonly method?: "GET" | "POST";
  /** The caller's key, sent as a bearer token. */
  readonly key: string;
  /** Sent as JSON; left out for `GET`. */
  readonly body?: unknown;
}
