/** Opens signed exchanges with the configured providers. */

import type { Authenticator } from "../aws/keys/authenticator.ts";
import { bedrockEndpoint, bedrockMantleEndpoint } from "../aws/hosts.ts";
import { sigV4Signer } from "../aws/sigv4/sign.ts";
import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { BedrockProvider, Provider } from "../snapshot/provider.ts";
import type { Target } from "../snapshot/plan.ts";
import type { Fetch, OpenBody } from "../runtime/runtime.ts";
import { Exchange, type ExchangeTimeouts } from "./transport/exchange.ts";
import type { ProbeConnection } from "./transport/send.ts";
import { type Operation, operationPath, operationRow } from "./bedrock/operations.ts";
import { OWN_SERVICES, type OwnAddress } from "./bedrock/own/address.ts";
import type { ProviderNetworks } from "./transport/networks.ts";
import { type FetchImage, imageFetcher, type ImageNetwork, PUBLIC_INTERNET } from "./transport/images.ts";
import type { ProviderCredentials } from "./bedrock/provider_credentials.ts";

export interface UpstreamCall {
  readonly operation: Operation;
  /** Address to use instead of the operation's own; the operation then only determines whether the response streams. */
  readonly own?: OwnAddress;
  /** Well-formed text, or bytes; not sent with a GET. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Headers to send in addition to Adit's own; owned by the call from then on. Default: the type of a JSON body. */
  readonly headers?: Headers;
  /** Path parameters of the operation, decoded; default: the target's model id. */
  readonly pathValues?: readonly string[];
  /** Encoded, without the question mark. */
  readonly query?: string;
  /** Path and query to send unchanged because the caller has signed them; for providers whose callers sign. */
  readonly signedPath?: string;
}

export interface UpstreamOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly fetch: Fetch;
  /** How response bodies are read; default: `getReader`. */
  readonly openBody?: OpenBody;
  readonly emulator: EmulatorAccess;
  readonly credentials: ProviderCredentials;
  /** Finds out whether a provider can be reached; undefined to wait for the response in any case. */
  readonly probe: ProbeConnection | undefined;
  /** For providers with their own network settings; undefined if there are none. */
  readonly networks?: ProviderNetworks;
  readonly userAgent: string;
  /** The network for images that requests refer to; default: the public internet. */
  readonly imageNetwork?: ImageNetwork;
}

/** How providers of `type: emulator` are reached: without a network, but signed like any other. */
export interface EmulatorAccess {
  readonly fetch: Fetch;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}

/** What is derived from a provider's settings. */
interface Connection {
  readonly origin: string;
  readonly authenticator: Authenticator;
  readonly fetch: Fetch;
  readonly openBody: OpenBody | undefined;
  readonly probe: ProbeConnection | undefined;
}

