/** The last lines of the log, and new ones as they arrive. */

import { AditError } from "../../base/errors.ts";
import { LOG_LEVELS } from "../../base/log/log.ts";
import type { LogTail, TailLine } from "../../base/log/log_tail.ts";
import type { LogView } from "../contract/contract.ts";
import { limitIn, matches, type ReadQuery, searchIn } from "./pages.ts";
import { eventText, type Feed } from "./viewers.ts";

const PAGE = { byDefault: 200, max: 1000 } as const;

/** The last lines that have at least the requested level and contain the search. */
export function logView(log: LogTail, read: ReadQuery): LogView {
  return { lines: log.after(0).filter(filterIn(read)).slice(-limitIn(read, PAGE)) };
}

/** The same lines as events, followed by new ones. */
export function logFeed(log: LogTail, read: ReadQuery): Feed {
  const isWanted = filterIn(read);
  let first: readonly TailLine[] | undefined = logView(log, read).lines;
  let seq = log.lastSeq;
  return () => {
    const lines = log.after(seq);
    const missed = log.lastSeq - seq - lines.length;
    const shown = [...(first ?? []), ...lines.filter(isWanted)];
    first = undefined;
    seq = log.lastSeq;
    const text = (missed > 0 ? eventText("missed", { lines: missed }) : "") +
      shown.map((line) => eventText("line", line)).join("");
    return text === "" ? undefined : text;
  };
}

function filterIn(read: ReadQuery): (line: TailLine) => boolean {
  const level = read("level") ?? "debug";
  const least = LOG_LEVELS.findIndex((each) => each === level);
  if (least < 0) throw new AditError("invalid_request", `level: expected ${LOG_LEVELS.join(", ")}`);
  const search = searchIn(read);
  return (line) => LOG_LEVELS.indexOf(line.level) >= least && matches(search, [line.line]);
}
