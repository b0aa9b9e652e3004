/** The live log: the last lines, and new ones as they are written. */

import { useEffect, useState } from "preact/hooks";
import type { LogLineView } from "../../contract/contract.ts";
import { RefusedError } from "../client.ts";
import { useClient, withQuery } from "../page_data.ts";
import { count, dateTime, plural, timeOfDay } from "../format.ts";
import { pieceReaderFor } from "../frames.ts";
import { Choice, Field, Refusal, Select } from "../parts.tsx";
import { go, type Route } from "../route.ts";

/** Maximum number of lines shown. */
const MAX_LINES = 300;
const RETRY_MS = 2000;

const LEVELS = [["", "All"], ["info", "Info and above"], ["warn", "Warnings and errors"], [
  "error",
  "Errors",
]] as const;
const PACES = [["live", "Live"], ["paused", "Paused"]] as const;

/** The tab *Log*. */
export function LogTab({ route }: { readonly route: Route }) {
  const { search = "", level = "" } = route.settings;
  const [pace, setPace] = useState<"live" | "paused">("live");
  const { lines, missed, error } = useLog(
    withQuery("admin/v1/log", { level, search, limit: MAX_LINES }),
    pace === "live",
  );
  return (
    <>
      <div class="bar-top">
        <Field
          label="Search the log"
          value={search}
          isMain
          onChange={(next) => go(route, { search: next })}
        />
        <Select
          label="Level"
          value={LEVELS.find(([name]) => name === level)?.[0] ?? ""}
          options={LEVELS}
          onChoose={(next) => go(route, { level: next })}
        />
        <Choice label="Updates" value={pace} options={PACES} onChoose={setPace} />
        <span class="note">
          {`${plural(lines.length, "line")}, newest first`}
          {missed > 0 && `; ${count(missed)} skipped because they arrived too fast`}
        </span>
      </div>
      {error !== undefined && <Refusal>{error}</Refusal>}
      {lines.length === 0
        ? <p class="empty">{search === "" && level === "" ? "No lines yet." : "No matching lines yet."}</p>
        : (
          <div class="lines log" role="log" aria-label="Log" aria-live="off" tabIndex={0}>
            {lines.map((line) => <Line key={line.seq} line={line} />)}
          </div>
        )}
    </>
  );
}

function Line({ line: { level, line } }: { readonly line: LogLineView }) {
  const { time, level: _, message, ...fields } = membersOf(line);
  return (
    <div class={`log-line ${level}`}>
      <time title={typeof time === "string" ? dateTime(time) : ""}>
        {typeof time === "string" ? timeOfDay(time) : ""}
      </time>
      <span class="level">{level}</span>
      <span>
        <b>
          {typeof message === "string" ? message : line === "" ? "(line too long to show)" : line}
        </b>
        {Object.entries(fields).map(([name, value]) => (
          <span key={name}>
            {" "}
            <i>{name}</i> {typeof value === "string" ? value : JSON.stringify(value)}
          </span>
        ))}
      </span>
    </div>
  );
}

function membersOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

interface Log {
  /** Newest first. */
  readonly lines: readonly LogLineView[];
  readonly missed: number;
  readonly error: string | undefined;
}

const EMPTY: Log = { lines: [], missed: 0, error: undefined };

/** Follows the log while the page is visible, starting with the last lines; reconnects after a lost connection. */
function useLog(path: string, isLive: boolean): Log {
  const { client, connection } = useClient();
  const [log, setLog] = useState<Log>(EMPTY);
  const [isShown, setShown] = useState(!document.hidden);
  const isLocked = connection.kind === "locked";

  useEffect(() => {
    const changed = () => setShown(!document.hidden);
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);

  useEffect(() => {
    if (!isLive || !isShown || isLocked) return;
    const leaving = new AbortController();
    let timer: number | undefined;
    const follow = async () => {
      try {
        const init = { headers: { accept: "text/event-stream" }, signal: leaving.signal };
        const response = await client.stream(path, init);
        setLog(EMPTY);
        const reader = pieceReaderFor(response.headers.get("content-type") ?? "");
        for await (const chunk of chunksOf(response)) {
          const pieces = reader.push(chunk);
          const added = pieces.filter(({ event }) => event === "line").map(({ data }): LogLineView =>
            JSON.parse(data)
          );
          const gaps = pieces.filter(({ event }) => event === "missed").map(({ data }) =>
            Number(JSON.parse(data).lines)
          );
          setLog(({ lines, missed }) => ({
            lines: [...added.reverse(), ...lines].slice(0, MAX_LINES),
            missed: gaps.reduce((sum, gap) => sum + gap, missed),
            error: undefined,
          }));
        }
      } catch (error) {
        if (leaving.signal.aborted) return;
        if (error instanceof RefusedError) setLog({ ...EMPTY, error: error.message });
      }
      if (!leaving.signal.aborted) timer = setTimeout(follow, RETRY_MS);
    };
    void follow();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [client, path, isLive, isShown, isLocked]);

  return log;
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body?.getReader();
  for (;;) {
    const step = await reader?.read();
    if (step === undefined || step.done) return;
    yield step.value;
  }
}
