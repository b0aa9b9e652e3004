/** Requests to the admin listener. Keeps the operator's key, and knows whether the gateway can be reached. */

/** The state of the connection. */
export type Connection =
  | { readonly kind: "connected" }
  /** The gateway requires a key. `refused` is true if it rejected one. */
  | { readonly kind: "locked"; readonly refused: boolean }
  | { readonly kind: "lost"; readonly sinceMs: number };

/** An unsuccessful answer, with the gateway's error message. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(readonly status: number, message: string) {
    super(message);
  }

  /** The error in an answer. */
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

  /** Calls back after each change of the connection; returns a function that stops this. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Uses a key for all further requests; keeps it in memory until the page is closed. */
  unlock(key: string): void {
    this.#key = key;
    this.#become({ kind: "connected" });
  }

  /** Forgets the key. */
  lock(): void {
    this.#key = undefined;
    this.#become({ kind: "locked", refused: false });
  }

  /** The JSON of an answer. Rejects with RefusedError if the gateway refuses, otherwise with the browser's error. */
  async json<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    return await (await this.stream(path, init)).json();
  }

  /** A successful answer with its body unread. Rejects like `json`. */
  async stream(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.send(path, init);
    if (!response.ok) throw await RefusedError.of(response);
    return response;
  }

  /** Any answer. */
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
    // In the tab Try, a 401 from the public API is about the caller's key.
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

/** A path relative to the page, without user name and password from the page's address, which `fetch` rejects. */
function addressOf(path: string): URL {
  const address = new URL(path, document.baseURI);
  address.username = "";
  address.password = "";
  return address;
}

/** The gateway's message in the JSON of a refusal. */
function errorIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
