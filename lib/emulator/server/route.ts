/** Which operation a request asks for, read off the path as it was sent. */

/** Each operation's method and path; what is in braces is one segment. */
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
  "start-async-invoke": "POST /async-invoke",
} as const;

export type Operation = keyof typeof PATHS;

export interface Route {
  readonly operation: Operation;
  /** Model, guardrail or invocation: what the path names first, decoded once; empty where it names nothing. */
  readonly resourceId: string;
  /** What the path names after it. */
  readonly version: string;
  readonly query: URLSearchParams;
}

const ROUTES = (Object.keys(PATHS) as Operation[]).map((operation) => {
  const [method = "", path = ""] = PATHS[operation].split(" ");
  const pattern = path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return { operation, method, pattern: new RegExp(`^(?:/.*)?${pattern}/?$`) };
});

/**
 * The route, under any base path and with repeated slashes as clients make them; undefined where the service knows no
 * such operation. A model id is one segment: an ARN's slash must be encoded.
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
        // A plus is itself in AWS's queries.
        query: new URLSearchParams((/\?([^#]*)/.exec(target)?.[1] ?? "").replaceAll("+", "%2B")),
      };
    } catch {
      return undefined;
    }
  }
  return undefined;
}
