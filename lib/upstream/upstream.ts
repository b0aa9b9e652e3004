/** Opens signed exchanges with the providers of the configuration. */

import { bedrockEndpoint } from "../aws/endpoint.ts";
import { bearerSigner, type Signer, sigV4Signer } from "../aws/sign.ts";
import type { Clock, TimerWheel } from "../base/clock.ts";
import type { Secret } from "../base/secret.ts";
import type { BedrockProvider, Provider, Timeouts } from "../config/snapshot.ts";
import type { Target } from "../routing/resolve.ts";
import type { Fetch } from "../runtime/runtime.ts";
import { Exchange, type ProbeConnection } from "./exchange.ts";
import { type FetchImage, imageFetcher, type ImageNetwork, PUBLIC_INTERNET } from "./images.ts";

/** The operations on a model, each with the last segment of its path. */
export const OPERATIONS = {
  converse: "converse",
  converseStream: "converse-stream",
  invoke: "invoke",
  invokeStream: "invoke-with-response-stream",
  countTokens: "count-tokens",
} as const;

export type Operation = keyof typeof OPERATIONS;

export interface UpstreamCall {
  readonly operation: Operation;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Headers to send beside those that Adit sets itself; taken over by the call. */
  readonly headers: Headers;
}

export interface UpstreamOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly fetch: Fetch;
  readonly emulator: EmulatorAccess;
  /** Undefined behind a forward proxy, where a direct connection proves nothing. */
  readonly probe: ProbeConnection | undefined;
  readonly userAgent: string;
  /** In place of the public internet, as the way to images that requests point at. */
  readonly imageNetwork?: ImageNetwork;
}

/** How providers of `type: emulator` are reached: without a network, but signed like any other. */
export interface EmulatorAccess {
  readonly fetch: Fetch;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}

/** What a provider's settings come to, made once for each snapshot that has it. */
interface Connection {
  readonly origin: string;
  readonly sign: Signer;
  readonly fetch: Fetch;
  readonly probe: ProbeConnection | undefined;
}

export class Upstream {
  /** Fetches an image that a request points at. */
  readonly fetchImage: FetchImage;
  readonly #options: UpstreamOptions;
  readonly #connections = new WeakMap<Provider, Connection>();

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.fetchImage = imageFetcher(options.timers, options.imageNetwork ?? PUBLIC_INTERNET);
  }

  /** Begins one attempt at a target. */
  open(target: Target, call: UpstreamCall, timeouts: Timeouts): Exchange {
    const { clock, timers, userAgent } = this.#options;
    const { origin, sign, fetch, probe } = this.#connectionTo(target.provider);
    const { operation, body, headers } = call;
    headers.set("user-agent", userAgent);
    const url = `${origin}/model/${encodePathSegment(target.modelId)}/${OPERATIONS[operation]}`;
    return new Exchange(
      { method: "POST", url, headers, body },
      { sign, fetch, probe, timers, timeouts, nowMs: clock.now() },
    );
  }

  #connectionTo(provider: Provider): Connection {
    let connection = this.#connections.get(provider);
    if (connection === undefined) {
      connection = this.#connect(provider);
      this.#connections.set(provider, connection);
    }
    return connection;
  }

  #connect(provider: Provider): Connection {
    const { fetch, emulator, probe } = this.#options;
    switch (provider.kind) {
      case "bedrock":
        return {
          origin: provider.endpoint ?? bedrockEndpoint(provider.region, provider),
          sign: signerOf(provider),
          fetch,
          probe,
        };
      case "emulator":
        return {
          origin: bedrockEndpoint(provider.region, { fips: false, dualstack: false }),
          sign: sigV4Signer({ ...emulator, region: provider.region }),
          fetch: emulator.fetch,
          probe: undefined,
        };
    }
  }
}

function signerOf({ credentials, region }: BedrockProvider): Signer {
  switch (credentials.kind) {
    case "static": {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials;
      return sigV4Signer({
        region,
        accessKeyId,
        secretAccessKey,
        ...(sessionToken === undefined ? {} : { sessionToken }),
      });
    }
    case "api_key":
      return bearerSigner(credentials.key);
  }
}

/** One path segment by RFC 3986: `:` is `%3A` and `/` is `%2F`, as the AWS SDKs send model ids. */
function encodePathSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
