/** The built-in Bedrock: handles Bedrock Runtime's requests like the service, without a model, account or network. */

import { randomUUID } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { type JsonValue, member } from "../base/json.ts";
import { AsyncJobs } from "./server/async_jobs.ts";
import { authenticate } from "./server/authenticate.ts";
import { parseJson, readBody } from "./server/body.ts";
import type { Outcome } from "./server/call.ts";
import { PromptCache } from "./model/cache.ts";
import { EMULATOR_API_KEY, EMULATOR_CREDENTIALS, type EmulatorCredentials } from "./server/credentials.ts";
import { BedrockException, EXCEPTION_STATUS } from "./server/exception.ts";
import { FaultSchedule } from "./faults/schedule.ts";
import { type FaultRequest, splitFaults } from "./faults/faults.ts";
import { createPause, type Step, streamSteps, toSteps, toTextSteps } from "./server/frames.ts";
import { stringifySorted } from "./server/json.ts";
import { OPERATIONS } from "./server/operations.ts";
import { createReasoningSeal } from "./model/reasoning.ts";
import { findRoute } from "./server/route.ts";

export interface EmulatorOptions {
  readonly clock: Clock;
  /** Access keys that may sign; default: `EMULATOR_CREDENTIALS`. */
  readonly credentials?: readonly EmulatorCredentials[];
  /** Valid Bedrock API keys; default: `EMULATOR_API_KEY`. */
  readonly apiKeys?: readonly string[];
  /** The region that signatures must have; default: any. */
  readonly region?: string;
  /** Creates the values of `x-amzn-RequestId`; default: random UUIDs. */
  readonly newId?: () => string;
  /** The key for signatures of reasoning. */
  readonly seed?: string;
  /** Pause before each delta of a stream, in milliseconds; default: none. */
  readonly tokenDelayMs?: number;
}

export interface Emulator {
  /** Handles one request, whose `url` has path and query as they were sent. */
  handle(request: Request): Promise<Response>;
}

/** The namespace that the service appends to the names of its exceptions. */
const CORAL_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/";

/** An emulator with its own prompt cache, jobs and fault counters; errors become responses, and it never throws. */
export function createEmulator(options: EmulatorOptions): Emulator {
  const { clock, tokenDelayMs = 0, newId = randomUUID } = options;
  const rules = {
    credentials: options.credentials ?? [EMULATOR_CREDENTIALS],
    apiKeys: options.apiKeys ?? [EMULATOR_API_KEY.reveal()],
    region: options.region,
  };
  const state = { cache: new PromptCache(clock), seal: createReasoningSeal(options.seed ?? "emulator") };
  const jobs = new AsyncJobs(clock);
  const schedule = new FaultSchedule(clock);

  async function answer(request: Request): Promise<Response> {
    const receivedAt = clock.monotonic();
    const { method, url, headers } = request;
    const route = findRoute(method, url);
    if (route === undefined) return unknownOperation();
    const body = await readBody(request);
    const region = authenticate({ method, url, headers, body }, rules, clock.now());
    const parsed = parseJson(body, headers);
    const named = route.operation.startsWith("own-") ? modelIn(parsed) : route.resourceId;
    const { resourceId, faults: asked } = splitFaults(named, headers.get("x-emulator-fault"));
    const faults = schedule.due(asked, `${region} ${route.operation} ${named}`);
    const canned = await applyFaults(faults, request.signal);
    if (canned !== undefined) return canned;
    const call = { ...route, resourceId, region, headers, body: parsed, receivedAt, clock, state, jobs };
    return toResponse(OPERATIONS[route.operation](call), { faults, tokenDelayMs });
  }

  return {
    async handle(request) {
      const response = await answer(request).catch(refusal);
      response.headers.set("x-amzn-requestid", newId());
      // Clients set their clocks by it.
      response.headers.set("date", new Date(clock.now()).toUTCString());
      return response;
    },
  };
}

function refusal(error: unknown): Response {
  const { name, message, details } = error instanceof BedrockException
    ? error
    : new BedrockException("InternalServerException", `The emulator failed: ${error}`);
  const body = { [details.capital ? "Message" : "message"]: message, ...details.members };
  return new Response(stringifySorted(body), {
    status: EXCEPTION_STATUS[name],
    headers: {
      "content-type": "application/json",
      "x-amzn-errortype": details.capital ? name : name + CORAL_SUFFIX,
      ...details.headers,
    },
  });
}

function unknownOperation(): Response {
  const body = { Output: { __type: "com.amazon.coral.service#UnknownOperationException" }, Version: "1.0" };
  return new Response(JSON.stringify(body), {
    status: 404,
    headers: { "content-type": "application/json", "x-amzn-errortype": "UnknownOperationException" },
  });
}

/** Applies delays and refusals of the faults; returns the response that replaces the real one, if any. */
async function applyFaults(
  faults: readonly FaultRequest[],
  signal: AbortSignal,
): Promise<Response | undefined> {
  for (const { fault, argument } of faults) {
    if (fault.kind === "delay") {
      const pause = createPause();
      if (signal.aborted) pause.cancel();
      else signal.addEventListener("abort", () => pause.cancel(), { once: true });
      await pause.start(fault.delayMs(argument));
    } else if (fault.kind === "refuse") {
      const refused = fault.refuse(argument);
      if (refused instanceof BedrockException) throw refused;
      const { status, contentType, body } = refused;
      return new Response(body === "" ? null : body, {
        status,
        headers: contentType === undefined ? {} : { "content-type": contentType },
      });
    }
  }
  return undefined;
}

interface ResponseOptions {
  readonly faults: readonly FaultRequest[];
  readonly tokenDelayMs: number;
}

function toResponse(outcome: Outcome, { faults, tokenDelayMs }: ResponseOptions): Response {
  const { headers } = outcome;
  switch (outcome.kind) {
    case "json": {
      headers.set("content-type", "application/json");
      return new Response(outcome.sorted ? stringifySorted(outcome.body) : JSON.stringify(outcome.body), {
        status: outcome.status ?? 200,
        headers,
      });
    }
    case "events":
      headers.set("content-type", "application/vnd.amazon.eventstream");
      return streamed(toSteps(outcome.events, { tokenDelayMs }), headers, faults);
    case "text events":
      headers.set("content-type", "text/event-stream; charset=utf-8");
      return streamed(toTextSteps(outcome.events, { tokenDelayMs }), headers, faults);
  }
}

function streamed(events: Iterable<Step>, headers: Headers, faults: readonly FaultRequest[]): Response {
  let steps = events;
  for (const { fault, argument } of faults) {
    if (fault.kind === "stream") steps = fault.apply(steps, argument);
  }
  return new Response(streamSteps(steps), { headers });
}

/** The model that a body names; empty if it names none. */
function modelIn(body: JsonValue | undefined): string {
  const model = member(body, "model");
  return typeof model === "string" ? model : "";
}
