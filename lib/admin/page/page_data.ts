/** Data for components: loaded when a path changes, and refreshed while the page is visible. */

import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { Client, type Connection, RefusedError } from "./client.ts";

/** The page's one client. */
export const ClientContext = createContext(new Client());

/** The page's client and its connection; renders the component again when the connection changes. */
export function useClient(): { readonly client: Client; readonly connection: Connection } {
  const client = useContext(ClientContext);
  const [connection, setConnection] = useState(client.connection);
  useEffect(() => {
    setConnection(client.connection);
    return client.watch(() => setConnection(client.connection));
  }, [client]);
  return { client, connection };
}

/** The data at a path. While another path loads, `value` is still the previous one's. */
export interface Data<Value> {
  readonly value: Value | undefined;
  /** The gateway's refusal. The page's frame shows a lost connection. */
  readonly error: string | undefined;
  /** The status of the refusal, such as 404. */
  readonly status: number | undefined;
  readonly isLoading: boolean;
  /** Loads again at once. */
  readonly refresh: () => void;
}

export interface DataOptions {
  /** Milliseconds from one answer to the next request; if absent, the data is loaded once. */
  readonly everyMs?: number | undefined;
}

/** Maximum time between retries while the connection is lost. */
const MAX_WAIT_MS = 5000;
const RETRY_MS = 1000;

/**
 * The JSON at a path; undefined loads nothing. There is one request at a time, and none while the page is hidden, so
 * that a slow or forgotten viewer costs the gateway nothing.
 */
export function useData<Value>(path: string | undefined, { everyMs }: DataOptions = {}): Data<Value> {
  const { client, connection } = useClient();
  const [state, setState] = useState<Omit<Data<Value>, "refresh">>(NOTHING);
  const askAgain = useRef(() => {});
  const isLocked = connection.kind === "locked";

  useEffect(() => {
    if (path === undefined || isLocked) return;
    const leaving = new AbortController();
    let timer: number | undefined;
    let failures = 0;
    let running = false;
    setState((before) => ({ ...before, isLoading: true }));

    const later = (ms: number | undefined) => {
      clearTimeout(timer);
      if (ms !== undefined && !document.hidden && !leaving.signal.aborted) timer = setTimeout(ask, ms);
    };
    const ask = async () => {
      if (running) return;
      running = true;
      let waitMs = everyMs;
      try {
        const value = await client.json<Value>(path, { signal: leaving.signal });
        failures = 0;
        setState({ value, error: undefined, status: undefined, isLoading: false });
      } catch (error) {
        if (leaving.signal.aborted) return;
        if (error instanceof RefusedError) {
          const { message, status } = error;
          setState(({ value }) => ({ value, error: message, status, isLoading: false }));
        } else {
          waitMs = Math.min(RETRY_MS * 2 ** failures++, MAX_WAIT_MS);
        }
      } finally {
        running = false;
      }
      later(waitMs);
    };
    const shown = () => {
      if (document.hidden) clearTimeout(timer);
      else if (everyMs !== undefined || failures > 0) later(0);
    };

    askAgain.current = () => void ask();
    document.addEventListener("visibilitychange", shown, { signal: leaving.signal });
    void ask();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [client, path, everyMs, isLocked]);

  const refresh = useCallback(() => askAgain.current(), []);
  return { ...state, refresh };
}

const NOTHING = { value: undefined, error: undefined, status: undefined, isLoading: true } as const;

/** A path with parameters; undefined and empty ones are omitted. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? path : `${path}?${query}`;
}
