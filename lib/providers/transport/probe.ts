/** Checks whether a host accepts connections. */

import { connect } from "node:net";
import { unbracketed } from "../../base/host.ts";
import type { ProbeConnection } from "./exchange.ts";

export const probeConnection: ProbeConnection = (url, withinMs) => {
  const { hostname, port, protocol } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: unbracketed(hostname),
      port: Number(port || (protocol === "https:" ? 443 : 80)),
      timeout: withinMs,
    });
    function settle(reachable: boolean): void {
      socket.destroy();
      resolve(reachable);
    }
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
};
