/** The events of a response as steps of a stream: frames as Bedrock writes them, and pauses between them. */

import { concat, encodeUtf8 } from "../../base/bytes.ts";
import { encodeFrame } from "../../codec/eventstream.ts";
import { stringifySorted } from "./json.ts";

export interface StreamEvent {
  /** Value of the `:event-type` header. */
  readonly type: string;
  /** The kind of event: the same type, or that of the object inside a `chunk`. */
  readonly name: string;
  readonly payload: object;
}

/** A frame or a server-sent event, not yet encoded. */
export interface FrameStep {
  readonly kind: "frame";
  readonly part: EventPart;
  readonly headers: readonly (readonly [string, string])[];
  readonly payload: string;
  /** The server-sent event to send instead of a frame. */
  readonly text?: string;
}

/** The next step of a stream. */
export type Step =
  | FrameStep
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "wait"; readonly ms: number }
  /** Never continues, until the reader leaves. */
  | { readonly kind: "stall" }
  /** Breaks the connection. */
  | { readonly kind: "reset" };

export type EventPart = "block_start" | "block_stop" | "delta" | "metadata" | "other" | "start" | "stop";

/** The role of an event, by its name in Converse, in Nova's stream and in Claude's. */
const PARTS = new Map<string, EventPart>([
  ["messageStart", "start"],
  ["contentBlockStart", "block_start"],
  ["contentBlockDelta", "delta"],
  ["contentBlockStop", "block_stop"],
  ["messageStop", "stop"],
  ["metadata", "metadata"],
  ["message_start", "start"],
  ["content_block_start", "block_start"],
  ["content_block_delta", "delta"],
  ["content_block_stop", "block_stop"],
  ["message_delta", "stop"],
  ["message_stop", "stop"],
]);

const PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

export interface FramingOptions {
  /** Pause before each delta, in milliseconds. */
  readonly tokenDelayMs: number;
}

/**
 * Frames with the headers in the service's order, keys in alphabetical order, and padding that hides lengths.
 */
export function* toSteps(events: Iterable<StreamEvent>, options: FramingOptions): Generator<Step> {
  let count = 0;
  for (const { type, name, payload } of events) {
    const part = PARTS.get(name) ?? "other";
    if (part === "delta" && options.tokenDelayMs > 0) yield { kind: "wait", ms: options.tokenDelayMs };
    const padding = PADDING.slice(0, 2 + (count++ * 17) % 60);
    yield {
      kind: "frame",
      part,
      headers: [[":event-type", type], [":content-type", "application/json"], [":message-type", "event"]],
      payload: stringifySorted({ ...payload, p: padding }),
    };
  }
}

/** Server-sent events, which the faults of streams apply to as to frames. */
export function* toTextSteps(events: Iterable<string>, { tokenDelayMs }: FramingOptions): Generator<Step> {
  for (const text of events) {
    if (tokenDelayMs > 0) yield { kind: "wait", ms: tokenDelayMs };
    yield { kind: "frame", part: "delta", headers: [], payload: "", text };
  }
}

/** A modelled exception inside a stream; `type` is its name beginning with a lowercase letter. */
export function exceptionStep(type: string, members: Readonly<Record<string, unknown>>): FrameStep {
  return {
    kind: "frame",
    part: "other",
    headers: [[":exception-type", type], [":content-type", "application/json"], [
      ":message-type",
      "exception",
    ]],
    payload: stringifySorted(members),
  };
}

/** An error that is not in AWS's model: it consists of headers only. */
export function errorStep(code: string, message: string): FrameStep {
  return {
    kind: "frame",
    part: "other",
    headers: [[":message-type", "error"], [":error-code", code], [":error-message", message]],
    payload: "",
  };
}

/** The bytes of a frame, including its checksums. */
export function encodeStep({ headers, payload, text }: FrameStep): Uint8Array<ArrayBuffer> {
  if (text !== undefined) return encodeUtf8(text);
  return encodeFrame(headers, encodeUtf8(payload));
}

/** Frames without a pause between them share a chunk up to this size. */
const CHUNK_BYTES = 16 * 1024;

/** Runs the steps as they are pulled; a reader that leaves ends the current pause. */
export function streamSteps(steps: Iterable<Step>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = steps[Symbol.iterator]();
  const pause = createPause();
  let held: Step | undefined;

  /** Encodes everything up to the next step that is not data, which is kept for the next pull. */
  function nextChunk(): Uint8Array<ArrayBuffer> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    while (size < CHUNK_BYTES && held === undefined) {
      const { value: step, done } = iterator.next();
      if (done) break;
      if (step.kind !== "frame" && step.kind !== "bytes") {
        held = step;
        break;
      }
      const bytes = step.kind === "frame" ? encodeStep(step) : step.bytes;
      size += bytes.length;
      chunks.push(bytes);
    }
    return concat(chunks);
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      while (!pause.cancelled) {
        const chunk = nextChunk();
        if (chunk.length > 0) return controller.enqueue(chunk);
        if (held === undefined) return controller.close();
        const step = held;
        held = undefined;
        // Without a reason, because Bun 1.4.4 prints the reason for which a response stream fails.
        if (step.kind === "reset") return controller.error();
        await pause.start(step.kind === "wait" ? step.ms : undefined);
      }
    },
    cancel: () => pause.cancel(),
  }, { highWaterMark: 0 });
}

/** One pause at a time, limited or not, that can be cancelled permanently. */
export interface Pause {
  readonly cancelled: boolean;
  start(ms: number | undefined): Promise<void>;
  cancel(): void;
}

/** A pause that has not started; once cancelled, it ends immediately whenever it is started. */
export function createPause(): Pause {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let resume: (() => void) | undefined;
  let cancelled = false;
  return {
    get cancelled() {
      return cancelled;
    },
    start(ms) {
      return new Promise((resolve) => {
        if (cancelled) return resolve();
        resume = resolve;
        if (ms !== undefined) timer = setTimeout(resolve, ms);
      });
    },
    cancel() {
      cancelled = true;
      clearTimeout(timer);
      resume?.();
    },
  };
}
