/** The open sockets: a new configuration's are opened first, then those that it no longer has are drained. */

import { setImmediate } from "node:timers";
import { bracketed } from "../base/host.ts";
import { unseal } from "../base/secret.ts";
import type { ListenAddress, SocketAddress, TlsMaterial } from "../snapshot/snapshot.ts";
import type { Handler, RunningServer, Runtime, Server } from "../runtime/runtime.ts";

export interface ListenersOptions {
  readonly runtime: Pick<Runtime, "serve" | "serveSocket">;
  readonly handle: Handler;
  /** Whether another thread of the process has already opened each address; default: false. */
  readonly shared?: boolean;
  /** Called for each socket as soon as it is open. */
  readonly onListening: (url: string) => void;
}

/** Changed in place, because a configuration that is being prepared may refer to it. */
interface Listener {
  readonly address: Address;
  /** The certificate it was opened with. */
  readonly certificate: string | undefined;
  readonly url: string;
  /** Undefined while paused, and while only other threads listen there. */
  server: RunningServer | undefined;
  /** The same, for addresses with a port. */
  portServer: Server | undefined;
  /** Whether this thread listens there again after `resume`. */
  isPaused: boolean;
  /** Where it listens, with the port in use; undefined for a Unix socket. */
  readonly bound: ListenAddress | undefined;
}

type Address = ListenAddress | SocketAddress;

/**
 * Resolves when all connections made so far have been accepted. When a socket is closed, Linux resets those that have
 * not, although other sockets could take them.
 */
