/** Bedrock's own API: any of its operations, the bytes untouched in both directions. */

import { canonicalQuery } from "../../aws/sigv4/canonical.ts";
import { isSignature, parseAuthorization } from "../../aws/sigv4/verify.ts";
import { type AditError, errorRow } from "../../base/errors.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import { encodeFrame } from "../../codec/eventstream.ts";
import { type NativePlace, resolveNative, resolveRegion } from "../../gateway/resolve.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import { requestIdOf } from "../../providers/bedrock/answer.ts";
import { type NativeAnswer, NativeStream, readNative } from "../../providers/bedrock/native.ts";
import { isStream, operationRow } from "../../providers/bedrock/operations.ts";
import { leavesSigning, type UpstreamCall } from "../../providers/upstream.ts";
import { asyncModel, withAsyncModel } from "./async_model.ts";
import type { Call } from "../../gateway/call.ts";
import { signedByCaller } from "./client_signature.ts";
import type { Answer, ModelRequest } from "../../gateway/endpoint.ts";
import { refuseSignedUnderGuardrail, withGuardrail } from "./guardrail.ts";
import { answerHeaders, isForwarded, pickHeaders } from "./headers.ts";
import type { NativeCall } from "./routes.ts";
import type { ByteSource } from "../../server/stream.ts";

/** A native request; nothing of it is read but its address, and the model where only the body names it. */
export function nativeRequest(received: NativeCall): ModelRequest {
  const { operation } = received.match;
  return {
    plan: (caller, snapshot) => planOf(received, caller, snapshot),
    async attempt(target, call) {
      const exchange = call.open(target, upstreamCall(received, target, call.snapshot));
      const head = await exchange.head();
      call.upstreamRequestId = requestIdOf(head);
      if (isStream(operation) && head.status === 200) {
        const stream = new NativeStream(exchange, head, operation);
        return { status: 200, headers: answerHeaders(head.headers), body: new NativeSource(stream, call) };
      }
      return wholeAnswer(await readNative(exchange, operation), call);
    },
  };
}

function planOf({ match, headers, body }: NativeCall, caller: Caller, snapshot: Snapshot): Plan {
  const [value = ""] = match.values;
  const place: NativePlace = {
    id: value,
    pathRegion: match.address.region,
    signatureRegion: signatureRegion(headers),
  };
  switch (operationRow(match.operation).subject) {
    case "model in path":
      return resolveNative(place, caller, snapshot);
    case "model in body":
      return resolveNative({ ...place, id: asyncModel(body, snapshot.limits) }, caller, snapshot);
    case "resource":
    case "region":
      return resolveRegion(place, caller, snapshot);
  }
}

/** What is sent to the target: the caller's own signed request, or one that Adit is to sign. */
function upstreamCall(received: NativeCall, target: Target, { limits }: Snapshot): UpstreamCall {
  const guardrail = target.model?.guardrail;
  if (leavesSigning(target.provider)) {
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
    pathValues: isModelInPath ? [target.modelId] : values,
    ...(operation === "listAsyncInvokes" &&
      { query: canonicalQuery(/\?([^#]*)/.exec(received.target)?.[1] ?? "") }),
  };
}

function signatureRegion(headers: Headers): string | undefined {
  const header = headers.get("authorization") ?? "";
  const authorization = isSignature(header) ? parseAuthorization(header) : undefined;
  return authorization !== undefined && "scope" in authorization ? authorization.scope.region : undefined;
}

function wholeAnswer({ head, body, usage, error }: NativeAnswer, call: Call): Answer {
  call.usage = usage;
  call.refusal = error;
  return { status: head.status, headers: answerHeaders(head.headers), body };
}

class NativeSource implements ByteSource {
  /** Whatever is written into an event stream is a frame, and Bedrock has none that means nothing. */
  readonly ping = undefined;

  constructor(private readonly stream: NativeStream, private readonly call: Call) {}

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.stream.next();
    this.call.usage = this.stream.usage;
    this.call.refusal = this.stream.exception;
    return bytes;
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

/** The exceptions that Bedrock's stream unions know; SDKs would not raise another by its type. */
const STREAM_EXCEPTIONS: ReadonlySet<string> = new Set([
  "InternalServerException",
  "ModelStreamErrorException",
  "ServiceUnavailableException",
  "ThrottlingException",
  "ValidationException",
]);
