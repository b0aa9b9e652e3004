/** Bedrock's native API: any of its operations, with the bytes unchanged in both directions. */

import { canonicalQuery } from "../../aws/sigv4/canonical.ts";
import { isSignature, parseAuthorization } from "../../aws/sigv4/verify.ts";
import { AditError, errorRow } from "../../base/errors.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import { parseJsonBody } from "../../base/json.ts";
import { BARE_TRAITS } from "../../facts/traits.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import { encodeFrame } from "../../codec/eventstream.ts";
import type { Counted, RequestSize } from "../../gateway/admission/asked.ts";
import {
  type NativePlace,
  type Requested,
  resolveNative,
  resolveNativeInstead,
  resolveRegion,
} from "../../gateway/resolve.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import { requestIdOf } from "../../providers/bedrock/answer.ts";
import type { Hold } from "../../providers/bedrock/hold.ts";
import { type NativeAnswer, NativeStream, readNative } from "../../providers/bedrock/native.ts";
import { isStream, type Operation, operationRow } from "../../providers/bedrock/operations.ts";
import { isSignedByCaller, type UpstreamCall } from "../../providers/upstream.ts";
import { asyncModel, withAsyncModel } from "./async_model.ts";
import { requestSize } from "../request_size.ts";
import { refuseForeignBuckets } from "../s3_locations.ts";
import { countedModelId } from "../model_api.ts";
import { signedByCaller } from "./client_signature.ts";
import type { Attempt, CallerEndpoint, ModelRequest } from "../../gateway/endpoint.ts";
import type { Call } from "../../gateway/call.ts";
import type { StreamAnswer, WholeAnswer } from "../../gateway/outcome.ts";
import { type GuardableCall, refuseSignedUnderGuardrail, withGuardrail } from "./guardrail.ts";
import { FULL, type NativeView, REDACTED } from "./view.ts";
import { isForwarded, pickHeaders } from "./headers.ts";
import type { NativeCall, NativeOperation } from "./routes.ts";
import type { ByteSource } from "../../server/stream.ts";

/** One operation at its address; only the address is parsed, and the model if only the body has it. */
export function nativeEndpoint(match: NativeOperation): CallerEndpoint {
  const { operation } = match;
  return {
    needs: "caller",
    about: match,
    counts: countedAs(operation),
    answersInFrames: isStream(operation),
    read({ received: { headers, body }, target, caller, snapshot, instead }) {
      const native: NativeCall = { match, target, headers, body };
      const plan = planOf(native, { caller, snapshot, instead });
      if (!plan.targets.every(({ provider }) => isSignedByCaller(provider))) {
        refuseForeignBuckets(body, caller, snapshot.limits);
      }
      const view = caller.native === undefined ? REDACTED : FULL;
      const attempt: ModelRequest["attempt"] = (target, call, hold) =>
        attemptNative({ native, view, target, call, hold });
      return { kind: "model", request: { plan, attempt, measure: () => nativeSize(native, snapshot) } };
    },
  };
}

function countedAs(operation: Operation): Counted {
  const { runsModel, usage } = operationRow(operation);
  if (!runsModel) return usage === "guardrail units" ? "units" : "requests";
  return usage === "none" ? "unmetered" : "tokens";
}

/** Bedrock refuses a body that cannot be read; one that is compressed is taken to have five times as much text. */
function nativeSize({ headers, body }: NativeCall, { limits }: Snapshot): RequestSize {
  const textBytes = headers.has("content-encoding") ? body.length * 5 : body.length;
  try {
    return requestSize(parseJsonBody(body, { maxDepth: limits.jsonDepth }));
  } catch {
    return { textBytes, images: 0, documentBytes: 0, maxOutputTokens: undefined };
  }
}

interface NativeAttempt {
  readonly native: NativeCall;
  readonly view: NativeView;
  readonly target: Target;
  readonly call: Call;
  readonly hold: Hold | undefined;
}

async function attemptNative({ native, view, target, call, hold }: NativeAttempt): Promise<Attempt> {
  const { operation } = native.match;
  const exchange = call.open(target, upstreamCall(native, target, call.snapshot));
  const head = await exchange.head();
  const headers = view.headers(head.headers);
  if (isStream(operation) && head.status === 200) {
    headers.set("x-accel-buffering", "no");
    const { frames } = view;
    const stream = await NativeStream.open(exchange, { head, operation, hold, frames });
    return { answered: streamAnswer(stream, headers, requestIdOf(head)) };
  }
  return wholeAttempt(await readNative(exchange, operation), { operation, headers, view });
}

function streamAnswer(
  stream: NativeStream,
  headers: Headers,
  upstreamRequestId: string | undefined,
): StreamAnswer {
  const outcome = () => ({
    usage: stream.usage,
    stopReason: stream.stopReason,
    upstreamRequestId,
    anomalies: [],
    refusal: stream.exception,
  });
  return { status: 200, headers, ignored: [], body: new NativeSource(stream), outcome };
}

