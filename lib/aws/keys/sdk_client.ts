/** How AWS's own code reaches AWS's services when it searches for key pairs. */

import type { Fetch } from "../../runtime/runtime.ts";

/** A request or a response of AWS's code; only what is used here. */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** Sends one request: the part of AWS's `HttpHandler` that its clients use. */
export interface SdkHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{ readonly response: SdkResponse }>;
  destroy(): void;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

/** For one attempt; AWS's code makes three. Without a limit, it would wait forever for a lost response. */
const ATTEMPT_MS = 8_000;

/** Settings of AWS's own handler, for direct connections. */
const DIRECT = {
  connectionTimeout: 3000,
  requestTimeout: ATTEMPT_MS,
  socketTimeout: ATTEMPT_MS,
  throwOnRequestTimeout: true,
} as const;

/** Settings of AWS's clients that make them use `fetch`, or connect directly. */
export function clientConfig(fetch: Fetch | undefined) {
  return { requestHandler: fetch === undefined ? DIRECT : handlerOf(fetch) };
}

/** A handler that sends with `fetch`, within the same limit. */
export function handlerOf(fetch: Fetch): SdkHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request, { abortSignal } = {}) {
      const { method, headers, body } = request;
      const limit = AbortSignal.timeout(ATTEMPT_MS);
      const response = await fetch(urlOf(request), {
        method,
        headers: new Headers(headers),
        ...(body !== undefined && body !== null && { body: bytesOf(body) }),
        signal: abortSignal instanceof AbortSignal ? AbortSignal.any([abortSignal, limit]) : limit,
      });
      return {
        response: {
          statusCode: response.status,
          headers: Object.fromEntries(response.headers),
          body: await response.bytes(),
        },
      };
    },
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ""].flat().map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`)
  );
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}` +
    (parameters.length === 0 ? "" : `?${parameters.join("&")}`);
}

function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return new Uint8Array(body);
  throw new Error("Cannot send a stream to a service that issues credentials");
}
