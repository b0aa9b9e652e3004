/** Requests sent from the tab *Try*: they go through the gateway with a caller's key. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { AditError } from "../../base/errors.ts";
import { type JsonObject, parseJsonBody } from "../../base/json.ts";
import type { TryView } from "../contract/contract.ts";
import { errorAnswer, json } from "../answer.ts";
import type { ReadQuery } from "./pages.ts";
import type { TryClient, ViewSources } from "./view_sources.ts";
import { tryForms } from "./try_forms.ts";

/** Maximum number of requests in flight. */
const MAX_TRIES = 8;
const BODY = { maxDepth: 64, maxValues: 100_000 } as const;
/** A path of the public listener with its query. */
const PATH = /^\/[\x21-\x7e]{0,2047}$/;
/** Characters that an HTTP header may contain. */
const KEY = /^[\x21-\x7e]{1,4096}$/;

/** The data for the form. */
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

/** Sends the requests, limited in number. */
export class Tries {
  #inFlight = 0;

  /** Sends a request; returns the gateway's answer as it arrives, or a refusal. */
  async send(
    request: Request,
    { sources, remoteAddress, clientGone }:
      & { readonly sources: Pick<ViewSources, "trying"> }
      & Omit<TryClient, "target">,
  ): Promise<Response> {
    const type = request.headers.get("content-type") ?? "";
    // Another origin's page cannot send this type without a preflight, which never succeeds.
    if (!/^application\/json\s*(?:;|$)/i.test(type)) {
      throw new AditError("invalid_request", "expected content-type: application/json");
    }
    if (this.#inFlight >= MAX_TRIES) {
      return json(429, {
        error: `there are already ${MAX_TRIES} requests in flight from this page; wait for one to finish`,
      }, { "retry-after": "5" });
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
      return errorAnswer(error);
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

/** A member of the request. The error does not contain the value, which may be a key. */
function textOf(wanted: JsonObject, member: string, form: RegExp): string {
  const value = wanted[member];
  if (typeof value === "string" && form.test(value)) return value;
  const expected = member === "key" ? "a caller key" : "a path such as /v1/chat/completions";
  throw new AditError("invalid_request", `${member}: expected ${expected}`);
}

/** Prevents browsers from showing an answer as a page of this origin. */
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
