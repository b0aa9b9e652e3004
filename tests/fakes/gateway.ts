/** The pipeline without sockets and without real time, with a scripted upstream. */

import { deepEqual } from "node:assert/strict";
import { createLogger } from "../../lib/base/log/log.ts";
import { Secret } from "../../lib/base/secret.ts";
import type { RecordSink } from "../../lib/snapshot/record.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";
import { buildGateway } from "../../lib/app/build_gateway.ts";
import type { ImageNetwork } from "../../lib/providers/transport/images.ts";
import type { EmulatorAccess } from "../../lib/providers/upstream.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { scriptedFetch } from "./fetch.ts";
import { fakeTime } from "./time.ts";

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
  readonly truncatesStreams?: boolean;
}

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface GatewayOptions {
  /** In place of the public internet. */
  readonly imageNetwork?: ImageNetwork;
  /** In place of the scripted upstream, for providers of `type: emulator`. */
  readonly emulator?: EmulatorAccess;
  /** Receive the record of every request, after the log. */
  readonly sinks?: readonly RecordSink[];
}

export function startGateway(
  snapshot: Snapshot,
  { imageNetwork, emulator, sinks = [] }: GatewayOptions = {},
) {
  const time = fakeTime();
  const bedrock = scriptedFetch();
  const written: string[] = [];
  const logger = createLogger((text) => {
    written.push(text);
    return Promise.resolve();
  }, { clock: time.clock });
  const { pipeline, counts, lessons, health, limits, quotas, budgets } = buildGateway({
    store: new MemoryStore(),
    ...time,
    logger,
    sinks,
    snapshot,
    fetch: bedrock.fetch,
    emulator: emulator ??
      { fetch: bedrock.fetch, accessKeyId: "EMULATOR", secretAccessKey: new Secret("emulator") },
    probe: undefined,
    // Random choices are the first one, without a pause.
    random: () => 0,
    userAgent: "adit/test",
    ...(imageNetwork === undefined ? {} : { imageNetwork }),
  });

  return {
    ...time,
    bedrock,
    pipeline,
    counts,
    lessons,
    health,
    limits,
    budgets,
    /** Sends a request; `leave` aborts when the client closes its connection. */
    send(
      target: string,
      { method = "POST", headers = {}, body, truncatesStreams = false }: SendOptions = {},
    ) {
      const client = new AbortController();
      const request = new Request(`http://adit.test${target}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body, duplex: "half" }),
      });
      const connection = { target, clientGone: client.signal, remoteAddress: "192.0.2.7", truncatesStreams };
      return { response: pipeline.handle(request, connection), request, leave: () => client.abort() };
    },
    /** The whole text of the log so far. */
    async logText(): Promise<string> {
      await logger.flush();
      return written.join("");
    },
    async logLines(): Promise<LogLine[]> {
      const text = await this.logText();
      return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    },
    /** Checks that no request has left anything: no deadline, none in flight, no reservation, one log line for each. */
    async expectSettled(requests: number): Promise<void> {
      const lines = await this.logLines();
      deepEqual(
        {
          deadlines: time.timers.size,
          inFlight: pipeline.inFlight,
          held: limits.status().held + quotas.held,
          lines: lines.length,
        },
        { deadlines: 0, inFlight: 0, held: 0, lines: requests },
      );
    },
  };
}
