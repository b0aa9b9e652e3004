/** Rounds of a cell: every subject in turn, again and again, so that a disturbance affects all of them. */

import { BUN, repositoryPath } from "../repository.ts";
import { bodyOf, type Cell } from "./cells.ts";
import { cpuMicroseconds, residentBytes, Service } from "./processes.ts";
import type { StreamFindings, StreamOrders } from "./streams.ts";
import type { Subject } from "./subjects.ts";
import { type Load, load } from "./wrk.ts";

/** Figures of one subject in one round, or the medians of its rounds. */
export interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time of the measured process for a request; 0 for the upstream itself. */
  readonly cpuUs: number;
}

export interface CellResult {
  readonly cell: string;
  readonly connections: number;
  readonly subject: string;
  readonly rounds: readonly Figures[];
  /** Rounds that were discarded because a request in them failed. */
  readonly discarded: number;
}

export interface RoundOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Before the first round, in which code is compiled. */
  readonly warmUpSeconds: number;
}

/** Maximum length of a round of a slow subject. */
const MAX_SECONDS = 30;

/** The length of a round of a subject: the usual one, or enough for two requests on each connection. */
function roundSeconds(seconds: number, connections: number, { requests, microseconds }: Load): number {
  const twiceSeconds = Math.ceil(2 * connections * microseconds / 1e6 / requests);
  return Math.max(seconds, Math.min(MAX_SECONDS, twiceSeconds));
}

/** Measures a cell at one number of connections. */
export async function measureCell(
  cell: Cell,
  subjects: readonly Subject[],
  { connections, rounds, seconds, warmUpSeconds }: RoundOptions & { readonly connections: number },
): Promise<readonly CellResult[]> {
  await using bodies = new AsyncDisposableStack();
  const bodyOfSubject = new Map<Subject, BodyFile>();
  for (const subject of subjects) {
    const text = bodyOf(cell);
    bodyOfSubject.set(subject, bodies.use(await bodyFile(subject.body?.(text, cell.pace) ?? text)));
  }
  const results = new Map<string, { rounds: Figures[]; discarded: number; seconds: number }>();
  for (let round = 0; round < rounds; round++) {
    for (const [subject, body] of bodyOfSubject) {
      const path = subject.path(cell.ask, cell.pace);
      if (path === undefined) continue;
      const result = results.get(subject.name) ?? { rounds: [], discarded: 0, seconds };
      results.set(subject.name, result);
      const options = { url: subject.url + path, headers: subject.headers, bodyFile: body.path, connections };
      const answerBytes = await expectAnswer(options.url, subject.headers, body.text);
      if (round === 0 && warmUpSeconds > 0) {
        const warmUp = await load({ ...options, seconds: warmUpSeconds });
        result.seconds = roundSeconds(seconds, connections, warmUp);
      }
      const cpuBefore = await cpuOf(subject);
      const { requests, microseconds, bytes, errors, p50Us, p99Us } = await load({
        ...options,
        seconds: result.seconds,
      });
      const cpuUs = (await cpuOf(subject) - cpuBefore) / requests;
      // The load generator does not report a stream that breaks off after its 200, but its bytes are missing.
      if (requests === 0 || errors > 0 || bytes < requests * answerBytes) result.discarded++;
      else result.rounds.push({ requestsPerSecond: requests / microseconds * 1e6, p50Us, p99Us, cpuUs });
    }
  }
  return [...results].map(([subject, { rounds, discarded }]) => ({
    cell: cell.name,
    connections,
    subject,
    rounds,
    discarded,
  }));
}

