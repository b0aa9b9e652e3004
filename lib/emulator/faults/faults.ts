/** Faults on demand: failures of Bedrock, each with a name that a request can contain. */

import { BedrockException, type ExceptionName, invalid } from "../server/exception.ts";
import { encodeStep, errorStep, exceptionStep, type FrameStep, type Step } from "../server/frames.ts";

/** A fault requested by a request, with the number after its name. */
export interface FaultRequest {
  readonly fault: Fault;
  readonly argument: number | undefined;
}

/** A response that replaces the real one. */
export interface CannedAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** The place of a request among those of its kind. */
export interface Moment {
  /** Its number, from 1. */
  readonly request: number;
  /** Since the first of them. */
  readonly elapsedMs: number;
}

export type Fault =
  /** Restricts the other faults to some of the requests. */
  | { readonly kind: "when"; readonly isDue: (moment: Moment, argument: number | undefined) => boolean }
  /** Refuses the request. */
  | {
    readonly kind: "refuse";
    readonly refuse: (argument: number | undefined) => BedrockException | CannedAnswer;
  }
  /** Waits that many milliseconds before the response, or forever if there is no number. */
  | { readonly kind: "delay"; readonly delayMs: (argument: number | undefined) => number | undefined }
  /** Changes a stream. */
  | {
    readonly kind: "stream";
    readonly apply: (steps: Iterable<Step>, argument: number | undefined) => Iterable<Step>;
  };

const MARK = ".fault-";

/**
 * Removes the faults from a model or other id: `ID.fault-NAME` or `ID.fault-NAME:NUMBER`, repeatable. The header
 * `x-emulator-fault: NAME:NUMBER,NAME` adds to them.
 */
export function splitFaults(
  resourceId: string,
  header: string | null,
): { readonly resourceId: string; readonly faults: readonly FaultRequest[] } {
  const [id = "", ...suffixes] = resourceId.split(MARK);
  const listed = (header ?? "").split(",").map((part) => part.trim()).filter((part) => part !== "");
  return { resourceId: id, faults: [...suffixes, ...listed].map(parseFault) };
}

function parseFault(text: string): FaultRequest {
  const [, name = "", number] = /^([a-z0-9-]+)(?::(\d+))?$/.exec(text) ?? [];
  const fault = FAULTS.get(name);
  if (fault === undefined) {
    throw invalid(`The emulator has no fault "${text}"; known: ${faultNames().join(", ")}`);
  }
  return { fault, argument: number === undefined ? undefined : Number(number) };
}

/** The names allowed after `.fault-` and in `x-emulator-fault`. */
export function faultNames(): readonly string[] {
  return [...FAULTS.keys()];
}

function refuse(
  name: ExceptionName,
  message: string,
  members: Readonly<Record<string, unknown>> = {},
): Fault {
  return { kind: "refuse", refuse: () => new BedrockException(name, message, { members }) };
}

function canned(status: number, contentType: string | undefined, body: string): Fault {
  return { kind: "refuse", refuse: () => ({ status, contentType, body }) };
}

/** The default position of a stream fault: after the start and one delta. */
const DEFAULT_FRAMES = 2;

/** Passes on as many frames as the argument says; `strike` returns what follows instead of the rest. */
function afterFrames(strike: (next: FrameStep, rest: Iterable<Step>) => Iterable<Step>): Fault {
  return {
    kind: "stream",
    *apply(steps, frames = DEFAULT_FRAMES) {
      const iterator = steps[Symbol.iterator]();
      let count = 0;
      for (let next = iterator.next(); !next.done; next = iterator.next()) {
        if (next.value.kind === "frame" && count++ === frames) {
          yield* strike(next.value, { [Symbol.iterator]: () => iterator });
          return;
        }
        yield next.value;
      }
    },
  };
}

function insteadOfRest(...steps: readonly Step[]): Fault {
  return afterFrames(() => steps);
}

function streamException(type: string, members: Readonly<Record<string, unknown>>): Fault {
  return insteadOfRest(exceptionStep(type, members));
}

function withoutFrames(isLeftOut: (frame: FrameStep) => boolean): Fault {
  return {
    kind: "stream",
    *apply(steps) {
      for (const step of steps) if (step.kind !== "frame" || !isLeftOut(step)) yield step;
    },
  };
}

function damaged(frame: FrameStep): Step {
  const bytes = encodeStep(frame);
  const at = bytes.length - 1;
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return { kind: "bytes", bytes };
}

/** Bytes that have been written must leave before the connection breaks, or they are lost with it. */
const RESET_STEPS: readonly Step[] = [{ kind: "wait", ms: 20 }, { kind: "reset" }];