interface Shown {
  readonly operation: Operation;
  readonly headers: Headers;
  readonly view: NativeView;
}

function wholeAttempt(
  { head, body, usage, stopReason, error }: NativeAnswer,
  { operation, headers, view }: Shown,
): Attempt {
  const outcome = { usage, stopReason, upstreamRequestId: requestIdOf(head), anomalies: [], refusal: error };
  const shown = error === undefined ? view.body(operation, body) : body;
  const answer: WholeAnswer = {
    status: head.status,
    headers,
    ignored: [],
    body: shown,
    outcome: () => outcome,
  };
  return error === undefined
    ? { answered: answer }
    : { refused: error, ignored: [], answer: view.refusal(answer, error) };
}

function planOf({ match, headers, body }: NativeCall, requested: Requested): Plan {
  const { caller, snapshot, instead } = requested;
  const [value = ""] = match.values;
  const place: NativePlace = {
    id: value,
    pathRegion: match.address.region,
    signatureRegion: signatureRegion(headers),
  };
  switch (operationRow(match.operation).subject) {
    case "model in path": {
      const plan = resolveNative(place, caller, snapshot);
      if (instead === undefined) return plan;
      const other = resolveNativeInstead(place, instead, requested);
      if (takesSameBytes(match.operation, plan, other)) return other;
      throw new AditError("unsupported", "the body is in the format of another model family");
    }
    case "model in body":
      if (instead !== undefined) throw new AditError("unsupported", "the body names the model");
      return resolveNative({ ...place, id: asyncModel(body, snapshot.limits) }, caller, snapshot);
    case "resource":
    case "region":
      return resolveRegion(place, caller, snapshot);
  }
}

/** The request to the target: signed by the caller, or to be signed by Adit. */
function upstreamCall(received: NativeCall, target: Target, { limits }: Snapshot): UpstreamCall {
  const guardrail = target.settings?.guardrail;
  if (isSignedByCaller(target.provider)) {
    if (guardrail !== undefined) throw refuseSignedUnderGuardrail();
    return signedByCaller(received, target);
  }
  const call = callToSign(received, target);
  return guardrail === undefined ? call : withGuardrail(call, guardrail, limits);
}

function callToSign(received: NativeCall, target: Target): GuardableCall {
  const { match: { operation, values }, headers } = received;
  const row = operationRow(operation);
  const forwarded = pickHeaders(headers, isForwarded);
  switch (row.subject) {
    case "model in path":
      return operation === "countTokens"
        ? { operation, headers: forwarded, body: received.body, pathValues: [countedModelId(target)] }
        : { operation, headers: forwarded, body: received.body };
    case "model in body":
      return {
        operation,
        headers: forwarded,
        body: withAsyncModel(received.body, target.modelId),
        pathValues: values,
      };
    case "resource":
    case "region":
      return {
        operation,
        headers: forwarded,
        body: received.body,
        pathValues: values,
        ...(operation === "listAsyncInvokes" &&
          { query: canonicalQuery(/\?([^#]*)/.exec(received.target)?.[1] ?? "") }),
      };
  }
}

/** Whether a request for a target of one plan can be sent to the targets of another as it is. */
function takesSameBytes(operation: Operation, { targets: [from] }: Plan, { targets }: Plan): boolean {
  // A caller's own signature covers the path, and with it the model.
  if ([from, ...targets].some(({ provider }) => isSignedByCaller(provider))) return false;
  if (operation === "converse" || operation === "converseStream") return true;
  const family = from.settings?.traits.family;
  return family !== undefined && family !== BARE_TRAITS.family &&
    targets.every(({ settings }) => settings?.traits.family === family);
}

function signatureRegion(headers: Headers): string | undefined {
  const header = headers.get("authorization") ?? "";
  const authorization = isSignature(header) ? parseAuthorization(header) : undefined;
  return authorization !== undefined && "scope" in authorization ? authorization.scope.region : undefined;
}

class NativeSource implements ByteSource {
  /** Everything in an event stream is a frame, and Bedrock has none that could serve as a ping. */
  readonly ping = undefined;

  constructor(private readonly stream: NativeStream) {}

  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.stream.next();
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    const { bedrock: exception, bedrockStatus } = errorRow(error.kind);
    const closest = bedrockStatus === 400 ? "ValidationException" : "InternalServerException";
    const name = STREAM_EXCEPTIONS.has(exception) ? exception : closest;
    return encodeFrame({
      ":exception-type": name.charAt(0).toLowerCase() + name.slice(1),
      ":content-type": "application/json",
      ":message-type": "exception",
    }, encodeUtf8(JSON.stringify({ message: error.message })));
  }
}

/** The exceptions in Bedrock's stream unions; SDKs would not raise another one by its type. */
const STREAM_EXCEPTIONS: ReadonlySet<string> = new Set([
  "InternalServerException",
  "ModelStreamErrorException",
  "ServiceUnavailableException",
  "ThrottlingException",
  "ValidationException",
]);