function afterAccepting(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How a socket shares its address. */
interface Shared {
  /** Default: the port of the address. */
  readonly port?: number | undefined;
  readonly replaces?: Server | undefined;
  readonly shared: boolean;
}

/** Sockets that have been opened but not yet activated. */
export interface ListenChange {
  /** All addresses of the configuration, with the ports in use, for other threads. */
  readonly bound: readonly ListenAddress[];
  /** Activates the new sockets, and drains those that are no longer needed. */
  commit(): void;
  /** Closes the new sockets; nothing has changed. */
  undo(): void;
}

/** The sockets of the running configuration; those that a new configuration keeps stay open. */
export class Listeners {
  readonly #options: ListenersOptions;
  #open: readonly Listener[] = [];
  /** The servers that are draining; each promise resolves at the end. */
  readonly #draining = new Map<RunningServer, Promise<unknown>>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** URLs of the open sockets, of all threads. */
  get urls(): readonly string[] {
    return this.#open.map((listener) => listener.url);
  }

  /** The addresses of the open sockets, with the ports in use. */
  get bound(): readonly ListenAddress[] {
    return this.#open.flatMap(({ bound }) => bound ?? []);
  }

  /** Leaves listening to other threads; in-flight requests here are drained. */
  handOver(): void {
    for (const listener of this.#open) {
      if (listener.server !== undefined) this.#drain(listener.server, afterAccepting());
      listener.server = listener.portServer = undefined;
      listener.isPaused = false;
    }
  }

  /** Listens again where only other threads did. Throws if a socket cannot be opened. */
  takeBack(tls: TlsMaterial | undefined): void {
    for (const listener of this.#open) if (listener.server === undefined) this.#reopen(listener, tls);
  }

  /**
   * Stops accepting until `resume`; idle connections are closed, and in-flight requests continue. False if only other
   * threads accept.
   */
  pause(): boolean {
    const accepting = this.#open.filter(({ portServer }) => portServer !== undefined);
    for (const listener of accepting) {
      if (listener.server !== undefined) this.#drain(listener.server);
      listener.server = listener.portServer = undefined;
      listener.isPaused = true;
    }
    return accepting.length > 0;
  }

  /** Accepts again after `pause`. Throws if a socket cannot be opened. */
  resume(tls: TlsMaterial | undefined): void {
    for (const listener of this.#open) if (listener.isPaused) this.#reopen(listener, tls);
  }

  #reopen(listener: Listener, tls: TlsMaterial | undefined): void {
    if (listener.bound === undefined) return;
    listener.server = listener.portServer = this.#serve(listener.bound, tls, { shared: true });
    listener.isPaused = false;
  }

  /** Opens the new sockets: all or none. Throws if one cannot be opened. */
  open(addresses: readonly Address[], tls: TlsMaterial | undefined): ListenChange {
    const unclaimed = [...this.#open];
    const next: Listener[] = [];
    const opened: Listener[] = [];
    const undo = () => opened.forEach(({ server }) => void server?.close());
    try {
      for (const address of addresses) {
        const at = unclaimed.findIndex((listener) => isSame(listener.address, address));
        const [existing] = at === -1 ? [] : unclaimed.splice(at, 1);
        if (existing !== undefined && existing.certificate === tls?.certificate) {
          next.push(existing);
        } else {
          const listener = "path" in address
            ? this.#listenOnSocket(address)
            : this.#listen(address, tls, this.#takenFrom(existing ?? this.#conflictingWith(address)));
          opened.push(listener);
          next.push(listener);
        }
      }
    } catch (error) {
      undo();
      throw error;
    }
    return {
      undo,
      bound: next.flatMap(({ bound }) => bound ?? []),
      commit: () => {
        const dropped = this.#open.filter((listener) => !next.includes(listener));
        this.#open = next;
        for (const { url } of opened) this.#options.onListening(url);
        for (const { server } of dropped) if (server !== undefined) this.#drain(server);
      },
    };
  }

  /** Leaves further connections to other threads; resolves when it has. In-flight requests here are drained. */
  async leave(): Promise<void> {
    const accepted = afterAccepting();
    for (const { server } of this.#open) if (server !== undefined) this.#drain(server, accepted);
    this.#open = [];
    await accepted;
  }

  /** Stops accepting; resolves when every request on these sockets has been answered. */
  async drain(): Promise<void> {
    for (const { server } of this.#open) if (server !== undefined) this.#drain(server);
    this.#open = [];
    await Promise.all(this.#draining.values());
  }

  /** Closes every socket now, even with requests in progress. */
  async close(): Promise<void> {
    const servers = [...this.#open.flatMap(({ server }) => server ?? []), ...this.#draining.keys()];
    await Promise.all(servers.map((server) => server.close()));
  }

  /** Another host with the same port also conflicts, such as 0.0.0.0 after 127.0.0.1. */
  #conflictingWith({ port }: ListenAddress): Listener | undefined {
    return this.#open.find(({ bound }) => bound?.port === port);
  }

  /** How to open an address where this process already listens, in this thread or in others. */
  #takenFrom(listener: Listener | undefined): Shared {
    if (listener === undefined) return { shared: this.#options.shared === true };
    // With port 0, clients know the previous server's port.
    return { port: listener.bound?.port, replaces: listener.portServer, shared: true };
  }

  #drain(server: RunningServer, when?: Promise<void>): void {
    const forget = () => this.#draining.delete(server);
    const drained = when === undefined ? server.drain() : when.then(() => server.drain());
    // A socket that cannot be drained accepts no requests either, so nobody waits for it.
    this.#draining.set(server, drained.then(forget, forget));
  }

  #listen(address: ListenAddress, tls: TlsMaterial | undefined, shared: Shared): Listener {
    const server = this.#serve(address, tls, shared);
    return {
      address,
      certificate: tls?.certificate,
      server,
      portServer: server,
      isPaused: false,
      bound: { hostname: address.hostname, port: server.port },
      url: `${tls === undefined ? "http" : "https"}://${bracketed(server.hostname)}:${server.port}`,
    };
  }

  #serve(
    address: ListenAddress,
    tls: TlsMaterial | undefined,
    { port = address.port, replaces, shared }: Shared,
  ): Server {
    const { runtime, handle } = this.#options;
    return runtime.serve({
      hostname: address.hostname,
      port,
      handle,
      shared,
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, key: unseal(tls.key).reveal() } }),
      ...(replaces === undefined ? {} : { replaces }),
    });
  }

  #listenOnSocket(address: SocketAddress): Listener {
    const { runtime, handle } = this.#options;
    const server = runtime.serveSocket({ path: address.path, handle });
    const url = `unix:${address.path}`;
    return {
      address,
      certificate: undefined,
      server,
      portServer: undefined,
      isPaused: false,
      bound: undefined,
      url,
    };
  }
}

function isSame(one: Address, other: Address): boolean {
  if ("path" in one || "path" in other) {
    return "path" in one && "path" in other && one.path === other.path;
  }
  return one.hostname === other.hostname && one.port === other.port;
}
