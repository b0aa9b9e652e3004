/** A thread that is sent a snapshot, with or without the sealing key, and answers with what it can read of a secret. */

import { parentPort, workerData } from "node:worker_threads";
import { useSealingKey } from "../../lib/base/seal.ts";
import { unseal } from "../../lib/base/secret.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";

export interface WorkerData {
  readonly snapshot: Snapshot;
  /** Name of a caller with an AWS key pair. */
  readonly caller: string;
  readonly key: Uint8Array | undefined;
}

const { snapshot, caller, key }: WorkerData = workerData;

function readSecret(): string {
  const aws = snapshot.callers.get(caller)?.aws;
  return aws === undefined ? "no pair" : unseal(aws.secretAccessKey).reveal();
}

try {
  if (key !== undefined) useSealingKey(key);
  parentPort?.postMessage(readSecret());
} catch (error) {
  parentPort?.postMessage(error instanceof Error ? error.message : "no Error");
}
