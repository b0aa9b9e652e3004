/** Requests to the admin listener: the operator's key, which is only kept here, and whether the gateway can be reached. */

/** What the page knows about its connection. */
export type Connection =
  | { readonly kind: "connected" }
  /** The gateway wants a key. `refused` is true if one was sent. */
  | { readonly kind: "locked"; readonly refused: boolean }
  | { readonly kind: "lost"; readonly sinceMs: number };

/** An answer that is not a success, with the gateway's own words. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(readonly status: number, message: string) {
    super(message);
  }

  /** The refusal in an answer. */
  static async of(response: Response): Promise<RefusedError> {
    const words = errorIn(await response.text());
    return new RefusedError(response.status, words ?? `the gateway answered with status ${response.status}`);
  }
}

/** Sends requests relative to the page's own address, so that the page works below any path. */
export class Client {
  #key: string | undefined;
  #connection: Connection = { kind: "connected" };
  readonly #listeners = new Set<() => void>();

  get connection(): Connection {
    return this.#connection;
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  /** Calls back after each change of the connection; returns what ends that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Uses a key from now on; it is kept in memory until the page is closed. */
  unlock(key: string): void {
    this.#key = key;
    this.#become({ kind: "connected" });
  }

  /** Forgets the key. */
  lock(): void {
    this.#key = undefined;
    this.#become({ kind: "locked", refused: false });
  }

  /** The JSON of an answer. Rejects with RefusedError where the gateway refuses, else with the browser's own error. */
  async json<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    return await (await this.stream(path, init)).json();
  }

  /** A successful answer, whose body is still to be read. Rejects as `json` does. */
  async stream(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.send(path, init);
    if (!response.ok) throw await RefusedError.of(response);
    return response;
  }

  /** Any answer, as it is. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#key !== undefined) headers.set("authorization", `Bearer ${this.#key}`);
    let response: Response;
    try {
      response = await fetch(addressOf(path), {
        ...init,
        headers,
        cache: "no-store",
      });
    } catch (error) {
      if (init.signal?.aborted !== true && this.#connection.kind !== "lost") {
        this.#become({ kind: "lost", sinceMs: Date.now() });
      }
      throw error;
    }
    // An answer to a request that was tried is the gateway's to its caller.
    if (response.status === 401 && !response.headers.has("x-adit-try")) {
      this.#become({ kind: "locked", refused: this.#key !== undefined });
    } else if (this.#connection.kind === "lost") {
      this.#become({ kind: "connected" });
    }
    return response;
  }

  #become(connection: Connection): void {
    this.#connection = connection;
    for (const listener of this.#listeners) listener();
  }
}

/** A path relative to the page, without the name and password that the page's own address may have: fetch refuses those. */
function addressOf(path: string): URL {
  const address = new URL(path, document.baseURI);
  address.username = "";
  address.password = "";
  return address;
}

/** The gateway's words in the JSON of a refusal. */
function errorIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
