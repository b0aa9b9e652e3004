/** Requests sent from the tab *Try*, as types. */

/** `GET /admin/v1/try?model=NAME`: the data for the form; without a model, `forms` has all forms. */
export interface TryView {
  /** Public addresses, for the `curl` command. */
  readonly addresses: readonly string[];
  readonly forms: readonly TryForm[];
  /** Maximum body size in bytes. */
  readonly max_body_bytes: number;
}

export interface TryForm {
  /** Such as `OpenAI Chat Completions`. */
  readonly name: string;
  readonly dialect: "openai" | "anthropic" | "bedrock" | "cohere";
  readonly path: string;
  /** The path for streaming; null if the API does not stream. */
  readonly stream_path: string | null;
  /** Sample bodies for a whole answer and for a stream; `stream_body` is null if the API does not stream. */
  readonly body: unknown;
  readonly stream_body: unknown;
}

/**
 * `POST /admin/v1/try` with `content-type: application/json`: sends a request to the gateway with the caller key that
 * it contains, from the address of the viewer. The key is neither stored nor logged.
 *
 * An answer with the header `x-adit-try: answered` is the gateway's: its status, headers and bytes as they arrive.
 * Without that header, it is a refusal from the admin listener: 400, 401, 403, 413 or 429.
 */
export interface TryRequest {
  /** The path of a form, or any other path of the public listener. */
  readonly path: string;
  /** Default: `POST`. */
  readonly method?: "GET" | "POST";
  /** The caller's key, sent as a bearer token. */
  readonly key: string;
  /** Sent as JSON; absent for `GET`. */
  readonly body?: unknown;
}
