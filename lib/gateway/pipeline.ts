/** The one order in which a request is handled: route, caller, body, plan, attempts, answer, settlement. */

import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError, errorRow, toAditError } from "../base/errors.ts";
import { newRequestId } from "../base/ids.ts";
import { parseJsonBody } from "../base/json.ts";
import type { Logger } from "../base/log.ts";
import { identify, prove } from "../callers/authenticate.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Plan } from "../snapshot/plan.ts";
import type { Connection, Handler } from "../runtime/runtime.ts";
import { isStream } from "../providers/bedrock/operations.ts";
import type { Upstream } from "../providers/upstream.ts";
import { discardBody, readBody } from "../server/body.ts";
import { Call } from "./call.ts";
import { listCatalog } from "../endpoints/catalog.ts";
import { chatRequest } from "../endpoints/chat/chat.ts";
import { countTokensRequest } from "../endpoints/messages/count_tokens.ts";
import { errorResponse, nameRequest } from "./dialect.ts";
import { type Answer, jsonAnswer, type ModelRequest, type WholeAnswer } from "./endpoint.ts";
import { messagesRequest } from "../endpoints/messages/messages.ts";
import { listModels } from "../endpoints/models.ts";
import { nativeRequest } from "../endpoints/native/native.ts";
import { RequestCounts } from "./request_counts.ts";
import { dialectOf, type Match, queryOf, route, routePath } from "../endpoints/router.ts";
import { streamBody } from "../server/stream.ts";

export interface PipelineOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly upstream: Upstream;
  readonly snapshot: Snapshot;
}

/** Handles requests with the snapshot of the day, and knows which are in hand. */
export class Pipeline {
  /** What has been settled since the start. */
  readonly counts = new RequestCounts();
  readonly #options: PipelineOptions;
  readonly #inHand = new Set<Call>();
  readonly #startedMs: number;
  #snapshot: Snapshot;
  #draining = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#snapshot = options.snapshot;
    this.#startedMs = options.clock.now();
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Number of requests that have not been settled. */
  get inHand(): number {
    return this.#inHand.size;
  }

