/** The sockets that are open: what the configuration asks for is opened first, what it no longer asks for is drained. */

import { setImmediate } from "node:timers";
import { bracketed } from "../base/host.ts";
import { unseal } from "../base/secret.ts";
import type { ListenAddress, SocketAddress, TlsMaterial } from "../snapshot/snapshot.ts";
import type { Handler, RunningServer, Runtime, Server } from "../runtime/runtime.ts";

export interface ListenersOptions {
  readonly runtime: Pick<Runtime, "serve" | "serveSocket">;
  readonly handle: Handler;
  /** Whether another thread of the process has opened each address before; default: false. */
  readonly shared?: boolean;
  /** Called for each socket as soon as it is open. */
  readonly onListening: (url: string) => void;
}

interface Listener {
  /** The settings it was opened with; they include the certificate's private key. */
  readonly address: Address;
  readonly certificate: string | undefined;
  readonly url: string;
  /** Undefined while only other threads listen there. */
  readonly server: RunningServer | undefined;
  /** The same, for addresses with a port. */
  readonly portServer: Server | undefined;
  /** Whether this thread listens there again after `resume`. */
  readonly isPaused?: boolean;
  /** Where it listens, with the port in use; undefined for a Unix socket. */
  readonly bound: ListenAddress | undefined;
}

type Address = ListenAddress | SocketAddress;

/**
 * Resolves when the connections that have been made so far are accepted. Linux resets those that are not when the socket
 * is closed, although other sockets could take them.
 */
function afterAccepting(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether, and with whom, a socket shares its address. */
interface Shared {
  /** Default: the address's own. */
  readonly port?: number | undefined;
  readonly replaces?: Server | undefined;
  readonly shared: boolean;
}

/** Sockets that have been opened but not yet activated. */
export interface ListenChange {
  /** All addresses of the change with the ports that are in use, for other threads. */
  readonly bound: readonly ListenAddress[];
  /** Activates the new sockets, and drains those that are no longer needed. */
  commit(): void;
  /** Closes the new sockets again; nothing has changed. */
  undo(): void;
}

/** The sockets of the running configuration; one that the new configuration also has stays open. */
export class Listeners {
  readonly #options: ListenersOptions;
  #open: readonly Listener[] = [];
  /** The servers being drained, each with the promise of its end. */
  readonly #draining = new Map<RunningServer, Promise<unknown>>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** URLs of the open sockets, of all threads. */
  get urls(): readonly string[] {
    return this.#open.map((listener) => listener.url);
  }

  /** The addresses of the open sockets, with the ports that are in use. */
  get bound(): readonly ListenAddress[] {
    return this.#open.flatMap(({ bound }) => bound ?? []);
  }

  /** Lets only other threads listen where this one does; what is in flight here is drained. */
  handOver(): void {
    const servers = this.#open.flatMap(({ server }) => server ?? []);
    this.#open = this.#open.map((listener) => ({
      ...listener,
      server: undefined,
      portServer: undefined,
      isPaused: false,
    }));
    for (const server of servers) this.#drain(server, afterAccepting());
  }

  /** Listens again where only other threads did. Throws if a socket cannot be opened. */
  takeBack(tls: TlsMaterial | undefined): void {
    this.#open = this.#open.map((listener) =>
      listener.server === undefined && listener.bound !== undefined
        ? { ...this.#listen(listener.bound, tls, { shared: true }), address: listener.address }
        : listener
    );
  }

  /**
   * Accepts no connections until `resume`; idle ones are closed, and what is in flight continues. False if only other
   * threads accept.
   */
  pause(): boolean {
    const servers = this.#open.flatMap(({ portServer }) => portServer ?? []);
    this.#open = this.#open.map((listener) =>
      listener.portServer === undefined
        ? listener
        : { ...listener, server: undefined, portServer: undefined, isPaused: true }
    );
    for (const server of servers) this.#drain(server);
    return servers.length > 0;
  }

  /** Accepts again where `pause` has stopped it. Throws if a socket cannot be opened. */
  resume(tls: TlsMaterial | undefined): void {
    for (const listener of this.#open) {
      if (listener.isPaused !== true || listener.bound === undefined) continue;
      const opened = { ...this.#listen(listener.bound, tls, { shared: true }), address: listener.address };
      this.#open = this.#open.map((each) => each === listener ? opened : each);
    }
  }

  /** Opens the new sockets. If one cannot be opened, none is, and the error is thrown. */
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

  /** Lets other threads accept further connections; resolves when they do. What is in flight here is drained. */
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

  /** Closes every socket now, whatever is in progress. */
  async close(): Promise<void> {
    const servers = [...this.#open.flatMap(({ server }) => server ?? []), ...this.#draining.keys()];
    await Promise.all(servers.map((server) => server.close()));
  }

  /** Another host with the same port, such as 0.0.0.0 after 127.0.0.1, conflicts as well. */
  #conflictingWith({ port }: ListenAddress): Listener | undefined {
    return this.#open.find(({ bound }) => bound?.port === port);
  }

  /** How to open an address where a socket of this process is, in this thread or in others. */
  #takenFrom(listener: Listener | undefined): Shared {
    if (listener === undefined) return { shared: this.#options.shared === true };
    // With port 0, clients have been told the previous server's port.
    return { port: listener.bound?.port, replaces: listener.portServer, shared: true };
  }

  #drain(server: RunningServer, when?: Promise<void>): void {
    const forget = () => this.#draining.delete(server);
    const drained = when === undefined ? server.drain() : when.then(() => server.drain());
    // A socket that cannot be drained accepts no more requests either; nobody waits for it.
    this.#draining.set(server, drained.then(forget, forget));
  }

  #listen(
    address: ListenAddress,
    tls: TlsMaterial | undefined,
    { port = address.port, replaces, shared }: Shared,
  ): Listener {
    const { runtime, handle } = this.#options;
    const server = runtime.serve({
      hostname: address.hostname,
      port,
      handle,
      shared,
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, key: unseal(tls.key).reveal() } }),
      ...(replaces === undefined ? {} : { replaces }),
    });
    return {
      address,
      certificate: tls?.certificate,
      server,
      portServer: server,
      bound: { hostname: address.hostname, port: server.port },
      url: `${tls === undefined ? "http" : "https"}://${bracketed(server.hostname)}:${server.port}`,
    };
  }

  #listenOnSocket(address: SocketAddress): Listener {
    const { runtime, handle } = this.#options;
    const server = runtime.serveSocket({ path: address.path, handle });
    const url = `unix:${address.path}`;
    return { address, certificate: undefined, server, portServer: undefined, bound: undefined, url };
  }
}

function isSame(one: Address, other: Address): boolean {
  if ("path" in one || "path" in other) {
    return "path" in one && "path" in other && one.path === other.path;
  }
  return one.hostname === other.hostname && one.port === other.port;
}
