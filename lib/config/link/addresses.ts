/** Listen addresses: conflicts between them, and who can reach them. */

import { isIPv4 } from "node:net";

import type { LinkContext } from "./context.ts";
import type { Path } from "../../base/problems.ts";
import type { ListenAddress, SocketAddress } from "../../snapshot/snapshot.ts";
import { isLoopback } from "../schema/values.ts";

export interface Addresses {
  readonly listen: readonly ListenAddress[];
  /** Undefined if the admin address is off. */
  readonly admin: ListenAddress | SocketAddress | undefined;
  /** Whether the admin API accepts configuration changes. */
  readonly hasAdminApi: boolean;
}

/** Reports conflicts between addresses, and warns about an admin address that other hosts can reach. */
export function checkAddresses({ listen, admin, hasAdminApi }: Addresses, context: LinkContext): void {
  const taken: { readonly place: string; readonly address: ListenAddress }[] = [];
  const take = (address: ListenAddress, path: Path, place: string) => {
    const other = taken.find((earlier) => overlaps(earlier.address, address));
    if (other !== undefined) context.fail(path, overlapMessage(other, address));
    taken.push({ place, address });
  };
  for (const [index, address] of listen.entries()) take(address, ["listen", index], `listen[${index}]`);
  if (admin === undefined) {
    if (hasAdminApi) context.fail(["admin_api"], "requires an admin address, but admin is off");
    return;
  }
  // Access to a socket in the file system is up to its folder.
  if ("path" in admin) return;
  take(admin, ["admin"], "admin");
  if (!isLoopback(admin.hostname)) {
    context.warn(["admin"], "other hosts can reach the admin address, which has no authentication");
    // The key would be sent unencrypted, and whoever has it can redirect all requests to a host of their own.
    if (hasAdminApi) {
      context.fail(
        ["admin_api"],
        "requires an admin address that only this host can reach, such as 127.0.0.1:9090 or unix:/run/adit/admin.sock",
      );
    }
  }
}

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
