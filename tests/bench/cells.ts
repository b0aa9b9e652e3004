/** What is measured: kinds of requests, their sizes, and how many at once. */

import { chatBody, converseBody, messagesBody, type Pace } from "./requests.ts";

/** What a request asks for, in whichever words the program in question takes. */
export type Ask = "chat" | "chat stream" | "messages stream" | "native stream";

export interface Cell {
  /** Heads its rows in the table. */
  readonly name: string;
  readonly ask: Ask;
  readonly pace: Pace;
  readonly bytes: number;
  readonly concurrency: readonly number[];
}

const KB = 1000;

export const CELLS: readonly Cell[] = [
  { name: "chat, 1 KB", ask: "chat", pace: "even", bytes: KB, concurrency: [1, 32, 256] },
  { name: "chat, 100 KB", ask: "chat", pace: "even", bytes: 100 * KB, concurrency: [32] },
  { name: "chat, 1 MB", ask: "chat", pace: "even", bytes: 1000 * KB, concurrency: [32] },
  { name: "chat stream", ask: "chat stream", pace: "even", bytes: KB, concurrency: [32] },
  {
    name: "chat stream, all events at once",
    ask: "chat stream",
    pace: "burst",
    bytes: KB,
    concurrency: [32],
  },
  {
    name: "Messages stream by InvokeModel",
    ask: "messages stream",
    pace: "even",
    bytes: KB,
    concurrency: [32],
  },
  { name: "native stream", ask: "native stream", pace: "even", bytes: KB, concurrency: [32] },
];

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