/** Access to all providers. */
export class Upstream {
  /** Fetches an image that a request refers to. */
  readonly fetchImage: FetchImage;
  readonly #options: UpstreamOptions;
  /** Shared by all calls without headers, and never changed. */
  readonly #jsonHeaders: Headers;
  /** By region. */
  readonly #emulatorAuthenticators = new Map<string, Authenticator>();

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#jsonHeaders = new Headers({
      "content-type": "application/json",
      "user-agent": options.userAgent,
    });
    this.fetchImage = imageFetcher(options.timers, options.imageNetwork ?? PUBLIC_INTERNET);
  }

  /** Starts one attempt at a target. */
  open(target: Target, call: UpstreamCall, timeouts: ExchangeTimeouts): Exchange {
    const { clock, timers } = this.#options;
    const { origin, authenticator, fetch, openBody, probe } = this.#connectionTo(target, call.own);
    const { operation, own, body } = call;
    const headers = call.headers === undefined ? this.#jsonHeaders : this.#withUserAgent(call.headers);
    const url = urlOf(origin, target, call);
    const { method } = operationRow(operation);
    const service = own && OWN_SERVICES[own.endpoint];
    const sent = method === "GET" ? undefined : body;
    const { sign, recover } = authenticator;
    return new Exchange(
      { method, url, headers, body: sent, service },
      { sign, recover, fetch, openBody, probe, timers, timeouts, nowMs: clock.now() },
    );
  }

  #withUserAgent(headers: Headers): Headers {
    if (!headers.has("user-agent")) headers.set("user-agent", this.#options.userAgent);
    return headers;
  }

  #connectionTo({ provider, subject }: Target, own: OwnAddress | undefined): Connection {
    const { openBody, emulator, credentials } = this.#options;
    switch (provider.kind) {
      case "bedrock": {
        const { fetch, probe } = this.#networkOf(provider);
        return {
          origin: originOf(provider, own),
          authenticator: credentials.authenticatorOf(provider, subject),
          fetch,
          openBody,
          probe,
        };
      }
      case "emulator":
        return {
          origin: own?.endpoint === "mantle"
            ? bedrockMantleEndpoint(provider.region)
            : bedrockEndpoint(provider.region, { fips: false, dualstack: false }),
          authenticator: this.#emulatorAuthenticator(provider.region),
          fetch: emulator.fetch,
          openBody: undefined,
          probe: undefined,
        };
    }
  }

  #networkOf(provider: BedrockProvider): Pick<UpstreamOptions, "fetch" | "probe"> {
    if (provider.network === undefined) return this.#options;
    const network = this.#options.networks?.of(provider);
    if (network !== undefined) return network;
    throw new Error(`Cannot reach provider "${provider.name}": its network was not opened`);
  }

  #emulatorAuthenticator(region: string): Authenticator {
    let authenticator = this.#emulatorAuthenticators.get(region);
    if (authenticator === undefined) {
      authenticator = { sign: sigV4Signer({ ...this.#options.emulator, region }) };
      this.#emulatorAuthenticators.set(region, authenticator);
    }
    return authenticator;
  }
}

function originOf(provider: BedrockProvider, own: OwnAddress | undefined): string {
  return own?.endpoint === "mantle"
    ? mantleOrigin(provider)
    : provider.endpoint ?? bedrockEndpoint(provider.region, provider);
}

/** Origin of the provider's mantle endpoint. */
export function mantleOrigin({ mantleEndpoint, region }: BedrockProvider): string {
  return mantleEndpoint ?? bedrockMantleEndpoint(region);
}

/** URL of the request. Throws if the caller had to sign it and did not. */
function urlOf(origin: string, target: Target, call: UpstreamCall): string {
  const { operation, pathValues, query = "", signedPath } = call;
  if (signedPath !== undefined) return origin + signedPath;
  if (isSignedByCaller(target.provider)) {
    throw new AditError(
      "invalid_request",
      "this model only accepts native Bedrock requests that the caller has signed for AWS",
    );
  }
  if (call.own !== undefined) return origin + call.own.path;
  const url = pathValues === undefined
    ? modelUrl(origin, target, operation)
    : origin + operationPath(operation, pathValues);
  return query === "" ? url : `${url}?${query}`;
}

/**
 * Most targets belong to the plans of a configuration and recur with every request; others are made for one request.
 * The origin follows from the target's provider.
 */
const modelUrls = new WeakMap<Target, Map<Operation, string>>();

function modelUrl(origin: string, target: Target, operation: Operation): string {
  if (target.settings === undefined) return origin + operationPath(operation, [target.modelId]);
  let urls = modelUrls.get(target);
  if (urls === undefined) modelUrls.set(target, urls = new Map());
  let url = urls.get(operation);
  if (url === undefined) urls.set(operation, url = origin + operationPath(operation, [target.modelId]));
  return url;
}

/** Whether requests to the provider carry the caller's own signature. */
export function isSignedByCaller(provider: Provider): boolean {
  return provider.kind === "bedrock" && provider.credentials.kind === "caller";
}
