/**
 * The one sequence in which a request is handled: route, caller, body, plan, attempts, response, settlement.
 */

import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";
import { newRequestId } from "../base/ids.ts";
import { LinkedList } from "../base/linked_list.ts";
import { identify, type Identity, verifyIdentity } from "../callers/authenticate.ts";
import type { Upstream } from "../providers/upstream.ts";
import type { Connection, Handler } from "../runtime/runtime.ts";
import { type BodyBounds, discardBody, readBody } from "../server/body.ts";
import { clientAddress } from "../server/client_address.ts";
import { routePath } from "../server/path.ts";
import { type ByteSource, streamBody } from "../server/stream.ts";
import type { InFlight, InFlightRequest } from "../snapshot/in_flight.ts";
import type { RecordSink } from "../snapshot/record.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import { type Admission, type Elsewhere, Hold } from "./admission/admit.ts";
import { Asked } from "./admission/asked.ts";
import type { Sizes } from "./admission/sizes.ts";
import { attemptInOrder, type AttemptTools } from "./attempts.ts";
import { usdText } from "../facts/cost.ts";
import type { Store, Tally } from "../store/store.ts";
import { Call } from "./call.ts";
import { clientFacts } from "./client_facts.ts";
import { answerAcrossOrigins } from "./cors.ts";
import { errorResponse, nameRequest } from "./dialect.ts";
import type {
  Attempt,
  CallerEndpoint,
  CallerViews,
  Endpoint,
  ModelRequest,
  Reading,
  Router,
} from "./endpoint.ts";
import { HeavyWork } from "./heavy_work.ts";
import type { Answer, WholeAnswer } from "./outcome.ts";
import { addTargetHeaders } from "./target_headers.ts";
import { Unproven, UNPROVEN_IDLE_MS, UNPROVEN_TOTAL_MS } from "./unproven.ts";

export interface PipelineOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly store: Store;
  /** When the process started, in milliseconds since the Unix epoch; default: now. */
  readonly startedMs?: number | undefined;
  readonly upstream: Upstream;
  readonly router: Router;
  readonly snapshot: Snapshot;
  /** Receive the record of every request when it is settled. */
  readonly sinks: readonly RecordSink[];
  readonly attempts: AttemptTools;
  /** Undefined if the gateway keeps no usage. */
  readonly views: CallerViews | undefined;
  readonly sizes: Sizes;
  readonly admission: Admission;
}

/** The parts of a received request. */
interface Incoming {
  readonly request: Request;
  readonly connection: Connection;
  readonly call: Call;
}

/** A request that is complete except for what it may use. */
interface Admissible {
  readonly call: Call;
  readonly caller: Caller;
  readonly endpoint: CallerEndpoint;
  readonly bodyBytes: number;
}

