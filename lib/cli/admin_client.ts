/** One request to the admin listener of a gateway on this host. */

import { request as requestHttp } from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";

/** Where an admin listener is. */
export interface AdminPlace {
  /** As shown in messages. */
  readonly shown: string;
  readonly options: RequestOptions;
  readonly hasTls: boolean;
}

const TIMEOUT_MS = 180_000;

/**
 * The place of `HOST:PORT`, a URL or `unix:PATH`; undefined for anything else. A certificate is the only one that is
 * accepted, whatever name it has: the configuration says that it is the gateway's.
 */
export function parsePlace(text: string, certificate: string | undefined): AdminPlace | undefined {
  if (text.startsWith("unix:/")) {
    return { shown: text, options: { socketPath: text.slice("unix:".length), host: "adit" }, hasTls: false };
  }
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const hasTls = protocol === "https:";
  const pinned = hasTls && certificate !== undefined
    ? { ca: certificate, checkServerIdentity: () => undefined }
    : {};
  const options = { host: reachable(hostname), port: port || (hasTls ? "443" : "80"), ...pinned };
  return { shown: `${protocol}//${hostname}:${options.port}`, options, hasTls };
}

/** The address to connect to: a listener on every address of this host is on this one, too. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "[::]" ? "::1" : hostname.replace(/^\[|\]$/g, "");
}

/** Sends a request without a body, such as `POST /-/reload`. */
export function askAdmin(
  { options, hasTls }: AdminPlace,
  line: string,
  key: string | undefined,
): Promise<{ readonly status: number; readonly body: string }> {
  const [method = "", path = ""] = line.split(" ");
  const headers = key === undefined || key === "" ? {} : { authorization: `Bearer ${key}` };
  const send = hasTls ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = send({ ...options, method, path, headers, agent: false, timeout: TIMEOUT_MS }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => body += text);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      answer.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end();
  });
}
