/** Requests to the admin listener of a running gateway. */

import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";

import type { JsonValue } from "../../base/json.ts";

/** Where an admin listener is. */
export interface AdminPlace {
  /** In the form for messages. */
  readonly shown: string;
  readonly options: RequestOptions;
  readonly hasTls: boolean;
}

const TIMEOUT_MS = 180_000;
/** Characters of an answer, and of an event. */
const MAX_LENGTH = 8 * 1024 * 1024;

/** The configuration's TLS settings. */
export interface ConfiguredTls {
  readonly hasTls: boolean;
  /** PEM, if it is known. */
  readonly certificate: string | undefined;
}

/**
 * The place of `HOST:PORT`, a URL or `unix:PATH`; undefined for anything else. Only the certificate of the configuration
 * is accepted, for any host name.
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

/** The address to connect to: the loopback address for a listener on all addresses of this host. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "[::]" ? "::1" : hostname.replace(/^\[|\]$/g, "");
}

/** The answer to a request. */
export interface AdminAnswer {
  readonly status: number;
  /** The body; undefined if it is not JSON. */
  readonly view: JsonValue | undefined;
}

/** Sends a request without a body, such as `POST /-/reload`. */
export function askAdmin(
  place: AdminPlace,
  line: string,
  key: string | undefined,
): Promise<AdminAnswer> {
  const [method = "", path = ""] = line.split(" ");
  return new Promise((resolve, reject) => {
    const sent = send(place, { method, path, headers: keyHeader(key), timeout: TIMEOUT_MS }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => {
        body += text;
        if (body.length <= MAX_LENGTH) return;
        reject(new Error("the answer is too long"));
        sent.destroy();
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, view: parsedJson(body) }));
      answer.on("error", reject);
      answer.on("close", () => reject(new Error("the connection was closed")));
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end();
  });
}

/** The value of a JSON text; undefined if it is none. */
export function parsedJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The message for an answer that no gateway gives. */
export function unexpectedAnswer({ shown }: AdminPlace, status: number): string {
  return `Unexpected answer with status ${status} from ${shown}: is it the admin address of a gateway?`;
}

/** The message for an answer that asks for a key, or for another one. */
export function keyRefusal({ shown }: AdminPlace, key: string | undefined): string {
  return key === undefined || key === ""
    ? `The gateway at ${shown} needs a key: set ADIT_ADMIN_KEY`
    : `The gateway at ${shown} does not accept the key in ADIT_ADMIN_KEY`;
}

/** Callbacks of a stream of events. */
export interface EventWatch {
  /** The data of each event. */
  readonly onEvent: (data: string) => void;
  /** Called once, when the stream has ended or could not be opened. */
  readonly onEnd: (reason: string) => void;
}

/** A stream that is silent for longer has been lost. */
const SILENCE_MS = 10_000;

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
      if (text.length > MAX_LENGTH) return end("an event is too long");
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

/** The header with the admin API key; none without a key. */
export function keyHeader(key: string | undefined): Record<string, string> {
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