/** Bytes of the body of a response. Throws unless its status is 200. */
async function expectAnswer(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number> {
  const response = await fetch(url, { method: "POST", headers, body });
  const answer = await response.arrayBuffer();
  if (response.status !== 200) {
    const text = new TextDecoder().decode(answer).slice(0, 400);
    throw new Error(`Cannot benchmark ${url}: it answers ${response.status} ${text}`);
  }
  return answer.byteLength;
}

async function cpuOf({ service }: Subject): Promise<number> {
  return service === undefined ? 0 : await cpuMicroseconds(service.pid);
}

export interface StreamResult {
  readonly subject: string;
  readonly firstEventP50Us: number;
  readonly firstEventP99Us: number;
}

const FIRST_EVENT_CELL = { ask: "chat stream", pace: "even", bytes: 1000 } as const;

/**
 * Time from the request to the first event of its response, one stream after the other. A round with a failed stream is
 * discarded.
 */
export async function measureFirstEvents(
  subjects: readonly Subject[],
  { rounds, streams }: { readonly rounds: number; readonly streams: number },
): Promise<readonly StreamResult[]> {
  const { ask, pace } = FIRST_EVENT_CELL;
  const text = bodyOf(FIRST_EVENT_CELL);
  const results = new Map<string, StreamFindings[]>();
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      const { name, url, headers } = subject;
      const address = subject.path(ask, pace);
      if (address === undefined) continue;
      await using body = await bodyFile(subject.body?.(text, pace) ?? text);
      const client = startClient({
        url: url + address,
        headers,
        bodyFile: body.path,
        mode: "first",
        streams,
      });
      const found = await findings(client);
      const kept = results.get(name) ?? [];
      results.set(name, found.failed === 0 ? [...kept, found] : kept);
    }
  }
  return [...results].map(([subject, rounds]) => ({
    subject,
    firstEventP50Us: median(rounds.map(({ p50Us }) => p50Us)),
    firstEventP99Us: median(rounds.map(({ p99Us }) => p99Us)),
  }));
}

/** The figures of open streams until they end. */
export interface OpenStreams extends StreamFindings {
  readonly subject: string;
  /** Bytes in memory before the streams, and with all of them open. */
  readonly idleBytes: number;
  readonly openBytes: number;
  /** Processor time of the measured process for an event. */
  readonly cpuUsPerEvent: number;
}

export interface OpenStreamResult extends OpenStreams {
  /** Bytes in memory a minute after the last stream has ended. */
  readonly closedBytes: number;
}

const OPEN_STREAM_CELL = { ask: "chat stream", pace: "paced", bytes: 1000 } as const;

/** Many open streams of 20 events a second each: the delay of the events, and the resources that the streams take. */
export async function measureOpenStreams(
  subject: Subject,
  streams: number,
): Promise<OpenStreams | undefined> {
  const { name, url, headers } = subject;
  const { ask, pace } = OPEN_STREAM_CELL;
  const address = subject.path(ask, pace);
  if (address === undefined) return undefined;
  const text = bodyOf(OPEN_STREAM_CELL);
  await using body = await bodyFile(subject.body?.(text, pace) ?? text);
  const idleBytes = await memoryOf(subject);
  const cpuBefore = await cpuOf(subject);
  const client = startClient({ url: url + address, headers, bodyFile: body.path, mode: "open", streams });
  const early = await client.output();
  const openBytes = await memoryOf(subject);
  const found = await findings(client, early);
  const cpuUsPerEvent = (await cpuOf(subject) - cpuBefore) / found.events;
  return { subject: name, ...found, idleBytes, openBytes, cpuUsPerEvent };
}

/** Bytes of a subject in memory; 0 for the upstream itself. */
export async function memoryOf({ service }: Subject): Promise<number> {
  return service === undefined ? 0 : await residentBytes(service.pid);
}

function startClient(orders: StreamOrders): Service {
  return new Service([BUN, repositoryPath("tests/bench/streams.ts"), JSON.stringify(orders)], {
    place: "load",
  });
}

/** The last line that the client prints. */
async function findings(client: Service, early = ""): Promise<StreamFindings> {
  let text = early;
  while (!/\{.*\n/.test(text)) text += await client.output();
  await client.stop();
  return JSON.parse(text.slice(text.lastIndexOf("{")));
}

interface BodyFile extends AsyncDisposable {
  readonly path: string;
  readonly text: string;
}

async function bodyFile(text: string): Promise<BodyFile> {
  const path = await Deno.makeTempFile({ prefix: "adit-bench-", suffix: ".json" });
  await Deno.writeTextFile(path, text);
  return { path, text, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

/** The median of the values; NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
