/** Networks of the providers with their own settings: a forward proxy, additional certificate authorities. */

import { isDeepStrictEqual } from "node:util";
import { unseal } from "../../base/secret.ts";
import type { Network, OpenNetwork } from "../../runtime/runtime.ts";
import type { Provider, ProviderNetwork } from "../../snapshot/provider.ts";
import type { ProbeConnection } from "./send.ts";
import { type Env, probeIn } from "./probe.ts";

export interface ProviderNetworksOptions {
  readonly open: OpenNetwork;
  /** Its `NO_PROXY` lists hosts that are reached directly. */
  readonly env: Env;
}

/** An open network, and the check whether it reaches a host. */
export interface ReachableNetwork extends Network {
  readonly probe: ProbeConnection;
}

/** How all providers are reached in this environment, with and without their own settings. */
export function networksIn(options: ProviderNetworksOptions) {
  return { probe: probeIn(options.env), networks: new ProviderNetworks(options) };
}

/**
 * The networks of all providers with their own settings; a reload that does not change them keeps their connections.
 */
export class ProviderNetworks {
  readonly #options: ProviderNetworksOptions;
  /** By settings object, so that a request finds its network without comparing settings. */
  readonly #known = new WeakMap<ProviderNetwork, ReachableNetwork>();
  #current: readonly ProviderNetwork[] = [];

  constructor(options: ProviderNetworksOptions) {
    this.#options = options;
  }

  /** Closes the networks that only providers of an earlier configuration used; in-flight requests are not affected. */
  use(providers: Iterable<Provider>): void {
    const before = this.#current.map((settings) => this.#of(settings));
    const next = [...providers].flatMap((provider) =>
      provider.kind === "bedrock" ? provider.network ?? [] : []
    );
    const kept = new Set(next.map((settings) => this.#of(settings)));
    this.#current = next;
    for (const network of before) if (!kept.has(network)) network.close();
  }

  /** The provider's network; undefined if it uses that of the process. */
  of(provider: Provider): ReachableNetwork | undefined {
    return provider.kind === "bedrock" && provider.network !== undefined
      ? this.#of(provider.network)
      : undefined;
  }

  #of(settings: ProviderNetwork): ReachableNetwork {
    let network = this.#known.get(settings);
    if (network === undefined) {
      const same = this.#current.find((each) => isDeepStrictEqual(each, settings));
      network = (same && this.#known.get(same)) ?? this.#open(settings);
      this.#known.set(settings, network);
    }
    return network;
  }

  #open({ proxy, authorities }: ProviderNetwork): ReachableNetwork {
    const { open, env } = this.#options;
    const url = proxy && unseal(proxy);
    const network = open({ proxy: url, authorities });
    return { ...network, probe: probeIn(env, { proxy: url, authorities }) };
  }
}
