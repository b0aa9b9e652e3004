/** The thread that reads and checks the configuration, so that no request has to wait. */

import { type MessagePort, parentPort, workerData } from "node:worker_threads";

import { type Piece, toPieces } from "../base/pieces.ts";
import { useSealingKey } from "../base/seal.ts";
import { readFile } from "../config/file/files.ts";
import { loadConfig } from "../config/load.ts";
import { CopyingReader } from "./page/file_copies.ts";
import { type CheckerData, type CheckMessage, summaryOf } from "./check_messages.ts";

const { configPath, env, sealingKey }: CheckerData = workerData;
useSealingKey(sealingKey);

let pieces: Iterator<Piece> = [][Symbol.iterator]();

async function answer(message: CheckMessage, port: MessagePort): Promise<void> {
  if (message !== "next") {
    const reader = new CopyingReader(readFile);
    const loaded = await loadConfig(configPath, { readFile: reader.readFile, env });
    const summary = await summaryOf(loaded, { before: message.check, copies: () => reader.copies() });
    pieces = toPieces(summary)[Symbol.iterator]();
  }
  const { done, value } = pieces.next();
  if (!done) port.postMessage(value);
}

parentPort?.on("message", (message: CheckMessage) => {
  if (parentPort === null) return;
  // Thrown where nothing catches it, the error ends the thread, which reports it to the other side.
  void answer(message, parentPort).catch((error) =>
    queueMicrotask(() => {
      throw error;
    })
  );
});
