/** The admin listener: who may ask for what, and the routes. */

import { messageOf } from "../base/errors.ts";
import type { Connection, Handler } from "../runtime/runtime.ts";
import { json, keyRequired } from "./answer.ts";
import type { AdminApi } from "./api.ts";
import { hasKey } from "./key.ts";
import { isFromOtherSite, isFromUnknownHost, isLinkFollowed } from "./origin.ts";
import { PAGE_PATHS, pageAnswer } from "./page_answer.ts";

/** What the operator can see and do; `lib/app/control.ts` implements it. */
export interface AdminControl {
  /** What protects the listener now. */
  access(): AdminAccess;
  /** False once shutdown has begun. */
  isReady(): boolean;
  /** JSON for `/-/status`, without secrets. */
  status(): unknown;
  /** Reloads the configuration; returns the problems that prevented it, or none. */
  reload(): Promise<readonly string[]>;
  /** The metrics in Prometheus's text format. */
  metrics(): Promise<string>;
  /** What is served below `/admin/v1/`, loaded by the first request for it. */
  readonly api: () => Promise<AdminApi>;
}

/** The keys of the admin listener, as SHA-256 in hex, and whether other hosts can reach it. */
export interface AdminAccess {
  readonly onNetwork: boolean;
  readonly adminKeyHash: string | undefined;
  readonly metricsKeyHash: string | undefined;
}

interface AdminRoute {
  /**
   * Open to everybody, or only to this host. From elsewhere, a local route needs the admin key, and the metrics that or
   * a key of their own.
   */
  readonly access: "open" | "metrics" | "local";
  readonly handle: (control: AdminControl, request: Request) => Response | Promise<Response>;
}

/** By method and path. */
const ROUTES: ReadonlyMap<string, AdminRoute> = new Map<string, AdminRoute>([
  ...PAGE_PATHS.map((path): [string, AdminRoute] => [
    `GET ${path}`,
    { access: "local", handle: (_control, request) => pageAnswer(path, request) },
  ]),
  ["GET /healthz", { access: "open", handle: () => json(200, { status: "ok" }) }],
  ["GET /-/ready", {
    access: "open",
    handle: (control) =>
      control.isReady() ? json(200, { status: "ready" }) : json(503, { status: "draining" }),
  }],
  ["GET /metrics", {
    access: "metrics",
    handle: async (control) =>
      new Response(await control.metrics(), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" },
      }),
  }],
  ["GET /-/status", { access: "local", handle: (control) => json(200, control.status()) }],
  ["POST /-/reload", {
    access: "local",
    handle: async (control) => {
      const problems = await control.reload();
      return problems.length === 0
        ? json(200, { status: "reloaded" })
        : json(422, { status: "rejected; the running configuration stays in use", problems });
    },
  }],
]);

const PATHS: ReadonlySet<string> = new Set([...ROUTES.keys()].map((key) => key.split(" ")[1] ?? ""));

/** For every answer: no other page may show it in a frame, load it as a script, or guess at its type. */
const SEALS = [
  ["content-security-policy", "frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["x-content-type-options", "nosniff"],
] as const;

/** Answers every request to the admin listener; requests from web pages other than our own are refused. */
export function adminHandler(control: AdminControl): Handler {
  return async (request, connection) => {
    const response = await respond(control, request, connection);
    for (const [name, value] of SEALS) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    return response;
  };
}

async function respond(
  control: AdminControl,
  request: Request,
  { target, remoteAddress: remote, clientGone }: Connection,
): Promise<Response> {
  const path = target.split("?", 1)[0] ?? "";
  // Links from elsewhere may lead to the page, which shows itself to its reader only.
  if (isFromOtherSite(request) && !(path === "/" && isLinkFollowed(request))) {
    return json(403, { error: "the admin listener refuses requests from web pages" });
  }
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = ROUTES.get(`${method} ${path}`);
  const refused = refusalOf(request, { path, remote, access: route?.access ?? "local" }, control.access());
  if (refused !== undefined) return refused;
  if (route !== undefined) return await answer(() => route.handle(control, request));
  if (path.startsWith("/admin/v1/")) {
    const api = await control.api();
    const answered = api({ request, path, remote, clientGone });
    if (answered !== undefined) return await answer(() => answered);
  }
  return PATHS.has(path)
    ? json(405, { error: `method ${request.method} is not allowed on ${path}` })
    : json(404, { error: `unknown admin route ${path}` });
}

interface Asked {
  readonly path: string;
  readonly remote: string;
  readonly access: AdminRoute["access"];
}

/** Why a request that may come from elsewhere is refused. */
function refusalOf(
  request: Request,
  { path, remote, access }: Asked,
  { onNetwork, adminKeyHash, metricsKeyHash }: AdminAccess,
): Response | undefined {
  const isStrange = isFromUnknownHost(request, remote);
  // Whoever has the key is no page of a stranger, but comes through a reverse proxy on this host.
  if (isStrange && adminKeyHash === undefined) {
    return json(403, {
      error: "without admin_api.key, the Host header must be an IP address or a name without a dot",
    });
  }
  if (access === "open" || !(onNetwork || isStrange)) return undefined;
  const hashes = [adminKeyHash, access === "metrics" ? metricsKeyHash : undefined];
  const accepted = hashes.filter((hash) => hash !== undefined);
  if (accepted.length === 0) {
    const keys = access === "metrics" ? "metrics_key or admin_api.key" : "admin_tls and admin_api.key";
    return json(403, { error: `other hosts can reach this address: ${path} is only served with ${keys}` });
  }
  if (hasKey(request, accepted)) return undefined;
  return keyRequired(request, access === "metrics" ? "the metrics key" : "the admin API key");
}

async function answer(respond: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await respond();
  } catch (error) {
    return json(500, { error: `the admin request failed: ${messageOf(error)}` });
  }
}