/** Handles requests with the current snapshot, and tracks in-flight requests. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #inFlight = new LinkedList<Call>();
  /** Requests whose clients have left, while their responses are read to the end. */
  readonly #leftBehind = new LinkedList<Call>();
  #onNoneLeft: (() => void) | undefined;
  readonly #startedMs: number;
  /** Of all threads. */
  readonly #allInFlight: Tally;
  readonly #allLeftBehind: Tally;
  readonly #unproven: Unproven;
  readonly #heavy = new HeavyWork();
  #snapshot: Snapshot;
  #draining = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#allInFlight = options.store.tally("requests in flight");
    this.#allLeftBehind = options.store.tally("requests left behind");
    this.#unproven = new Unproven(options.store);
    this.#snapshot = options.snapshot;
    this.#startedMs = options.startedMs ?? options.clock.now();
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Number of requests in all threads that have not been settled. */
  get inFlight(): number {
    return this.#allInFlight.total + this.#allLeftBehind.total;
  }

  /** The requests that have been in flight longest. */
  oldest(count: number): InFlight {
    const requests: InFlightRequest[] = [];
    for (const call of this.#inFlight) {
      if (requests.length === count) break;
      requests.push(call.progress);
    }
    return { total: this.#inFlight.size, requests };
  }

  /** New requests use this configuration; in-flight requests keep theirs. */
  use(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  /** Refuses further requests on open connections. */
  startDraining(): void {
    this.#draining = true;
  }

  /** Resolves when no response is being read for a client that has left. */
  noneLeftBehind(): Promise<void> {
    if (this.#leftBehind.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onNoneLeft = resolve);
  }

  /** Aborts every in-flight request: streams with an error event, others with an error response. */
  abortAll(error: AditError): void {
    for (const call of [...this.#inFlight, ...this.#leftBehind]) call.end(error);
  }

  readonly handle: Handler = (request, connection) => {
    const { cors } = this.#snapshot;
    if (cors === undefined) return this.#handle(request, connection);
    return answerAcrossOrigins(request, cors, () => this.#handle(request, connection));
  };

  async #handle(request: Request, connection: Connection): Promise<Response> {
    const path = routePath(connection.target);
    const call = this.#begin(request, path, connection);
    try {
      return await this.#answer({ request, connection, call }, path);
    } catch (cause) {
      discardBody(request);
      return refusal(call, toAditError(cause), []);
    }
  }

  #begin({ method, headers }: Request, path: string, connection: Connection): Call {
    const { clock, timers, upstream, router, sinks } = this.#options;
    const call = new Call({
      id: newRequestId(),
      clock,
      timers,
      upstream,
      snapshot: this.#snapshot,
      method,
      path,
      dialect: router.dialectOf(path, headers),
      remoteAddress: clientAddress(connection.remoteAddress, headers, this.#snapshot.trustedProxies),
      client: clientFacts(headers),
      sinks,
      mayDrain: (left) => {
        if (!this.#allLeftBehind.take(1, MAX_DRAINING)) return false;
        this.#inFlight.delete(left);
        this.#allInFlight.give(1);
        this.#leftBehind.add(left);
        return true;
      },
      onSettled: (settled) => {
        if (settled.isLeft) {
          this.#leftBehind.delete(settled);
          this.#allLeftBehind.give(1);
          if (this.#leftBehind.size === 0) this.#onNoneLeft?.();
        } else {
          this.#inFlight.delete(settled);
          this.#allInFlight.give(1);
        }
        connection.answered?.();
      },
    });
    this.#inFlight.add(call);
    this.#allInFlight.take(1);
    return call;
  }

  #answer(incoming: Incoming, path: string): Response | Promise<Response> {
    const { request: { method, headers }, connection, call } = incoming;
    const { snapshot } = call;
    checkHeaders(headers, snapshot.limits.headerBytes);
    const endpoint = this.#routed(method, path, snapshot);
    call.endpoint = endpoint.about.endpoint;
    if (endpoint.needs === "nothing") return wholeResponse(call, endpoint.answer());
    if (this.#draining) throw new AditError("draining");
    if (connection.truncatesStreams && endpoint.answersInFrames === true) throw streamLost();
    return this.#answerCaller(incoming, endpoint);
  }

  /** Which routes exist is only for callers to know, so what is wrong with one is reported after the key is checked. */
  #routed(method: string, path: string, snapshot: Snapshot): Endpoint {
    try {
      return this.#options.router.route(method, path, snapshot);
    } catch (cause) {
      return refusingEndpoint(toAditError(cause));
    }
  }

  async #answerCaller(incoming: Incoming, endpoint: CallerEndpoint): Promise<Response> {
    const { request, connection, call } = incoming;
    const { snapshot } = call;
    const identity = identify(request.headers, snapshot, this.#options.clock.now());
    if (identity.kind === "caller" && endpoint.refusal !== undefined) throw endpoint.refusal;
    if (this.#allInFlight.total > snapshot.limits.concurrent) throw new AditError("busy");
    if (identity.kind === "caller") {
      call.caller = identity.caller;
      const { counts } = endpoint;
      if (counts !== undefined) this.#options.admission.peek(identity.caller, counts, call.options.dialect);
    }
    endWithClient(call, connection.clientGone);
    const { caller } = identity;
    const received = identity.kind === "caller"
      ? await this.#receive(incoming, { idleMs: snapshot.timeouts.idleMs, totalMs: call.remainingMs })
      : await this.#prove(incoming, identity);
    call.received();
    call.caller = caller;
    const bodyBytes = received.body.length;
    // A short body may become long.
    const workBytes = received.headers.has("content-encoding") ? snapshot.limits.bodyBytes : bodyBytes;
    const { target } = connection;
    const startedMs = this.#startedMs;
    const { views } = this.#options;
    const read = (instead?: string) =>
      endpoint.read({ received, target, caller, snapshot, startedMs, views, instead });
    const reading = await this.#heavy.run(workBytes, read);
    switch (reading.kind) {
      case "answer":
        return wholeResponse(call, reading.answer);
      case "later":
        return wholeResponse(call, await reading.answer);
      case "model": {
        let { request } = reading;
        call.plan = request.plan;
        const admissible: Admissible = { call, caller, endpoint, bodyBytes };
        const admitted = await this.#admit(request, admissible);
        if (admitted instanceof Hold) call.hold = admitted;
        else {
          const instead = async (model: string) => await this.#heavy.run(workBytes, () => read(model));
          request = await this.#admitElsewhere(admitted, admissible, instead);
        }
        return this.#attempt(request, call, workBytes);
      }
    }
  }

  /** A function of its own, so that the body as received is not kept while the model answers. */
  async #attempt(request: ModelRequest, call: Call, bytes: number): Promise<Response> {
    const work = () => attemptInOrder(request, call, this.#options.attempts);
    return this.#respond(await this.#heavy.run(bytes, work), call);
  }

  /**
   * Admits a request for the model to which a spent budget sends it, and from there perhaps to a further one. Throws the
   * budget's refusal if the request cannot be one for that model.
   */
  async #admitElsewhere(
    first: Elsewhere,
    admissible: Admissible,
    instead: (model: string) => Promise<Reading>,
  ): Promise<ModelRequest> {
    const { call } = admissible;
    const tried = new Set([call.plan?.name]);
    for (let next = first;;) {
      const { use, refused } = next;
      if (tried.has(use.model)) throw refused;
      tried.add(use.model);
      const reading = await instead(use.model).catch(() => undefined);
      if (reading?.kind !== "model") throw refused;
      const { request } = reading;
      call.sendElsewhere(request.plan, use);
      const admitted = await this.#admit(request, admissible);
      if (admitted instanceof Hold) {
        call.hold = admitted;
        return request;
      }
      next = admitted;
    }
  }

  #admit(
    request: ModelRequest,
    { call, caller, endpoint, bodyBytes }: Admissible,
  ): ReturnType<Admission["admit"]> {
    const { admission, sizes } = this.#options;
    const { id, snapshot, options: { dialect } } = call;
    const { plan, measure } = request;
    const counts = endpoint.counts ?? "requests";
    const { estimate } = sizes;
    const asked = new Asked({ id, snapshot, caller, plan, counts, dialect, bodyBytes }, {
      measure,
      estimate,
    });
    return admission.admit(asked, () => call);
  }

  /** The request as received, which its caller is proven to have sent. */
  async #prove(incoming: Incoming, identity: Identity): Promise<ReceivedRequest> {
    const { limits, timeouts: { idleMs } } = incoming.call.snapshot;
    const room = this.#unproven.enter(identity.caller, limits);
    try {
      const received = await this.#receive(incoming, {
        idleMs: Math.min(idleMs, UNPROVEN_IDLE_MS),
        totalMs: Math.min(incoming.call.remainingMs, UNPROVEN_TOTAL_MS),
        onBytes: room.take,
      });
      await this.#heavy.run(
        received.body.length,
        () => verifyIdentity(identity, received, this.#options.clock.now()),
      );
      return received;
    } finally {
      room.release();
    }
  }

  /** The request as received, once it is complete. */
  async #receive(
    { request, connection: { target }, call }: Incoming,
    bounds: Pick<BodyBounds, "idleMs" | "totalMs" | "onBytes">,
  ): Promise<ReceivedRequest> {
    const { timers } = this.#options;
    const body = await readBody(request, { ...bounds, maxBytes: call.snapshot.limits.bodyBytes, timers });
    const { method, headers } = request;
    return {
      method,
      // Only signatures need it.
      get url() {
        const [, authority = ""] = /^[a-z]+:\/\/([^/?#]*)/i.exec(request.url) ?? [];
        return `http://${authority}${target}`;
      },
      headers,
      body,
    };
  }

  #respond(attempt: Attempt, call: Call): Response {
    call.hold?.asked.forgetBody();
    if (attempt.refused === undefined) {
      call.accepted();
      if (call.isLeft && isWhole(attempt.answered)) return unread(call, attempt.answered);
      return this.#send(attempt.answered, call);
    }
    const { refused, ignored, answer } = attempt;
    return answer === undefined ? refusal(call, refused, ignored) : this.#send(answer, call);
  }

  #send(answer: Answer, call: Call): Response {
    if (isWhole(answer) && answer.body.length <= MAX_PIECE_BYTES) return wholeResponse(call, answer);
    const { status, headers } = answer;
    call.began(answer);
    addOwnHeaders(headers, call, answer.ignored);
    const { timers } = this.#options;
    const body = isWhole(answer) ? wholeSource(answer, call) : answer.body;
    return new Response(streamBody(body, call, { timers, keepaliveMs: call.snapshot.timeouts.keepaliveMs }), {
      status,
      headers,
    });
  }
}

