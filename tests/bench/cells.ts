/** What is measured: kinds of requests, their sizes, and numbers of connections. */

import { chatBody, converseBody, messagesBody, type Pace } from "./requests.ts";

/** The kind of a request, whose form depends on the subject. */
export type Ask = "chat" | "chat stream" | "messages stream" | "native stream";

/** How the subjects run: on one core, on all cores, or with rate limits and the ledger. */
export type Setting = "one core" | "all cores" | "ledger and limits";

export interface Cell {
  /** Heads its rows in the table. */
  readonly name: string;
  readonly setting: Setting;
  readonly ask: Ask;
  readonly pace: Pace;
  readonly bytes: number;
  readonly concurrency: readonly number[];
}

const KB = 1000;

export const CELLS: readonly Cell[] = [
  {
    name: "chat, 1 KB",
    setting: "one core",
    ask: "chat",
    pace: "even",
    bytes: KB,
    concurrency: [1, 32, 256],
  },
  {
    name: "chat, 100 KB",
    setting: "one core",
    ask: "chat",
    pace: "even",
    bytes: 100 * KB,
    concurrency: [32],
  },
  { name: "chat, 1 MB", setting: "one core", ask: "chat", pace: "even", bytes: 1000 * KB, concurrency: [32] },
  {
    name: "chat stream",
    setting: "one core",
    ask: "chat stream",
    pace: "even",
    bytes: KB,
    concurrency: [32],
  },
  {
    name: "chat stream, all events at once",
    setting: "one core",
    ask: "chat stream",
    pace: "burst",
    bytes: KB,
    concurrency: [32],
  },
  {
    name: "Messages stream by InvokeModel",
    setting: "one core",
    ask: "messages stream",
    pace: "even",
    bytes: KB,
    concurrency: [32],
  },
  {
    name: "native stream",
    setting: "one core",
    ask: "native stream",
    pace: "even",
    bytes: KB,
    concurrency: [32],
  },
  {
    name: "chat, 100 KB, on all cores",
    setting: "all cores",
    ask: "chat",
    pace: "even",
    bytes: 100 * KB,
    concurrency: [32],
  },
  {
    name: "chat, 1 KB, with ledger and limits",
    setting: "ledger and limits",
    ask: "chat",
    pace: "even",
    bytes: KB,
    concurrency: [32],
  },
];

/** The settings, in the order of the table. */
export const SETTINGS: readonly Setting[] = ["one core", "all cores", "ledger and limits"];

/** The body of a cell's requests. */
export function bodyOf({ ask, pace, bytes }: Pick<Cell, "ask" | "pace" | "bytes">): string {
  switch (ask) {
    case "chat":
    case "chat stream":
      return chatBody({ bytes, pace }, ask === "chat stream");
    case "messages stream":
      return messagesBody({ bytes, pace }, true);
    case "native stream":
      return converseBody({ bytes, pace });
  }
}
