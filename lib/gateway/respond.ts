/** The HTTP response to a call: sent whole, in pieces or as a stream, or an error in the caller's dialect. */

import { encodeUtf8 } from "../base/bytes.ts";
import { AditError } from "../base/errors.ts";
import { usdText } from "../facts/cost.ts";
import { type ByteSource, streamBody } from "../server/stream.ts";
import { CutStream } from "./budgets/cut_stream.ts";
import type { Call } from "./call.ts";
import { CostComment } from "./cost_comment.ts";
import { errorResponse, nameRequest } from "./dialect.ts";
import type { Attempt } from "./endpoint.ts";
import type { Answer, StreamAnswer, WholeAnswer } from "./outcome.ts";
import { addTargetHeaders } from "./target_headers.ts";

/** The response to a request that has been sent to a target. */
export function respond(attempt: Attempt, call: Call): Response {
  if (attempt.refused === undefined) {
    call.isAccepted = true;
    call.hold?.asked.forgetBody();
    if (call.isLeft && isWhole(attempt.answered)) return unread(call, attempt.answered);
    return send(attempt.answered, call);
  }
  const { refused, ignored, answer } = attempt;
  return answer === undefined ? refusal(call, refused, ignored) : send(answer, call);
}

function send(answer: Answer, call: Call): Response {
  if (isWhole(answer) && answer.body.length <= MAX_PIECE_BYTES) return wholeResponse(call, answer);
  const { status, headers } = answer;
  const nowMs = call.began(answer);
  const { snapshot: { timeouts: { keepaliveMs } }, tools: { timers } } = call;
  const body = isWhole(answer) ? wholeSource(answer) : streamed(answer, call);
  const response = new Response(streamBody(body, call, { timers, keepaliveMs }), { status, headers });
  addOwnHeaders(response.headers, call, { ignored: answer.ignored, nowMs });
  if (isWhole(answer)) addCost(response.headers, call);
  return response;
}

/** Most streams are sent as they are. */
function streamed(answer: StreamAnswer, call: Call): ByteSource {
  const { hold, snapshot, options: { dialect } } = call;
  const body = hold?.endsStreams ? new CutStream(answer, call) : answer.body;
  return snapshot.responseHeaders.streamCost && dialect !== "bedrock" ? new CostComment(body, call) : body;
}

/**
 * Longer answers do not fit into the buffers of a connection. They are sent in pieces, so that the request stays in
 * flight until its client has read the answer, and a client that stops reading is noticed.
 */
const MAX_PIECE_BYTES = 64 * 1024;

function wholeSource({ headers, body }: WholeAnswer): ByteSource {
  const bytes = typeof body === "string" ? encodeUtf8(body) : body;
  headers.set("content-length", String(bytes.length));
  let at = 0;
  return {
    ping: undefined,
    next() {
      const piece = bytes.subarray(at, at += MAX_PIECE_BYTES);
      return Promise.resolve(piece.length === 0 ? undefined : piece);
    },
    // No error can follow part of a whole answer, so the connection is cut.
    failure(error) {
      throw error;
    },
  };
}

function isWhole(answer: Answer): answer is WholeAnswer {
  return typeof answer.body === "string" || answer.body instanceof Uint8Array;
}

/** Ends a request whose client left before its answer was complete. */
function unread(call: Call, answer: WholeAnswer): Response {
  call.began(answer);
  call.drained();
  return refusal(call, new AditError("client_gone"), answer.ignored);
}

/**
 * Sets the headers that every response has, next to the endpoint's own. They are set on the finished response: passing
 * a header to the constructor takes Deno several times as long.
 */
function addOwnHeaders(headers: Headers, call: Call, { ignored, nowMs }: OwnHeaders): void {
  nameRequest(headers, call.options.dialect, call.id);
  if (ignored.length > 0) headers.set("x-adit-ignored", ignored.join(", "));
  addTargetHeaders(headers, call);
  call.hold?.addHeaders(headers, nowMs);
}

function addCost(headers: Headers, call: Call): void {
  const cost = call.snapshot.responseHeaders.cost ? call.cost : undefined;
  if (cost !== undefined) headers.set("x-adit-cost", usdText(cost));
}

interface OwnHeaders {
  readonly ignored: readonly string[];
  /** By the monotonic clock. */
  readonly nowMs: number;
}

/** The error in the caller's dialect; ignored fields are listed, as they may be the reason. */
export function refusal(call: Call, error: AditError, ignored: readonly string[]): Response {
  const response = errorResponse(error, call.options.dialect, call.id);
  addOwnHeaders(response.headers, call, { ignored, nowMs: call.tools.clock.monotonic() });
  call.settle(error, { status: response.status, ignored });
  return response;
}

/** A response sent whole, which settles the request. */
export function wholeResponse(call: Call, answer: WholeAnswer): Response {
  const { status, headers, body, ignored } = answer;
  const nowMs = call.began(answer);
  // An empty body becomes null: a 204 or 304 with a body cannot be constructed.
  const response = new Response(body.length === 0 ? null : body, { status, headers });
  addOwnHeaders(response.headers, call, { ignored, nowMs });
  addCost(response.headers, call);
  call.wrote(body.length);
  call.settle();
  return response;
}
