/** The admin listener: liveness, readiness, status and reload. */

import { isIP } from "node:net";
import { messageOf } from "../base/errors.ts";
import type { Handler } from "../runtime/runtime.ts";
import { json } from "./answer.ts";
import type { AdminApi } from "./api.ts";

/** What the operator can see and do; `lib/app/app.ts` implements it. */
export interface AdminControl {
  /** False once shutdown has begun. */
  isReady(): boolean;
  /** JSON for `/-/status`, without secrets. */
  status(): unknown;
  /** Reloads the configuration; returns the problems that prevented it, or none. */
  reload(): Promise<readonly string[]>;
  readonly api: AdminApi;
}

type AdminRoute = (control: AdminControl) => Response | Promise<Response>;

/** By method and path. */
const ROUTES: ReadonlyMap<string, AdminRoute> = new Map<string, AdminRoute>([
  ["GET /healthz", () => json(200, { status: "ok" })],
  [
    "GET /-/ready",
    (control) => control.isReady() ? json(200, { status: "ready" }) : json(503, { status: "draining" }),
  ],
  ["GET /-/status", (control) => json(200, control.status())],
  ["POST /-/reload", async (control) => {
    const problems = await control.reload();
    return problems.length === 0
      ? json(200, { status: "reloaded" })
      : json(422, { status: "rejected; the running configuration stays in use", problems });
  }],
]);

const PATHS: ReadonlySet<string> = new Set([...ROUTES.keys()].map((key) => key.split(" ")[1] ?? ""));

/** Answers every request to the admin listener with JSON; requests from web pages are refused. */
export function adminHandler(control: AdminControl): Handler {
  return async (request, connection) => {
    const path = connection.target.split("?", 1)[0] ?? "";
    // A page in the operator's browser can send requests to this machine, but cannot omit these headers.
    if (request.headers.has("origin") || request.headers.get("sec-fetch-site") === "cross-site") {
      return json(403, { error: "the admin listener refuses requests from web pages" });
    }
    if (isLoopback(connection.remoteAddress) && !isLocalName(hostOf(request))) {
      return json(403, {
        error: "the Host header must be an IP address or a name without a dot",
      });
    }
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = ROUTES.get(`${method} ${path}`);
    if (route !== undefined) return await answer(() => route(control));
    const api = control.api({ request, path, remote: connection.remoteAddress });
    if (api !== undefined) return await answer(() => api);
    return PATHS.has(path)
      ? json(405, { error: `method ${request.method} is not allowed on ${path}` })
      : json(404, { error: `unknown admin route ${path}` });
  };
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}

/** What the client calls this host: over HTTP/2 `:authority`, which only the URL has. */
function hostOf({ headers, url }: Request): string {
  return headers.get("host") ?? /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
}

/**
 * Whether a Host header is one that no stranger can own. A page may make its own host name resolve to this machine
 * (DNS rebinding); its requests are then same-origin, and only that name distinguishes them from the operator's.
 */
function isLocalName(host: string): boolean {
  const name = host.replace(/:\d*$/, "");
  return !name.includes(".") || isIP(name) !== 0 || name.startsWith("[") || name.endsWith(".localhost");
}

async function answer(respond: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await respond();
  } catch (error) {
    return json(500, { error: `the admin request failed: ${messageOf(error)}` });
  }
}
