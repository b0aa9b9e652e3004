/** Determines the operation of a request from its path as sent. */

/** Each operation's method and path; `{…}` is one segment. */
const PATHS = {
  "apply-guardrail": "POST /guardrail/{id}/version/{version}/apply",
  converse: "POST /model/{id}/converse",
  "converse-stream": "POST /model/{id}/converse-stream",
  "count-tokens": "POST /model/{id}/count-tokens",
  "get-async-invoke": "GET /async-invoke/{id}",
  invoke: "POST /model/{id}/invoke",
  "invoke-guardrail-checks": "POST /guardrail-checks/invoke",
  "invoke-with-response-stream": "POST /model/{id}/invoke-with-response-stream",
  "list-async-invokes": "GET /async-invoke",
  "own-chat": "POST /v1/chat/completions",
  "own-messages": "POST /anthropic/v1/messages",
  "own-responses": "POST /v1/responses",
  "start-async-invoke": "POST /async-invoke",
} as const;

export type Operation = keyof typeof PATHS;

export interface Route {
  readonly operation: Operation;
  /** Model, guardrail or invocation: the first path parameter, decoded once; empty if there is none. */
  readonly resourceId: string;
  /** The second path parameter. */
  readonly version: string;
  readonly query: URLSearchParams;
}

const ROUTES = (Object.keys(PATHS) as Operation[]).map((operation) => {
  const [method = "", path = ""] = PATHS[operation].split(" ");
  const pattern = path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return { operation, method, pattern: new RegExp(`^(?:/.*)?${pattern}/?$`) };
});

/**
 * The route, under any base path and with repeated slashes as clients send them; undefined if the service has no such
 * operation. A model id is one segment: the slash in an ARN must be encoded.
 */
export function findRoute(method: string, url: string): Route | undefined {
  const target = url.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  const path = target.replace(/[?#].*$/, "").replace(/\/+/g, "/");
  for (const route of ROUTES) {
    const groups = route.method === method ? route.pattern.exec(path) : null;
    if (groups === null) continue;
    const { id = "", version = "" } = groups.groups ?? {};
    try {
      return {
        operation: route.operation,
        resourceId: decodeURIComponent(id),
        version: decodeURIComponent(version),
        // A plus sign is literal in AWS's queries.
        query: new URLSearchParams((/\?([^#]*)/.exec(target)?.[1] ?? "").replaceAll("+", "%2B")),
      };
    } catch {
      return undefined;
    }
  }
  return undefined;
}
