/** Sends a request from the tab *Try*, and writes the equivalent `curl` command. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { TryRequest } from "../../contract/contract.ts";
import { RefusedError } from "../client.ts";
import { useClient } from "../page_data.ts";
import { type Piece, pieceReaderFor } from "../frames.ts";

/** A piece of the answer, with its arrival time in milliseconds after the request. */
export interface TimedPiece extends Piece {
  readonly atMs: number;
}

/** The answer so far. */
export interface TriedAnswer {
  readonly isRunning: boolean;
  /** Undefined until the first byte. */
  readonly status: number | undefined;
  readonly headers: readonly (readonly [string, string])[];
  /** Time until the headers arrived. */
  readonly firstMs: number;
  readonly totalMs: number;
  readonly pieces: readonly TimedPiece[];
  /** Number of pieces beyond the maximum, which are not kept. */
  readonly left: number;
  readonly error: string | undefined;
}

const MAX_PIECES = 500;

/** Headers that the admin listener adds to keep browsers from showing an answer as a page. */
const ADDED = new Set([
  "x-adit-try",
  "content-disposition",
  "content-security-policy",
  "x-content-type-options",
]);

interface Trying {
  readonly answer: TriedAnswer | undefined;
  readonly send: (request: TryRequest) => Promise<void>;
  readonly stop: () => void;
}

const NOTHING: TriedAnswer = {
  isRunning: true,
  status: undefined,
  headers: [],
  firstMs: 0,
  totalMs: 0,
  pieces: [],
  left: 0,
  error: undefined,
};

/** Sends one request at a time; leaving the tab stops it. */
export function useTry(): Trying {
  const { client } = useClient();
  const [answer, setAnswer] = useState<TriedAnswer>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const stop = useCallback(() => {
    running.current?.abort();
    setAnswer((before) => before && { ...before, isRunning: false, error: "Stopped." });
  }, []);

  const send = useCallback(async (request: TryRequest) => {
    running.current?.abort();
    const stopping = new AbortController();
    running.current = stopping;
    const startMs = performance.now();
    const passed = () => performance.now() - startMs;
    const update = (change: (before: TriedAnswer) => Partial<TriedAnswer>) => {
      if (stopping.signal.aborted) return;
      setAnswer((before = NOTHING) => ({ ...before, ...change(before), totalMs: passed() }));
    };
    setAnswer(NOTHING);
    try {
      const response = await client.send("admin/v1/try", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
        signal: stopping.signal,
      });
      if (!response.headers.has("x-adit-try")) throw await RefusedError.of(response);
      const headers = [...response.headers].filter(([name]) => !ADDED.has(name));
      update(() => ({ status: response.status, headers, firstMs: passed() }));
      const reader = pieceReaderFor(response.headers.get("content-type") ?? "");
      const take = (pieces: readonly Piece[]) => {
        const timed = pieces.map((piece) => ({ ...piece, atMs: passed() }));
        update(({ pieces: before, left }) => {
          const all = [...before, ...timed];
          return { pieces: all.slice(0, MAX_PIECES), left: left + Math.max(0, all.length - MAX_PIECES) };
        });
      };
      const body = response.body?.getReader();
      for (let step = await body?.read(); step?.done === false; step = await body?.read()) {
        take(reader.push(step.value));
      }
      take(reader.end());
      update(() => ({ isRunning: false }));
    } catch (error) {
      const words = error instanceof RefusedError ? error.message : "The connection was lost.";
      update(() => ({ isRunning: false, error: words }));
    }
  }, [client]);

  return { answer, send, stop };
}

/** A request as typed into the form. */
export interface Sent {
  readonly path: string;
  /** JSON as typed. */
  readonly body: string;
}

/** The command for a POSIX shell. The key is in a variable, to keep it out of the shell history. */
export function curlFor(address: string, { path, body }: Sent): string {
  return [
    `curl -N ${quoted(`${address}${path}`)}`,
    `  -H "authorization: Bearer $ADIT_KEY"`,
    `  -H 'content-type: application/json'`,
    `  -d ${quoted(body)}`,
  ].join(" \\\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
