/** The admin listener: access control and routes. */

import { messageOf } from "../base/errors.ts";
import type { Connection, Handler } from "../runtime/runtime.ts";
import { json, keyRequired, methodNotAllowed } from "./answer.ts";
import type { AdminApi } from "./api.ts";
import { hasKey } from "./key.ts";
import { isFromOtherSite, isFromUnknownHost, isLinkFollowed } from "./origin.ts";
import { PAGE_PATHS, pageAnswer } from "./page_answer.ts";

/** The operations behind the routes, implemented by `lib/app/admin_listener.ts`. */
export interface AdminControl {
  /** The keys that currently protect the listener. */
  access(): AdminAccess;
  /** False once shutdown has begun. */
  isReady(): boolean;
  /** JSON for `/-/status`, without secrets. */
  status(): unknown;
  /** Reloads the configuration; returns the problems that prevented it, if any. */
  reload(): Promise<readonly string[]>;
  /** The metrics in Prometheus's text format. */
  metrics(): Promise<string>;
  /** The API under `/admin/v1/`, loaded by its first request. */
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
   * `open` routes need no key. From other hosts, `local` routes need the admin key, and `metrics` the admin key or the
   * metrics key.
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

/** The methods of each path, for the `allow` header of a 405. */
const METHODS: ReadonlyMap<string, string> = new Map([...ROUTES.keys()].map((key) => {
  const [method = "", path = ""] = key.split(" ");
  return [path, method === "GET" ? "GET, HEAD" : method];
}));

/** Sent with every answer: no other page may frame it, load it as a script, or sniff its type. */
const SECURITY_HEADERS = [
  ["content-security-policy", "frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["x-content-type-options", "nosniff"],
] as const;

/** Answers every request to the admin listener; refuses requests from web pages other than our own. */
export function adminHandler(control: AdminControl): Handler {
  return async (request, connection) => {
    const response = await respond(control, request, connection);
    for (const [name, value] of SECURITY_HEADERS) {
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
  // Links from other sites may lead to the page, which they cannot read.
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
  const allow = METHODS.get(path);
  return allow === undefined ? json(404, { error: `unknown admin route ${path}` }) : methodNotAllowed(allow);
}

interface Asked {
  readonly path: string;
  readonly remote: string;
  readonly access: AdminRoute["access"];
}

/** The refusal of a request that may come from another host or web page; undefined if it is allowed. */
function refusalOf(
  request: Request,
  { path, remote, access }: Asked,
  { onNetwork, adminKeyHash, metricsKeyHash }: AdminAccess,
): Response | undefined {
  const isForeignName = isFromUnknownHost(request, remote);
  // A request with the key does not come from a stranger's page, but through a reverse proxy on this host.
  if (isForeignName && adminKeyHash === undefined) {
    return json(403, {
      error: "without admin_api.key, the Host header must be an IP address or a name without a dot",
    });
  }
  if (access === "open" || !(onNetwork || isForeignName)) return undefined;
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