  /** Requests from now on see this configuration; those in hand keep theirs. */
  use(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  /** Refuses what still comes over open connections. */
  startDraining(): void {
    this.#draining = true;
  }

  /** Ends every request in hand: streams with an error event, the others with an error answer. */
  endAll(error: AditError): void {
    for (const call of this.#inHand) call.end(error);
  }

  readonly handle: Handler = async (request, connection) => {
    const path = routePath(connection.target);
    const call = this.#begin(request, path, connection);
    try {
      return await this.#answer(request, connection, path, call);
    } catch (cause) {
      const error = toAditError(cause);
      discardBody(request);
      const response = errorResponse(error, call.options.dialect, call.id);
      nameIgnored(response.headers, call);
      call.settle(error, response.status);
      return response;
    }
  };

  #begin({ method, headers }: Request, path: string, connection: Connection): Call {
    const { clock, logger, upstream } = this.#options;
    const call = new Call({
      id: newRequestId(),
      clock,
      logger,
      upstream,
      snapshot: this.#snapshot,
      method,
      path,
      dialect: dialectOf(path, headers),
      remoteAddress: connection.remoteAddress,
      onSettled: (settled, error) => {
        this.#inHand.delete(settled);
        this.counts.add(settled, error);
      },
    });
    this.#inHand.add(call);
    return call;
  }

  async #answer(request: Request, connection: Connection, path: string, call: Call): Promise<Response> {
    const { snapshot } = call;
    checkHeaders(request.headers, snapshot.limits.headerBytes);
    const match = route(request.method, path, snapshot);
    if (match.endpoint === "health") return wholeResponse(call, jsonAnswer({ status: "ok" }));
    if (this.#draining) throw new AditError("draining");
    if (connection.losesStreams && match.endpoint === "native" && isStream(match.operation)) {
      throw streamLost();
    }
    const identity = identify(request.headers, snapshot, this.#options.clock.now());
    if (this.#inHand.size > snapshot.limits.concurrent) throw new AditError("busy");
    if (identity.kind === "caller") call.caller = identity.caller;
    endWithClient(call, connection.clientGone);
    const received = await this.#receive(request, connection, snapshot);
    const caller = prove(identity, received, this.#options.clock.now());
    call.caller = caller;
    if (match.endpoint === "models") {
      const query = queryOf(connection.target);
      const list = { caller, snapshot, createdMs: this.#startedMs, query };
      return wholeResponse(call, jsonAnswer(listModels(match.name, list)));
    }
    if (match.endpoint === "catalog") {
      const query = queryOf(connection.target);
      return wholeResponse(call, jsonAnswer(listCatalog(match.list, { caller, snapshot, query })));
    }
    const modelRequest = readRequest(match, received, { target: connection.target, snapshot });
    const plan = modelRequest.plan(caller, snapshot);
    call.plan = plan;
    return this.#respond(await attemptInOrder(modelRequest, plan, call), call);
  }

  /** The request as it came off the wire, once all of it is there. */
  async #receive(
    request: Request,
    { target }: Connection,
    { limits, timeouts }: Snapshot,
  ): Promise<ReceivedRequest> {
    const body = await readBody(request, {
      maxBytes: limits.bodyBytes,
      idleMs: timeouts.idleMs,
      totalMs: timeouts.totalMs,
      timers: this.#options.timers,
    });
    const { method, headers } = request;
    const [, authority = ""] = /^[a-z]+:\/\/([^/?#]*)/i.exec(request.url) ?? [];
    return { method, url: `http://${authority}${target}`, headers, body };
  }

  #respond(answer: Answer, call: Call): Response {
    const { body } = answer;
    if (typeof body === "string" || body instanceof Uint8Array) {
      return wholeResponse(call, { ...answer, body });
    }
    const { keepaliveMs, totalMs } = call.snapshot.timeouts;
    call.began(answer.status);
    addOwnHeaders(answer.headers, call);
    return new Response(streamBody(body, call, { timers: this.#options.timers, keepaliveMs, totalMs }), {
      status: answer.status,
      headers: answer.headers,
    });
  }
}

interface ReadOptions {
  /** Path and query as they were received. */
  readonly target: string;
  readonly snapshot: Snapshot;
}

function readRequest(
  match: Exclude<Match, { readonly endpoint: "catalog" | "health" | "models" }>,
  { headers, body }: ReceivedRequest,
  { target, snapshot }: ReadOptions,
): ModelRequest {
  const json = () => parseJsonBody(body, { maxDepth: snapshot.limits.jsonDepth });
  switch (match.endpoint) {
    case "chat":
      return chatRequest(json(), match);
    case "messages":
      return messagesRequest(json(), headers);
    case "countTokens":
      return countTokensRequest(json(), headers);
    case "native":
      return nativeRequest({ match, target, headers, body });
  }
}

/** Half an answer that looks whole is worse than none. */
function streamLost(): AditError {
  return new AditError(
    "unsupported",
    "streams over HTTP/2 would reach this client cut short: give it HTTP/1.1, or run the gateway on Bun",
  );
}

/** Ends the call when its client leaves before the answer, also if it has left already. */
function endWithClient(call: Call, clientGone: AbortSignal): void {
  const end = () => call.end(new AditError("client_gone"));
  if (clientGone.aborted) end();
  else clientGone.addEventListener("abort", end, { once: true });
}

/** Tries the plan's targets until one answers; only the last one's error is the caller's. */
async function attemptInOrder(request: ModelRequest, plan: Plan, call: Call): Promise<Answer> {
  const last = plan.targets.length - 1;
  for (const [index, target] of plan.targets.entries()) {
    try {
      return await request.attempt(target, call);
    } catch (cause) {
      const error = toAditError(cause);
      if (index === last || errorRow(error.kind).retry === "never") throw error;
    }
  }
  throw new AditError("internal");
}

function checkHeaders(headers: Headers, maxBytes: number): void {
  let total = 0;
  // Deno 2.9.6 takes seven times as long to iterate over them.
  headers.forEach((value, name) => total += name.length + value.length + 4);
  if (total > maxBytes) {
    throw new AditError(
      "headers_too_large",
      `the request headers are larger than ${maxBytes} bytes, the limit here`,
    );
  }
}

/** What every answer says beside the endpoint's own headers. */
function addOwnHeaders(headers: Headers, call: Call): void {
  nameRequest(headers, call.options.dialect, call.id);
  nameIgnored(headers, call);
}

/** Also when Bedrock refuses the request: what it never saw may be why. */
function nameIgnored(headers: Headers, call: Call): void {
  if (call.ignored.length > 0) headers.set("x-adit-ignored", call.ignored.join(", "));
}

function wholeResponse(call: Call, { status, headers, body }: WholeAnswer): Response {
  addOwnHeaders(headers, call);
  // An empty body is none: a 204 or 304 that has one cannot be built.
  const response = new Response(body.length === 0 ? null : body, { status, headers });
  call.began(status);
  call.settle();
  return response;
}
