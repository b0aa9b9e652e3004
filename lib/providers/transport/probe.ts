/** Checks whether a host accepts connections, in the way that requests to it take: directly or through a forward proxy. */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { unbracketed } from "../../base/host.ts";
import type { ProbeConnection } from "./exchange.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** A probe that uses the same proxies as `fetch` does in this environment. */
export function probeIn(env: Env): ProbeConnection {
  return (url, withinMs) => {
    const proxy = proxyOf(url, env);
    if (proxy === undefined) return probeConnection(url, withinMs);
    // Through an https proxy, or to a plain http URL, there is no tunnel to ask for without more ado.
    const isTunnel = proxy.protocol === "http:" && url.startsWith("https:");
    return probe(proxy, withinMs, isTunnel ? (socket) => openTunnel(socket, new URL(url), proxy) : undefined);
  };
}

/** Checks for a direct connection. */
export const probeConnection: ProbeConnection = (url, withinMs) => probe(new URL(url), withinMs, undefined);

function probe(
  { hostname, port, protocol }: URL,
  withinMs: number,
  goOn: ((socket: Socket) => Promise<boolean>) | undefined,
): Promise<boolean> {
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
    socket.once("connect", () => goOn === undefined ? settle(true) : void goOn(socket).then(settle));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}

/** Whether the proxy connects to the host: the answer to CONNECT (RFC 9110, section 9.3.6). */
function openTunnel(socket: Socket, { hostname, port }: URL, { username, password }: URL): Promise<boolean> {
  const authority = `${hostname}:${port || "443"}`;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const authorization = username === ""
    ? ""
    : `Proxy-Authorization: Basic ${credentials.toString("base64")}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  return new Promise((resolve) => {
    socket.once(
      "data",
      (data: Uint8Array) => resolve(/^HTTP\/1\.[01] 2/.test(Buffer.from(data).toString("latin1"))),
    );
    socket.once("close", () => resolve(false));
  });
}

/** The proxy for the URL, by the usual variables; undefined if the connection is direct. */
export function proxyOf(url: string, env: Env): URL | undefined {
  const { protocol, hostname, port } = new URL(url);
  const variable = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const proxy = variable(protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? variable("ALL_PROXY");
  if (proxy === undefined || isExempt({ hostname, port }, variable("NO_PROXY") ?? "")) return undefined;
  return URL.parse(proxy.includes("://") ? proxy : `http://${proxy}`) ?? undefined;
}

/** Whether one entry of NO_PROXY is the host or a domain that it is in. */
function isExempt({ hostname, port }: Pick<URL, "hostname" | "port">, list: string): boolean {
  return list.split(",").map((each) => each.trim().toLowerCase()).some((each) => {
    if (each === "*") return true;
    const [, name = "", only] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(each) ?? [];
    if (name === "" || (only !== undefined && only !== port)) return false;
    return hostname === name || hostname.endsWith(`.${name}`);
  });
}
