/** Clients that linger: idle after a response, silent from the start, or gone quiet within a head or a body. */

import { KEY } from "../e2e/configs.ts";

const HEAD = `Host: adit.test\r\nAuthorization: Bearer ${KEY}\r\n`;

/** What each kind of client sends before it falls silent. */
const KINDS: Readonly<Record<string, string>> = {
  idle: `GET /v1/models HTTP/1.1\r\n${HEAD}\r\n`,
  silent: "",
  vanished: `GET /v1/models HTTP/1.1\r\n${HEAD}`,
  stuck: `POST /v1/chat/completions HTTP/1.1\r\n${HEAD}Content-Length: 1000\r\n\r\n{"model":`,
};

/** Connections of these clients. */
export class LingeringClients implements AsyncDisposable {
  /** Kinds of the clients whose connection the server has not closed yet. */
  readonly #open = new Map<Deno.TcpConn, string>();

  /** Connects `count` clients of each kind. */
  static async connect(url: string, count: number): Promise<LingeringClients> {
    const clients = new LingeringClients();
    const { hostname, port } = new URL(url);
    for (const [kind, text] of Object.entries(KINDS)) {
      for (let each = 0; each < count; each++) {
        const connection = await Deno.connect({ hostname, port: Number(port) });
        await connection.write(new TextEncoder().encode(text));
        clients.#add(connection, kind);
      }
    }
    return clients;
  }

  /** The number of clients of each kind whose connection is still open. */
  get kept(): Readonly<Record<string, number>> {
    const kinds = [...this.#open.values()];
    return Object.fromEntries(
      Object.keys(KINDS).map((kind) => [kind, kinds.filter((each) => each === kind).length]),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#open.keys()) connection.close();
    this.#open.clear();
    return Promise.resolve();
  }

  #add(connection: Deno.TcpConn, kind: string): void {
    this.#open.set(connection, kind);
    const readToEnd = async () => {
      const buffer = new Uint8Array(1024);
      while (await connection.read(buffer) !== null);
    };
    // A reset is an end, too.
    readToEnd().catch(() => {}).then(() => {
      if (this.#open.delete(connection)) connection.close();
    });
  }
}
