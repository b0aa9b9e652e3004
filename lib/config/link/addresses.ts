/** Checks listen addresses: conflicts between them, and who can reach the admin address. */

import { isIPv4 } from "node:net";

import type { LinkContext } from "./context.ts";
import { isLoopback } from "../../base/host.ts";
import type { Path } from "../../base/problems.ts";
import type { ListenAddress, SocketAddress } from "../../snapshot/snapshot.ts";
import type { Config } from "../schema/config_file.ts";

export interface Addresses {
  readonly listen: readonly ListenAddress[];
  /** Undefined if the admin address is off. */
  readonly admin: AdminAddress | undefined;
}

type AdminAddress = ListenAddress | SocketAddress;

/** Reports addresses that cannot be opened together. */
export function checkAddresses({ listen, admin }: Addresses, context: LinkContext): void {
  const taken: { readonly path: Path; readonly place: string; readonly address: ListenAddress }[] = [];
  const take = (address: ListenAddress, path: Path, place: string) => {
    const other = taken.find((earlier) => overlaps(earlier.address, address));
    taken.push({ path, place, address });
    if (other === undefined) return;
    if (context.isWritten(path)) context.fail(path, overlapMessage(other, address));
    else {
      context.fail(
        other.path,
        `port ${address.port} is also the default of admin; set admin to another address, or to off`,
      );
    }
  };
  for (const [index, address] of listen.entries()) {
    take(address, listen.length > 1 ? ["listen", index] : ["listen"], `listen[${index}]`);
  }
  if (admin !== undefined && "port" in admin) take(admin, ["admin"], "admin");
}

/** Checks whether other hosts can reach the admin address, and with which protection. */
export function checkAdminReach(
  config: Pick<Config, "admin_api" | "admin_tls" | "metrics_key">,
  admin: AdminAddress | undefined,
  context: LinkContext,
): void {
  const { admin_api: api, admin_tls: tls, metrics_key: metricsKey } = config;
  if (admin === undefined) {
    if (api !== undefined) context.fail(["admin_api"], "requires an admin address, but admin is off");
    if (tls !== undefined) context.warn(["admin_tls"], "ignored, because admin is off");
    if (metricsKey !== undefined) context.warn(["metrics_key"], "ignored, because admin is off");
    return;
  }
  // The permissions of its folder decide who can open a socket.
  if ("path" in admin) {
    if (tls !== undefined) context.warn(["admin_tls"], "ignored, because a Unix socket uses plain HTTP");
    return;
  }
  if (isLoopback(admin.hostname)) return;
  if (api === undefined) {
    context.warn(["admin"], UNAUTHENTICATED);
  } else if (tls === undefined) {
    // The key would be sent unencrypted, and whoever has it can redirect all requests to another host.
    context.fail(["admin_api"], UNENCRYPTED);
  }
  if (metricsKey !== undefined && tls === undefined) {
    context.warn(["metrics_key"], "the key is sent unencrypted to the admin address; set admin_tls");
  }
}

const UNAUTHENTICATED =
  "other hosts can reach the admin address, so without admin_tls and admin_api it serves " +
  "only /healthz, /-/ready and, with metrics_key, /metrics";
const UNENCRYPTED = "requires admin_tls, or an admin address that only this host can reach, such as " +
  "127.0.0.1:9090 or unix:/run/adit/admin.sock";

function overlapMessage(
  { place, address }: { readonly place: string; readonly address: ListenAddress },
  { hostname, port }: ListenAddress,
): string {
  return address.hostname === hostname
    ? "the address is already used by listen"
    : `port ${port} is also used by ${place}`;
}

/** Whether the system refuses the second of two such sockets. Port 0 is a different port each time. */
function overlaps(one: ListenAddress, other: ListenAddress): boolean {
  if (one.port !== other.port || one.port === 0) return false;
  const [a, b] = [one.hostname, other.hostname].map((name) => name === "localhost" ? "127.0.0.1" : name);
  return a === b || [a, b].includes("::") ||
    ([a, b].includes("0.0.0.0") && isIPv4(a ?? "") && isIPv4(b ?? ""));
}
