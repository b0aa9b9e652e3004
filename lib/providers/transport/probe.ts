/** Checks whether a host accepts connections, by the route of requests to it: directly or through a forward proxy. */

import { Buffer } from "node:buffer";
import { connect, isIP, type Socket } from "node:net";
import type * as Tls from "node:tls";
import { percentDecode } from "../../aws/sigv4/canonical.ts";
import { unbracketed } from "../../base/host.ts";
import type { NetworkSettings } from "../../runtime/runtime.ts";
import type { ProbeConnection } from "./send.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** A probe that uses the same proxies as `fetch` does in this environment, or the proxy of the settings. */
export function probeIn(env: Env, settings?: NetworkSettings): ProbeConnection {
  return (url, withinMs) => {
    const proxy = proxyOf(url, env, settings?.proxy?.reveal());
    if (proxy === undefined) return probeConnection(url, withinMs);
    // A plain http URL is not sent through a tunnel.
    if (!url.startsWith("https:")) return probe(proxy, withinMs);
    return probe(proxy, withinMs, {
      authorities: settings?.authorities,
      ask: (socket) => openTunnel(socket, new URL(url), proxy),
    });
  };
}

/** Checks for a direct connection. */
export const probeConnection: ProbeConnection = (url, withinMs) => probe(new URL(url), withinMs);

/** What to ask a proxy after connecting to it; the connection is encrypted if the proxy's URL is https. */
interface Question {
  readonly authorities: string | undefined;
  readonly ask: (socket: Socket) => Promise<boolean>;
}

async function probe(url: URL, withinMs: number, question?: Question): Promise<boolean> {
  const isEncrypted = question !== undefined && url.protocol === "https:";
  // Loaded on first use: most configurations have no https proxy.
  const tls = isEncrypted ? await import("node:tls") : undefined;
  return await new Promise((resolve) => {
    const socket = open(url, withinMs, tls && { tls, authorities: question?.authorities });
    function settle(reachable: boolean): void {
      socket.destroy();
      resolve(reachable);
    }
    socket.once(
      isEncrypted ? "secureConnect" : "connect",
      () => question === undefined ? settle(true) : void question.ask(socket).then(settle),
    );
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}

/** How a connection to a proxy is encrypted. */
interface Encryption extends Pick<Question, "authorities"> {
  readonly tls: typeof Tls;
}

function open(
  { hostname, port, protocol }: URL,
  timeout: number,
  encryption: Encryption | undefined,
): Socket {
  const host = unbracketed(hostname);
  const address = { host, port: Number(port || (protocol === "https:" ? 443 : 80)), timeout };
  if (encryption === undefined) return connect(address);
  const { tls, authorities } = encryption;
  return tls.connect({
    ...address,
    ...(isIP(host) === 0 && { servername: host }),
    ...(authorities !== undefined && { ca: [...tls.getCACertificates("default"), authorities] }),
  });
}

/** Whether the proxy connects to the host: the answer to CONNECT (RFC 9110, section 9.3.6). */
function openTunnel(socket: Socket, { hostname, port }: URL, { username, password }: URL): Promise<boolean> {
  const authority = `${hostname}:${port || "443"}`;
  const credentials = Buffer.from(`${percentDecode(username)}:${percentDecode(password)}`);
  const authorization = username === ""
    ? ""
    : `Proxy-Authorization: Basic ${credentials.toString("base64")}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  return new Promise((resolve) => {
    let answer = "";
    socket.on("data", (data: Uint8Array) => {
      answer += Buffer.from(data).toString("latin1");
      if (answer.length >= "HTTP/1.1 2".length) resolve(/^HTTP\/1\.[01] 2/.test(answer));
    });
    socket.once("close", () => resolve(false));
  });
}

/**
 * The given proxy, or the one in the usual variables; undefined for a direct connection, as to a host in `NO_PROXY`.
 */
export function proxyOf(url: string, env: Env, given?: string): URL | undefined {
  const { protocol, hostname, port } = new URL(url);
  const variable = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const proxy = given ?? variable(protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ??
    variable("ALL_PROXY");
  if (proxy === undefined || isExempt({ hostname, port }, variable("NO_PROXY") ?? "")) return undefined;
  return URL.parse(proxy.includes("://") ? proxy : `http://${proxy}`) ?? undefined;
}

/** Whether an entry of `NO_PROXY` matches the host or one of its parent domains. */
function isExempt({ hostname, port }: Pick<URL, "hostname" | "port">, list: string): boolean {
  return list.split(",").map((each) => each.trim().toLowerCase()).some((each) => {
    if (each === "*") return true;
    const [, name = "", only] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(each) ?? [];
    if (name === "" || (only !== undefined && only !== port)) return false;
    return hostname === name || hostname.endsWith(`.${name}`);
  });
}
