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
import { NativeStream, readNative } from "../../providers/bedrock/native.ts";
import { isStream, type Operation, operationRow } from "../../providers/bedrock/operations.ts";
import { isSignedByCaller, type UpstreamCall } from "../../providers/upstream.ts";
import { asyncModel, withAsyncModel } from "./async_model.ts";
import { requestSize } from "../request_size.ts";
import { refuseForeignBuckets } from "../s3_locations.ts";
import { countedModelId } from "../model_api.ts";
import { signedByCaller } from "./client_signature.ts";
import type { Attempt, CallerEndpoint, ModelRequest } from "../../gateway/endpoint.ts";
import type { WholeAnswer } from "../../gateway/outcome.ts";
import { refuseSignedUnderGuardrail, withGuardrail } from "./guardrail.ts";
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
      const attempt: ModelRequest["attempt"] = (...at) => attemptNative(native, view, ...at);
      return { kind: "model", request: { plan, attempt, measure: () => nativeSize(native, snapshot) } };
    },
  };
}

function countedAs(operation: Operation): Counted {
  const { runsModel, usage } = operationRow(operation);
  if (!runsModel) return "requests";
  return usage === "none" ? "unmetered" : "tokens";
}

/** A body that cannot be read is for Bedrock to refuse, and one that is compressed has about five times the text. */
function nativeSize({ headers, body }: NativeCall, { limits }: Snapshot): RequestSize {
  const textBytes = headers.has("content-encoding") ? body.length * 5 : body.length;
  try {
    return requestSize(parseJsonBody(body, { maxDepth: limits.jsonDepth }));
  } catch {
    return { textBytes, images: 0, documentBytes: 0, maxOutputTokens: undefined };
  }
}

async function attemptNative(
  native: NativeCall,
  view: NativeView,
  ...[target, call, hold]: Parameters<ModelRequest["attempt"]>
): Promise<Attempt> {
  const { operation } = native.match;
  const exchange = call.open(target, upstreamCall(native, target, call.snapshot));
  const head = await exchange.head();
  const upstreamRequestId = requestIdOf(head);
  const headers = view.headers(head.headers);
  if (isStream(operation) && head.status === 200) {
    headers.set("x-accel-buffering", "no");
    const { frames } = view;
    const stream = await NativeStream.open(exchange, { head, operation, hold, frames });
    const outcome = () => ({
      usage: stream.usage,
      stopReason: stream.stopReason,
      upstreamRequestId,
      anomalies: [],
      refusal: stream.exception,
    });
    return { answered: { status: 200, headers, ignored: [], body: new NativeSource(stream), outcome } };
  }
  const { body, usage, stopReason, error } = await readNative(exchange, operation);
  const outcome = () => ({ usage, stopReason, upstreamRequestId, anomalies: [], refusal: error });
  const answer: WholeAnswer = { status: head.status, headers, ignored: [], body, outcome };
  return error === undefined
    ? { answered: { ...answer, body: view.body(operation, body) } }
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
      throw new AditError("unsupported", "the body is in the form of another family of models");
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

function callToSign(received: NativeCall, target: Target): UpstreamCall {
  const { match: { operation, values }, headers } = received;
  const row = operationRow(operation);
  const isModelInPath = row.subject === "model in path";
  return {
    operation,
    headers: pickHeaders(headers, isForwarded),
    body: row.subject === "model in body" ? withAsyncModel(received.body, target.modelId) : received.body,
    pathValues: isModelInPath
      ? [operation === "countTokens" ? countedModelId(target) : target.modelId]
      : values,
    ...(operation === "listAsyncInvokes" &&
      { query: canonicalQuery(/\?([^#]*)/.exec(received.target)?.[1] ?? "") }),
  };
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
    const exception = errorRow(error.kind).bedrock;
    const name = STREAM_EXCEPTIONS.has(exception) ? exception : "InternalServerException";
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
