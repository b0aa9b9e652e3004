/** The order in which every request is handled: route, caller, body, plan, attempts, response, settlement. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";
import { newRequestId } from "../base/ids.ts";
import { identify } from "../callers/authenticate.ts";
import type { Upstream } from "../providers/upstream.ts";
import type { Connection, Handler } from "../runtime/runtime.ts";
import { discardBody } from "../server/body.ts";
import { clientAddress } from "../server/client_address.ts";
import { routePath } from "../server/path.ts";
import type { InFlight } from "../snapshot/in_flight.ts";
import type { RecordSink } from "../snapshot/record.ts";
import type { Cors, Snapshot } from "../snapshot/snapshot.ts";
import type { Store } from "../store/store.ts";
import { type Admission, type Elsewhere, Hold } from "./admission/admit.ts";
import { type Admissible, ModelAdmission } from "./admission/admit_model.ts";
import type { Sizes } from "./admission/sizes.ts";
import { attemptInOrder, type AttemptTools } from "./attempts.ts";
import { Call, type CallTools } from "./call.ts";
import { CallsInFlight } from "./calls_in_flight.ts";
import type {
  Attempt,
  CallerEndpoint,
  CallerViews,
  Endpoint,
  EndpointRequest,
  ModelRequest,
  Router,
} from "./endpoint.ts";
import { HeavyWork, isHeavy } from "./heavy_work.ts";
import { clientFacts } from "./intake/client_facts.ts";
import { answerAcrossOrigins } from "./intake/cors.ts";
import { checkHeaders, type Incoming, receiveBody, Received, receiveProven } from "./intake/receive.ts";
import { Unproven } from "./intake/unproven.ts";
import { refusal, respond, wholeResponse } from "./respond.ts";

export interface PipelineOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly store: Store;
  /** When the process started, in milliseconds since the Unix epoch; default: now. */
  readonly startedMs?: number | undefined;
  readonly upstream: Upstream;
  readonly router: Router;
  readonly snapshot: Snapshot;
  /** Each receives the record of every request when it is settled. */
  readonly sinks: readonly RecordSink[];
  readonly attempts: AttemptTools;
  /** Undefined if the gateway does not store usage. */
  readonly views: CallerViews | undefined;
  readonly sizes: Sizes;
  readonly admission: Admission;
}