function refusingEndpoint(refusal: AditError): CallerEndpoint {
  return {
    needs: "caller",
    about: { endpoint: "none" },
    counts: undefined,
    refusal,
    read() {
      throw refusal;
    },
  };
}

/**
 * Longer answers do not fit into the buffers of a connection. They are sent piece by piece, so that a client that does
 * not read them is noticed, and counts as in flight.
 */
const MAX_PIECE_BYTES = 64 * 1024;

function wholeSource({ headers, body }: WholeAnswer, call: Call): ByteSource {
  const bytes = typeof body === "string" ? encodeUtf8(body) : body;
  headers.set("content-length", String(bytes.length));
  call.wrote(bytes.length);
  let at = 0;
  return {
    ping: undefined,
    next() {
      const piece = bytes.subarray(at, at += MAX_PIECE_BYTES);
      return Promise.resolve(piece.length === 0 ? undefined : piece);
    },
    // Nothing can follow a part of a whole answer; the connection is cut.
    failure(error) {
      throw error;
    },
  };
}

function isWhole(answer: Answer): answer is WholeAnswer {
  return typeof answer.body === "string" || answer.body instanceof Uint8Array;
}

/** A truncated response that looks complete is worse than none. */
function streamLost(): AditError {
  return new AditError(
    "unsupported",
    "streams over HTTP/2 would reach this client truncated; use HTTP/1.1, or run the gateway on Bun",
  );
}

