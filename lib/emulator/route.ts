/** Which operation a request asks for, read off the path as it was sent. */

export type Operation =
  | "converse"
  | "converse-stream"
  | "count-tokens"
  | "invoke"
  | "invoke-with-response-stream";

export interface Route {
  readonly operation: Operation;
  /** Decoded once. */
  readonly modelId: string;
}

const PATH =
  /^(?:\/[^?]*)?\/model\/([^/?]+)\/(converse|converse-stream|count-tokens|invoke|invoke-with-response-stream)\/?$/;

/**
 * The route, under any base path and with repeated slashes as clients make them; undefined where the service knows no
 * such operation. A model id is one segment: an ARN's slash must be encoded.
 */
export function findRoute(method: string, url: string): Route | undefined {
  if (method !== "POST") return undefined;
  const path = url.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "").replace(/\/+/g, "/");
  const [, segment, operation] = PATH.exec(path) ?? [];
  if (segment === undefined || !isOperation(operation)) return undefined;
  try {
    return { operation, modelId: decodeURIComponent(segment) };
  } catch {
    return undefined;
  }
}

const OPERATIONS: readonly string[] = [
  "converse",
  "converse-stream",
  "count-tokens",
  "invoke",
  "invoke-with-response-stream",
] satisfies Operation[];

function isOperation(text: string | undefined): text is Operation {
  return text !== undefined && OPERATIONS.includes(text);
}