/** Handles requests with the current snapshot. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #calls: CallsInFlight;
  readonly #tools: CallTools;
  readonly #startedMs: number;
  readonly #unproven: Unproven;
  readonly #heavy = new HeavyWork();
  readonly #admission: ModelAdmission;
  #snapshot: Snapshot;
  #draining = false;

  constructor(options: PipelineOptions) {
    const { clock, timers, upstream, sinks, store } = options;
    this.#options = options;
    this.#calls = new CallsInFlight(store);
    this.#tools = { clock, timers, upstream, sinks, keeper: this.#calls };
    this.#unproven = new Unproven(store);
    this.#admission = new ModelAdmission(options);
    this.#snapshot = options.snapshot;
    this.#startedMs = options.startedMs ?? clock.now();
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Number of unsettled requests in all threads. */
  get inFlight(): number {
    return this.#calls.total;
  }

  /** The requests that have been in flight the longest. */
  oldest(count: number): InFlight {
    return this.#calls.oldest(count);
  }

  /** New requests use this configuration; in-flight requests keep theirs. */
  use(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  /** Refuses further requests on open connections. */
  startDraining(): void {
    this.#draining = true;
  }

  /** Resolves when no response of a client that has left is being read. */
  noneLeftBehind(): Promise<void> {
    return this.#calls.noneLeftBehind();
  }

  /** Aborts every in-flight request: streams with an error event, others with an error response. */
  abortAll(error: AditError): void {
    this.#calls.abortAll(error);
  }

  readonly handle: Handler = (request, connection) => {
    const { cors } = this.#snapshot;
    return cors === undefined
      ? this.#handle(request, connection)
      : this.#handleAcrossOrigins(request, connection, cors);
  };

  #handleAcrossOrigins(request: Request, connection: Connection, cors: Cors): Promise<Response> {
    return answerAcrossOrigins(request, cors, () => this.#handle(request, connection));
  }

  async #handle(request: Request, connection: Connection): Promise<Response> {
    const { target } = connection;
    const call = this.#begin(request, connection, target);
    try {
      const answer = await this.#answer({ request, connection, target, call });
      return answer instanceof Response ? answer : respond(await this.#attempt(answer, call), call);
    } catch (cause) {
      discardBody(request);
      return refusal(call, toAditError(cause), []);
    }
  }

  #begin({ method, headers }: Request, connection: Connection, target: string): Call {
    const path = routePath(target);
    const call = new Call({
      id: newRequestId(this.#tools.clock.now()),
      snapshot: this.#snapshot,
      method,
      path,
      dialect: this.#options.router.dialectOf(path, headers),
      remoteAddress: clientAddress(connection.remoteAddress, headers, this.#snapshot.trustedProxies),
      client: clientFacts(headers),
      connection,
      tools: this.#tools,
    });
    this.#calls.add(call);
    return call;
  }

  #answer(incoming: Incoming): Response | Promise<Response | Admitted> {
    const { request: { method, headers }, connection, call } = incoming;
    const { snapshot, options: { path } } = call;
    checkHeaders(headers, snapshot.limits.headerBytes);
    const endpoint = this.#routed(method, path, snapshot);
    call.endpoint = endpoint.about.endpoint;
    if (endpoint.needs === "nothing") return wholeResponse(call, endpoint.answer());
    if (this.#draining) throw new AditError("draining");
    if (endpoint.answersInFrames === true && connection.truncatesStreams) throw streamLost();
    return this.#answerCaller(incoming, endpoint);
  }

  /** Only callers may learn which routes exist, so an error of the route is thrown after the key has been checked. */
  #routed(method: string, path: string, snapshot: Snapshot): Endpoint {
    try {
      return this.#options.router.route(method, path, snapshot);
    } catch (cause) {
      return refusingEndpoint(toAditError(cause));
    }
  }

  /** The answer, or the request for a model, without the received bytes: they are not retained during the attempts. */
  async #answerCaller(incoming: Incoming, endpoint: CallerEndpoint): Promise<Response | Admitted> {
    const { request, connection, target, call } = incoming;
    const { snapshot } = call;
    const identity = identify(request.headers, snapshot, this.#options.clock.now());
    const { kind, caller } = identity;
    if (kind === "caller" && endpoint.refusal !== undefined) throw endpoint.refusal;
    if (this.#calls.waiting > snapshot.limits.concurrent) throw new AditError("busy");
    if (kind === "caller") {
      call.caller = caller;
      const { counts } = endpoint;
      const { arrivedMs, options: { dialect } } = call;
      if (counts !== undefined) this.#options.admission.peek({ caller, counts, dialect, arrivedMs });
    }
    endWithClient(call, connection.clientGone);
    const received = kind === "caller"
      ? new Received(incoming, await receiveBody(incoming))
      : await receiveProven(incoming, identity, { unproven: this.#unproven, heavy: this.#heavy });
    call.received();
    call.caller = caller;
    const bodyBytes = received.body.length;
    const { views } = this.#options;
    const read = { received, target, caller, snapshot, startedMs: this.#startedMs, views };
    // A short body may be decompressed to a long one.
    const workBytes = received.headers.has("content-encoding") ? snapshot.limits.bodyBytes : bodyBytes;
    const reading = isHeavy(workBytes)
      ? await this.#heavy.run(workBytes, () => endpoint.read(read))
      : endpoint.read(read);
    if (reading.kind !== "model") return wholeResponse(call, await reading.answer);
    call.plan = reading.request.plan;
    const admissible: Admissible = { call, caller, endpoint, bodyBytes };
    const admitting = this.#admission.admit(reading.request, admissible);
    const admitted = admitting instanceof Promise ? await admitting : admitting;
    if (!(admitted instanceof Hold)) {
      return { request: await this.#admitElsewhere(admitted, admissible, read), workBytes };
    }
    call.hold = admitted;
    return { request: reading.request, workBytes };
  }

  #admitElsewhere(first: Elsewhere, admissible: Admissible, read: EndpointRequest): Promise<ModelRequest> {
    const { endpoint, bodyBytes } = admissible;
    return this.#admission.admitElsewhere(
      first,
      admissible,
      async (instead) => await this.#heavy.run(bodyBytes, () => endpoint.read({ ...read, instead })),
    );
  }

  #attempt({ request, workBytes }: Admitted, call: Call): Attempt | Promise<Attempt> {
    return this.#heavy.run(workBytes, () => attemptInOrder(request, call, this.#options.attempts));
  }
}

/** A request for a model that may be sent. */
interface Admitted {
  readonly request: ModelRequest;
  /** Size of the body, which decides whether its translation has to wait for its turn. */
  readonly workBytes: number;
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

/** Refuses the stream: a truncated response that looks complete is worse than none. */
function streamLost(): AditError {
  return new AditError(
    "unsupported",
    "streams over HTTP/2 would reach this client truncated; use HTTP/1.1, or run the gateway on Bun",
  );
}

/** Ends the call if its client leaves before the response, or has already left. */
function endWithClient(call: Call, clientGone: AbortSignal): void {
  if (clientGone.aborted) call.leave();
  else clientGone.addEventListener("abort", () => call.leave());
}
