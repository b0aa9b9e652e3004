/** Receives the body of a request, from a known caller or one that a signature over the body has yet to prove. */

import type { ReceivedRequest } from "../../aws/sigv4/canonical.ts";
import { AditError } from "../../base/errors.ts";
import { type Identity, verifyIdentity } from "../../callers/authenticate.ts";
import type { Connection } from "../../runtime/runtime.ts";
import { readBody } from "../../server/body.ts";
import type { Call } from "../call.ts";
import type { HeavyWork } from "../heavy_work.ts";
import { type Unproven, UNPROVEN_IDLE_MS, UNPROVEN_TOTAL_MS } from "./unproven.ts";

/** An arriving request. */
export interface Incoming {
  readonly request: Request;
  readonly connection: Connection;
  /** Path and query as received. */
  readonly target: string;
  readonly call: Call;
}

/** Receives the body of a request from a caller with a valid key. */
export function receiveBody({ request, call }: Incoming): Promise<Uint8Array<ArrayBuffer>> {
  const { snapshot: { limits: { bodyBytes }, timeouts: { idleMs } }, tools: { timers } } = call;
  return readBody(request, { maxBytes: bodyBytes, idleMs, totalMs: call.remainingMs, timers });
}

export interface ProofOptions {
  readonly unproven: Unproven;
  readonly heavy: HeavyWork;
}

/** Receives a signed request and verifies that its caller has sent it. */
export async function receiveProven(
  incoming: Incoming,
  identity: Identity,
  { unproven, heavy }: ProofOptions,
): Promise<ReceivedRequest> {
  const { request, call } = incoming;
  const { snapshot: { limits, timeouts: { idleMs } }, tools: { timers } } = call;
  const room = unproven.enter(identity.caller, limits);
  try {
    const body = await readBody(request, {
      maxBytes: limits.bodyBytes,
      timers,
      idleMs: Math.min(idleMs, UNPROVEN_IDLE_MS),
      totalMs: Math.min(call.remainingMs, UNPROVEN_TOTAL_MS),
      onBytes: room.take,
    });
    const received = new Received(incoming, body);
    await heavy.run(body.length, () => verifyIdentity(identity, received, call.tools.clock.now()));
    return received;
  } finally {
    room.release();
  }
}

/** A completely received request. */
export class Received implements ReceivedRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly #incoming: Incoming;

  constructor(incoming: Incoming, body: Uint8Array<ArrayBuffer>) {
    const { method, headers } = incoming.request;
    this.method = method;
    this.headers = headers;
    this.body = body;
    this.#incoming = incoming;
  }

  /** Built on demand: only signatures need it. */
  get url(): string {
    const { request, target } = this.#incoming;
    const [, authority = ""] = /^[a-z]+:\/\/([^/?#]*)/i.exec(request.url) ?? [];
    return `http://${authority}${target}`;
  }
}

/** Throws `headers_too_large`. */
export function checkHeaders(headers: Headers, maxBytes: number): void {
  let total = 0;
  // Deno 2.9.6 takes seven times as long to iterate over headers.
  headers.forEach((value, name) => total += name.length + value.length + 4);
  if (total > maxBytes) {
    throw new AditError(
      "headers_too_large",
      `the request headers exceed the limit of ${maxBytes} bytes`,
    );
  }
}
