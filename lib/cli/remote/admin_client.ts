/** Requests to the admin listener of a running gateway. */

import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";

/** Where an admin listener is. */
export interface AdminPlace {
  /** As shown in messages. */
  readonly shown: string;
  readonly options: RequestOptions;
  readonly hasTls: boolean;
}

const TIMEOUT_MS = 180_000;

/** What the configuration says about TLS. */
export interface ConfiguredTls {
  readonly hasTls: boolean;
  /** As PEM, if it is known. */
  readonly certificate: string | undefined;
}

/**
 * The place of `HOST:PORT`, a URL or `unix:PATH`; undefined for anything else. The certificate of the configuration is
 * the only one that is accepted, whatever name it has.
 */
export function parsePlace(
  text: string,
  { hasTls: isTlsDefault, certificate }: ConfiguredTls = { hasTls: false, certificate: undefined },
): AdminPlace | undefined {
  if (text.startsWith("unix:/")) {
    return { shown: text, options: { socketPath: text.slice("unix:".length), host: "adit" }, hasTls: false };
  }
  const url = /^https?:\/\//.test(text) ? text : `${isTlsDefault ? "https" : "http"}://${text}`;
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
  place: AdminPlace,
  line: string,
  key: string | undefined,
): Promise<{ readonly status: number; readonly body: string }> {
  const [method = "", path = ""] = line.split(" ");
  return new Promise((resolve, reject) => {
    const sent = send(place, { method, path, headers: keyHeader(key), timeout: TIMEOUT_MS }, (answer) => {
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

/** What to say where the gateway wants a key, or another one. */
export function keyRefusal({ shown }: AdminPlace, key: string | undefined): string {
  return key === undefined || key === ""
    ? `The gateway at ${shown} needs a key: set ADIT_ADMIN_KEY`
    : `The gateway at ${shown} does not accept the key in ADIT_ADMIN_KEY`;
}

/** What happens on a stream of events. */
export interface EventWatch {
  /** The data of each event. */
  readonly onEvent: (data: string) => void;
  /** Called once, when the stream has ended or could not be opened. */
  readonly onEnd: (reason: string) => void;
}

/** A stream that is silent for longer has been lost. */
const SILENCE_MS = 10_000;
/** Characters of one event. */
const MAX_EVENT = 8 * 1024 * 1024;

/** Follows server-sent events until the returned function is called. */
export function watchAdmin(
  place: AdminPlace,
  path: string,
  { key, onEvent, onEnd }: EventWatch & { readonly key: string | undefined },
): () => void {
  let isOver = false;
  const end = (reason: string) => {
    if (isOver) return;
    isOver = true;
    sent.destroy();
    onEnd(reason);
  };
  const headers = { ...keyHeader(key), accept: "text/event-stream" };
  const sent = send(place, { method: "GET", path, headers, timeout: SILENCE_MS }, (answer) => {
    if (answer.statusCode !== 200) return end(`status ${answer.statusCode}`);
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (more: string) => {
      text += more;
      if (text.length > MAX_EVENT) return end("an event is too long");
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const [, data] = /^data: (.*)$/m.exec(event) ?? [];
        if (data !== undefined && !isOver) onEvent(data);
      }
    });
    answer.on("end", () => end("the connection was closed"));
    answer.on("error", (error) => end(error.message));
  });
  sent.on("timeout", () => end("no answer in time"));
  sent.on("error", (error) => end(error.message));
  sent.end();
  return () => {
    isOver = true;
    sent.destroy();
  };
}

function keyHeader(key: string | undefined): Record<string, string> {
  return key === undefined || key === "" ? {} : { authorization: `Bearer ${key}` };
}

function send(
  { options, hasTls }: AdminPlace,
  request: RequestOptions,
  receive: (answer: IncomingMessage) => void,
): ClientRequest {
  const start = hasTls ? requestHttps : requestHttp;
  return start({ ...options, ...request, agent: false }, receive);
}
