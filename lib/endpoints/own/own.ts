/**
 * Requests in an API that Bedrock speaks itself: the caller's bytes go to the model and the model's to the caller,
 * except for the model's name.
 */

import { decodeUtf8, latin1Bytes, latin1Text } from "../../base/bytes.ts";
import { AditError, invalidField, toAditError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, parseExactJson } from "../../base/json.ts";
import type { Call } from "../../gateway/call.ts";
import { type Attempt, attemptWith, type EndpointRequest, type Reading } from "../../gateway/endpoint.ts";
import type { Answer } from "../../gateway/outcome.ts";
import { expectSuccess, MAX_ANSWER_BYTES, requestIdOf } from "../../providers/bedrock/answer.ts";
import type { Hold } from "../../providers/bedrock/hold.ts";
import { type OwnAddress, ownAddress } from "../../providers/bedrock/own/address.ts";
import { asciiJson, withModelName } from "../../providers/bedrock/own/model_name.ts";
import { reportRow } from "../../providers/bedrock/own/reports.ts";
import { OwnStream } from "../../providers/bedrock/own/stream.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import type { OwnApi } from "../../snapshot/snapshot.ts";
import { guardrailHeaders, refuseGuardrailMembers } from "../../translate/converse/guardrail.ts";
import { affinityKey } from "../affinity.ts";
import { settingsOf } from "../model_api.ts";
import { requestSize } from "../request_size.ts";
import { refuseForeignAddresses } from "../s3_locations.ts";
import { asRateLimit } from "../responses/rate_limit.ts";
import { ownBody } from "./body.ts";
import { OwnSource } from "./source.ts";

export interface OwnRequest {
  readonly api: OwnApi;
  readonly received: EndpointRequest;
  /** The body without its encoding. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same, parsed. */
  readonly body: JsonObject;
  /** Used if the body has none. */
  readonly defaultModel: string | undefined;
  /** Resolves the model. Throws `model_not_found`. */
  readonly planOf: (name: string) => Plan;
}

/** Undefined if requests for the model have to be translated, or if no model is named. */
export function ownReading(request: OwnRequest): Reading | undefined {
  const { api, bytes, body, defaultModel, planOf, received: { received, caller } } = request;
  const { headers } = received;
  const model = typeof body["model"] === "string" && body["model"] !== "" ? body["model"] : defaultModel;
  if (model === undefined) return undefined;
  const plan = planOf(model);
  if (ownAddress(api, plan.targets[0].settings?.ownApis) === undefined) return undefined;
  refuseForeignAddresses(bytes, caller);
  const previous = body["previous_response_id"];
  if (plan.targets.length > 1 && previous !== undefined && previous !== null) {
    throw invalidField(
      "previous_response_id",
      "this model has several targets, which do not share responses; send the whole input",
    );
  }
  const affinity = (by: readonly string[]) => affinityKey(by, { headers, body });
  const attempt = async (target: Target, call: Call, hold: Hold | undefined) => {
    const attempted = await attemptOwn({ ...request, model }, { target, call, hold });
    return api === "responses" ? asRateLimit(attempted) : attempted;
  };
  const measure = () => requestSize(body);
  return { kind: "model", request: { plan, attempt, measure, affinity } };
}

interface At {
  readonly target: Target;
  readonly call: Call;
  readonly hold: Hold | undefined;
}

/** `model` is the name that the caller sent. */
function attemptOwn(
  request: OwnRequest & { readonly model: string },
  { target, call, hold }: At,
): Promise<Attempt> {
  const { api, bytes, body, model } = request;
  const settings = settingsOf(target);
  const address = ownAddress(api, settings.ownApis);
  if (address === undefined) throw new AditError("internal");
  if (settings.guardrail !== undefined) refuseGuardrailMembers(body);
  const { text, dropped } = ownBody(decodeUtf8(bytes), body, target);
  return attemptWith(dropped, async () => {
    const exchange = call.open(target, {
      operation: body["stream"] === true ? "invokeStream" : "invoke",
      own: address,
      headers: headersFor(request, target, address),
      body: text,
    });
    const head = await expectSuccess(exchange);
    const headers = new Headers({ "content-type": head.headers.get("content-type") ?? "application/json" });
    if (body["stream"] === true) {
      headers.set("cache-control", "no-cache");
      headers.set("x-accel-buffering", "no");
      const stream = await OwnStream.open(exchange, { head, api, model, hold });
      return {
        status: 200,
        headers,
        ignored: [],
        body: new OwnSource(stream, { api, model, requestId: call.id }),
        outcome: () => ({
          usage: stream.usage,
          stopReason: stream.stopReason,
          upstreamRequestId: stream.requestId,
          anomalies: [],
          refusal: stream.error,
        }),
      };
    }
    return wholeAnswer(await exchange.readAll(MAX_ANSWER_BYTES), {
      api,
      model,
      headers,
      requestId: requestIdOf(head),
    });
  });
}

interface Whole {
  readonly api: OwnApi;
  readonly model: string;
  readonly headers: Headers;
  readonly requestId: string | undefined;
}

function wholeAnswer(bytes: Uint8Array, { api, model, headers, requestId }: Whole): Answer {
  const value = parseAnswer(decodeUtf8(bytes));
  const row = reportRow(api);
  const stopReason = row.stopReason(value);
  const outcome = {
    usage: row.usage(value, undefined),
    stopReason: typeof stopReason === "string" ? stopReason : undefined,
    upstreamRequestId: requestId,
    anomalies: [],
  };
  return {
    status: 200,
    headers,
    ignored: [],
    // One character for each byte, so that only the bytes of the name change.
    body: latin1Bytes(withModelName(latin1Text(bytes), asciiJson(model), undefined)),
    outcome: () => outcome,
  };
}

/** Throws `upstream_protocol` for anything but an object, such as a proxy's error page or half an answer. */
function parseAnswer(text: string): JsonObject {
  try {
    const value = parseExactJson(text);
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw new AditError("upstream_protocol", undefined, { cause: toAditError(cause).name });
  }
  throw new AditError("upstream_protocol");
}

/** The version of Anthropic's API that Bedrock's endpoints have, whichever one a client asks for. */
const ANTHROPIC_VERSION = "2023-06-01";

function headersFor(
  { api, received: { received: { headers } } }: OwnRequest,
  { settings }: Target,
  { endpoint }: OwnAddress,
): Headers {
  const sent = new Headers({ "content-type": "application/json" });
  if (api === "messages") {
    sent.set("anthropic-version", ANTHROPIC_VERSION);
    const betas = headers.get("anthropic-beta");
    if (betas !== null) sent.set("anthropic-beta", betas);
  }
  if (endpoint === "runtime" && settings?.guardrail !== undefined) {
    for (const [name, value] of Object.entries(guardrailHeaders(settings.guardrail))) sent.set(name, value);
  }
  return sent;
}