/** Maximum number of responses that are read to their end for clients that have left. */
const MAX_DRAINING = 64;

/** The end of a request whose whole answer nobody waits for any more. */
function unread(call: Call, answer: WholeAnswer): Response {
  call.began(answer);
  call.drained();
  return refusal(call, new AditError("client_gone"), answer.ignored);
}

/** Ends the call if its client leaves before the response, or has already left. */
function endWithClient(call: Call, clientGone: AbortSignal): void {
  const end = () => call.leave();
  if (clientGone.aborted) end();
  else clientGone.addEventListener("abort", end, { once: true });
}

function checkHeaders(headers: Headers, maxBytes: number): void {
  let total = 0;
  // Deno 2.9.6 takes seven times as long to iterate over them.
  headers.forEach((value, name) => total += name.length + value.length + 4);
  if (total > maxBytes) {
    throw new AditError(
      "headers_too_large",
      `the request headers exceed the limit of ${maxBytes} bytes`,
    );
  }
}

/** Headers of every response, in addition to the endpoint's own. */
function addOwnHeaders(headers: Headers, call: Call, ignored: readonly string[]): void {
  nameRequest(headers, call.options.dialect, call.id);
  if (ignored.length > 0) headers.set("x-adit-ignored", ignored.join(", "));
  addTargetHeaders(headers, call);
  call.hold?.addHeaders(headers);
}

/** The error in the caller's dialect; ignored fields are listed, since they may be the reason. */
function refusal(call: Call, error: AditError, ignored: readonly string[]): Response {
  const response = errorResponse(error, call.options.dialect, call.id);
  addOwnHeaders(response.headers, call, ignored);
  call.settle(error, { status: response.status, ignored });
  return response;
}

function wholeResponse(call: Call, answer: WholeAnswer): Response {
  const { status, headers, body, ignored } = answer;
  call.began(answer);
  addOwnHeaders(headers, call, ignored);
  const cost = call.snapshot.responseHeaders.cost ? call.cost : undefined;
  if (cost !== undefined) headers.set("x-adit-cost", usdText(cost));
  // An empty body becomes null: a 204 or 304 with a body cannot be constructed.
  const response = new Response(body.length === 0 ? null : body, { status, headers });
  call.wrote(body.length);
  call.settle();
  return response;
}