const FAULTS: ReadonlyMap<string, Fault> = new Map<string, Fault>([
  ["first", { kind: "when", isDue: ({ request }, requests = 1) => request <= requests }],
  ["every", { kind: "when", isDue: ({ request }, nth = 2) => request % nth === 0 }],
  ["for", { kind: "when", isDue: ({ elapsedMs }, seconds = 10) => elapsedMs < seconds * 1000 }],
  ["validation", refuse("ValidationException", "The emulator was asked to refuse this request.")],
  [
    "quota",
    refuse("ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
  ],
  [
    "access-denied",
    refuse("AccessDeniedException", "You don't have access to the model with the specified model ID."),
  ],
  [
    "not-found",
    refuse(
      "ResourceNotFoundException",
      "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form " +
        "before using the model.",
    ),
  ],
  [
    "model-timeout",
    refuse("ModelTimeoutException", "The model did not answer in time. Try your request again."),
  ],
  [
    "model-error",
    refuse("ModelErrorException", "The system encountered an unexpected error during processing.", {
      originalStatusCode: 500,
      resourceName: "emulator",
    }),
  ],
  [
    "model-stream-error",
    refuse("ModelStreamErrorException", "The model failed while it was streaming.", {
      originalMessage: "boom",
      originalStatusCode: 500,
    }),
  ],
  [
    "throttling",
    {
      kind: "refuse",
      refuse: (seconds) =>
        new BedrockException("ThrottlingException", "Too many requests, please wait before trying again.", {
          headers: seconds === undefined ? {} : { "retry-after": String(seconds) },
        }),
    },
  ],
  [
    "model-not-ready",
    refuse("ModelNotReadyException", "The model is not ready for inference. Wait and try again."),
  ],
  [
    "internal",
    refuse("InternalServerException", "The system encountered an unexpected error during processing."),
  ],
  ["unavailable", refuse("ServiceUnavailableException", "Bedrock is unable to process your request.")],
  ["expired-token", refuse("ExpiredTokenException", "The security token included in the request is expired")],
  [
    "unrecognized-client",
    refuse("UnrecognizedClientException", "The security token included in the request is invalid."),
  ],
  [
    "invalid-signature",
    refuse(
      "InvalidSignatureException",
      "The request signature we calculated does not match the signature you provided.",
    ),
  ],
  ["too-large", canned(413, "application/json", `{"message":"Request entity too large"}`)],
  ["not-implemented", canned(501, "application/json", `{"message":"Not implemented"}`)],
  ["overloaded", canned(529, "application/json", `{"message":"Overloaded"}`)],
  ["html-502", canned(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>\n")],
  ["empty-503", canned(503, undefined, "")],
  ["slow-answer", { kind: "delay", delayMs: (ms = 1000) => ms }],
  ["hang", { kind: "delay", delayMs: () => undefined }],

  [
    "stream-internal",
    streamException("internalServerException", { message: "The system encountered an unexpected error." }),
  ],
  [
    "stream-model-error",
    streamException("modelStreamErrorException", {
      message: "The model failed while it was streaming.",
      originalMessage: "boom",
      originalStatusCode: 500,
    }),
  ],
  ["stream-validation", streamException("validationException", { message: "The input is too long." })],
  ["stream-throttling", streamException("throttlingException", { message: "Too many tokens, please wait." })],
  [
    "stream-unavailable",
    streamException("serviceUnavailableException", { message: "Bedrock is unavailable." }),
  ],
  [
    "stream-timeout",
    streamException("modelTimeoutException", { message: "The model did not answer in time." }),
  ],
  ["stream-unknown-exception", streamException("surpriseException", { message: "Nobody expects this." })],
  ["stream-error", insteadOfRest(errorStep("InternalError", "An unmodelled error occurred."))],
  [
    "cut",
    afterFrames((next) => {
      const bytes = encodeStep(next);
      return [{ kind: "bytes", bytes: bytes.slice(0, bytes.length >> 1) }];
    }),
  ],
  [
    "bad-crc",
    afterFrames(function* (next, rest) {
      yield damaged(next);
      yield* rest;
    }),
  ],
  ["end", insteadOfRest()],
  ["no-stop", withoutFrames(({ part }) => part === "stop" || part === "metadata")],
  ["no-metadata", withoutFrames(({ part }) => part === "metadata")],
  ["no-block-stop", withoutFrames(({ part }) => part === "block_stop")],
  [
    "unknown-event",
    afterFrames(function* (next, rest) {
      const headers = next.headers.map(([name, value]) =>
        [name, name === ":event-type" ? "surpriseEvent" : value] as const
      );
      yield { ...next, part: "other", headers, payload: `{"surprise":true}` };
      yield next;
      yield* rest;
    }),
  ],
  [
    "no-message-type",
    {
      kind: "stream",
      *apply(steps) {
        for (const step of steps) {
          yield step.kind === "frame"
            ? { ...step, headers: step.headers.filter(([name]) => name !== ":message-type") }
            : step;
        }
      },
    },
  ],
  ["reset", insteadOfRest(...RESET_STEPS)],
  ["stall", insteadOfRest({ kind: "stall" })],
  [
    "slow-first",
    {
      kind: "stream",
      *apply(steps, ms = 1000) {
        yield { kind: "wait", ms };
        yield* steps;
      },
    },
  ],
  [
    "slow-tokens",
    {
      kind: "stream",
      *apply(steps, ms = 100) {
        for (const step of steps) {
          if (step.kind === "frame" && step.part === "delta") yield { kind: "wait", ms };
          yield step;
        }
      },
    },
  ],
]);
