/** Requests that are tried from the page: they go through the gateway as the caller whose key was typed in. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { AditError, errorRow } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, parseJsonBody } from "../../base/json.ts";
import type { TryView } from "../contract/contract.ts";
import { json } from "../answer.ts";
import type { ReadQuery } from "./pages.ts";
import type { TryClient, ViewSources } from "./view_sources.ts";
import { tryForms } from "./try_forms.ts";

/** Requests that are in flight at the same time. */
const MAX_TRIES = 8;
const BODY = { maxDepth: 64, maxValues: 100_000 } as const;
/** A path of the public listener with its query. */
const PATH = /^\/[\x21-\x7e]{0,2047}$/;
/** What a header of HTTP may have. */
const KEY = /^[\x21-\x7e]{1,4096}$/;

/** What the form needs. */
export function tryView({ process, apisOf, snapshot, trying }: ViewSources, read: ReadQuery): TryView {
  const name = read("model");
  if (name !== null && !snapshot().models.has(name)) {
    throw new AditError("model_not_found", `there is no model ${JSON.stringify(name)}`);
  }
  return {
    addresses: process().publicUrls,
    forms: tryForms(name ?? "MODEL", name === null ? undefined : apisOf(name)),
    max_body_bytes: trying.maxBodyBytes,
  };
}

/** Sends the requests, a few at a time. */
export class Tries {
  #inFlight = 0;

  /** The gateway's answer as it comes; throws an AditError for a request that cannot be tried. */
  async send(
    request: Request,
    { sources, remoteAddress, clientGone }:
      & { readonly sources: Pick<ViewSources, "trying"> }
      & Omit<TryClient, "target">,
  ): Promise<Response> {
    const type = request.headers.get("content-type") ?? "";
    // A page of another origin cannot send this type without asking first, and is never allowed to.
    if (!/^application\/json\s*(?:;|$)/i.test(type)) {
      throw new AditError("invalid_request", "expected content-type: application/json");
    }
    if (this.#inFlight >= MAX_TRIES) {
      return json(429, { error: `${MAX_TRIES} requests are being tried already` }, { "retry-after": "5" });
    }
    this.#inFlight++;
    let isOver = false;
    const end = () => {
      if (!isOver) this.#inFlight--;
      isOver = true;
    };
    try {
      const { target, tried } = await triedRequest(request, sources);
      const answer = await sources.trying.send(tried, { target, remoteAddress, clientGone });
      return passedOn(answer, end);
    } catch (error) {
      end();
      if (error instanceof AditError) return json(errorRow(error.kind).status, { error: error.message });
      throw error;
    }
  }
}

interface Tried {
  /** Path and query. */
  readonly target: string;
  readonly tried: Request;
}

async function triedRequest(
  request: Request,
  { trying }: Pick<ViewSources, "trying">,
): Promise<Tried> {
  const wanted = parseJsonBody(await trying.readBody(request), BODY);
  if (!isJsonObject(wanted)) throw new AditError("invalid_request", "expected a JSON object");
  const target = textOf(wanted, "path", PATH);
  const key = textOf(wanted, "key", KEY);
  const method = wanted["method"] ?? "POST";
  if (method !== "GET" && method !== "POST") {
    throw new AditError("invalid_request", "method: expected GET or POST");
  }
  const headers = new Headers({ authorization: `Bearer ${key}`, "user-agent": "adit-page" });
  const { body } = wanted;
  if (method === "GET" || body === undefined) {
    return { target, tried: new Request("http://localhost/", { method, headers }) };
  }
  headers.set("content-type", "application/json");
  const bytes = encodeUtf8(JSON.stringify(body));
  headers.set("content-length", String(bytes.length));
  return { target, tried: new Request("http://localhost/", { method, headers, body: bytes }) };
}

/** The message never has the value, which may be a key. */
function textOf(wanted: JsonObject, member: string, form: RegExp): string {
  const value = wanted[member];
  if (typeof value === "string" && form.test(value)) return value;
  const expected = member === "key" ? "the key of a caller" : "a path such as /v1/chat/completions";
  throw new AditError("invalid_request", `${member}: expected ${expected}`);
}

/** What a browser must do with an answer that it is never to show as a page of this origin. */
const SAFE = {
  "x-adit-try": "answered",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "content-disposition": "attachment",
} as const;

function passedOn({ status, headers, body }: Response, end: () => void): Response {
  const shown = new Headers(headers);
  for (const [name, value] of Object.entries(SAFE)) shown.set(name, value);
  if (body === null) {
    end();
    return new Response(null, { status, headers: shown });
  }
  const reader = body.getReader();
  const passed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(passed, { status, headers: shown });
}
