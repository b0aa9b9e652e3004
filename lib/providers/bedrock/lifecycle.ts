/** Asks Bedrock's control plane how long a model will be served: GetFoundationModel. */

import { exceptionName } from "../../aws/exception_name.ts";
import { bedrockControlEndpoint } from "../../aws/hosts.ts";
import { bearerSigner, type Signer, sigV4Signer } from "../../aws/sigv4/sign.ts";
import { percentEncode } from "../../aws/sigv4/canonical.ts";
import { isJsonObject, type JsonValue, parseExactJson } from "../../base/json.ts";
import { readStart } from "../../base/response_text.ts";
import { unseal } from "../../base/secret.ts";
import { foundationModelId } from "../../facts/model_id.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { BedrockProvider } from "../../snapshot/provider.ts";
import type { ModelTarget } from "../../snapshot/snapshot.ts";
import { keyPairOf, searchFor } from "./key_search.ts";

export interface LifecycleOptions {
  readonly fetch: Fetch;
  /** How the sources of credentials are reached; undefined for a direct connection. */
  readonly searchFetch: Fetch | undefined;
  readonly nowMs: number;
  /** Default: AWS's own control plane; `AWS_ENDPOINT_URL_BEDROCK` sets it. */
  readonly endpoint: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * A warning that the model behind a target is near its end of life; undefined if it is not, or if its id does not
 * identify the model. Throws an error with the reason if Bedrock does not say.
 */
export async function endOfLifeWarning(
  { id, baseModel, provider }: ModelTarget,
  options: LifecycleOptions,
): Promise<string | undefined> {
  const modelId = foundationModelId(baseModel ?? id);
  if (provider.kind !== "bedrock" || modelId.startsWith("arn:")) return undefined;
  const endpoint = options.endpoint ?? controlEndpointOf(provider);
  if (endpoint === undefined) return undefined;
  const sign = await signerOf(provider, options.searchFetch);
  if (sign === undefined) return undefined;
  const request = {
    method: "GET",
    url: `${endpoint}/foundation-models/${percentEncode(modelId)}`,
    headers: new Headers({ accept: "application/json" }),
  };
  const headers = await sign(request, options.nowMs);
  const answer = await options.fetch(request.url, { method: "GET", headers, signal: options.signal });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    const type = exceptionName(answer.headers.get("x-amzn-errortype"));
    throw new Error(`Bedrock returned ${[answer.status, type].filter(Boolean).join(" ")}`);
  }
  const details = parseExactJson(await readStart(answer, MAX_ANSWER_LENGTH));
  return describeLifecycle(readLifecycle(details), options.nowMs);
}

const MAX_ANSWER_LENGTH = 256 * 1024;

/** A provider with a custom endpoint has an unknown control plane. */
function controlEndpointOf({ endpoint, region, fips, dualstack }: BedrockProvider): string | undefined {
  return endpoint === undefined ? bedrockControlEndpoint(region, { fips, dualstack }) : undefined;
}

async function signerOf(
  { credentials, region }: BedrockProvider,
  fetch: Fetch | undefined,
): Promise<Signer | undefined> {
  switch (credentials.kind) {
    case "caller":
      return undefined;
    case "api_key":
      return bearerSigner(unseal(credentials.key));
    case "static":
      return sigV4Signer({ region, ...keyPairOf(credentials) });
    case "chain":
    case "profile":
    case "role":
      return sigV4Signer({ region, ...await searchFor(credentials, { region, fetch })() });
  }
}

/** The lifecycle of a model; times in milliseconds since the epoch. */
export interface Lifecycle {
  readonly status: string | undefined;
  readonly legacyMs: number | undefined;
  readonly endMs: number | undefined;
}

/**
 * Reads `modelDetails.modelLifecycle`:
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_FoundationModelLifecycle.html
 */
function readLifecycle(value: JsonValue): Lifecycle {
  const details = isJsonObject(value) ? value.modelDetails : undefined;
  const lifecycle = isJsonObject(details) ? details.modelLifecycle : undefined;
  const { status, legacyTime, endOfLifeTime } = isJsonObject(lifecycle) ? lifecycle : {};
  return {
    status: typeof status === "string" ? status : undefined,
    legacyMs: timeOf(legacyTime),
    endMs: timeOf(endOfLifeTime),
  };
}

function timeOf(value: JsonValue | undefined): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** AWS announces the end of a model at least six months ahead. */
const NEAR_MS = 183 * DAY_MS;

/** The warning for a model in its legacy period, or with an end of life that is near; undefined for others. */
export function describeLifecycle({ status, legacyMs, endMs }: Lifecycle, nowMs: number): string | undefined {
  const isLegacy = status === "LEGACY";
  if (!isLegacy && (endMs === undefined || endMs - nowMs > NEAR_MS)) return undefined;
  return [
    ...(isLegacy ? [legacyText(legacyMs)] : []),
    ...(endMs === undefined ? [] : [endText(endMs, nowMs)]),
  ].join("; ");
}

function legacyText(legacyMs: number | undefined): string {
  return legacyMs === undefined
    ? "the model is legacy"
    : `the model has been legacy since ${dateOf(legacyMs)}`;
}

function endText(endMs: number, nowMs: number): string {
  const days = Math.ceil((endMs - nowMs) / DAY_MS);
  if (days <= 0) return `it reached its end of life on ${dateOf(endMs)}`;
  return `its end of life is ${dateOf(endMs)}, in ${days} ${days === 1 ? "day" : "days"}`;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
