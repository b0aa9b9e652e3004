/**
 * `make bench`: measures Adit and its references and prints the tables; without `QUICK=1` it also updates the
 * documents, the stored figures and the chart.
 */

import { BUN, repositoryPath } from "../repository.ts";
import { CELLS, type Setting, SETTINGS } from "./cells.ts";
import { describeMachine } from "./machine.ts";
import { isOnPath, run, Service } from "./processes.ts";
import { publish } from "./publish.ts";
import { type Results, tables } from "./report.ts";
import {
  type CellResult,
  measureCell,
  measureFirstEvents,
  measureOpenStreams,
  memoryOf,
  type OpenStreamResult,
} from "./rounds.ts";
import type { SigningResult } from "./signing.ts";
import { measureStarts } from "./startup.ts";
import { startSubjects, type Subject } from "./subjects.ts";

const isQuick = (Deno.env.get("QUICK") ?? "") !== "";

/** How much is measured: more than twenty minutes in all, or three. */
const EFFORT = isQuick
  ? {
    rounds: 1,
    seconds: 1,
    warmUpSeconds: 0,
    firstEvents: 50,
    openStreams: 200,
    closedMs: 1000,
    restMs: 1000,
    starts: 3,
  }
  : {
    rounds: 3,
    seconds: 2,
    // Both runtimes compile code in stages, and take this long for a cell.
    warmUpSeconds: 5,
    firstEvents: 500,
    openStreams: 1000,
    closedMs: 60_000,
    restMs: 600_000,
    starts: 11,
  };
/** The one number of connections that every cell has. */
const QUICK_CONNECTIONS = 32;
/** Subjects of the open streams, each of which takes twelve seconds. */
const QUICK_STREAMS: readonly string[] = ["upstream itself", "bare pipe on Bun", "Adit on Bun"];

for (const program of ["wrk", "node", "npm"]) {
  if (!await isOnPath(program)) throw new Error(`Cannot benchmark: ${program} is not on the PATH`);
}

const upstream = new Service([BUN, repositoryPath("tests/bench/upstream.ts")], { place: "upstream" });
const upstreamUrl = `http://127.0.0.1:${(await upstream.output()).trim()}`;
let results: Results;
try {
  results = await measure();
} finally {
  await upstream.stop();
}
print(`${tables(results)}\n`);
if (!isQuick) await publish(results);

async function measure(): Promise<Results> {
  print("starts\n");
  const starts = await measureStarts(upstreamUrl, EFFORT.starts);
  // The subjects of the open streams are idle while others are measured; afterwards their memory is read again.
  const rested = await startSubjects(upstreamUrl);
  try {
    const openStreams = await measureStreams(rested);
    const restEndsMs = performance.now() + EFFORT.restMs;
    const measured = await measureRounds();
    const restMs = Math.max(0, restEndsMs - performance.now());
    print(`rest of ${Math.round(restMs / 1000)} seconds\n`);
    await wait(restMs);
    const memory: Record<string, number> = {};
    for (const subject of rested) memory[subject.name] = await memoryOf(subject);
    return { ...measured, starts, openStreams, restedBytes: memory };
  } finally {
    for (const { stop } of rested) await stop();
  }
}

async function measureStreams(subjects: readonly Subject[]): Promise<readonly OpenStreamResult[]> {
  const { openStreams: streams } = EFFORT;
  const results: Promise<OpenStreamResult>[] = [];
  for (const subject of subjects) {
    if (isQuick && !QUICK_STREAMS.includes(subject.name)) continue;
    print(`${streams} open streams, ${subject.name}\n`);
    const open = await measureOpenStreams(subject, streams);
    if (open === undefined) continue;
    // Measured while the next subject runs.
    results.push(wait(EFFORT.closedMs).then(async () => ({ ...open, closedBytes: await memoryOf(subject) })));
  }
  return await Promise.all(results);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function measureRounds(): Promise<Omit<Results, "starts" | "openStreams" | "restedBytes">> {
  const cells: CellResult[] = [];
  let firstEvents: Results["firstEvents"] = [];
  for (const setting of SETTINGS) {
    const subjects = await startSubjects(upstreamUrl, setting);
    try {
      cells.push(...await measureCells(subjects, setting));
      if (setting === "one core") {
        print("first events\n");
        const { rounds, firstEvents: streams } = EFFORT;
        firstEvents = await measureFirstEvents(subjects, { rounds, streams });
      }
    } finally {
      for (const { stop } of subjects) await stop();
    }
  }
  print("signatures\n");
  const signatures = {
    Bun: await measureSigning([BUN]),
    Deno: await measureSigning([Deno.execPath(), "run", "-A"]),
  };
  return { machine: await describeMachine(), effort: EFFORT, cells, firstEvents, signatures };
}

async function measureCells(subjects: readonly Subject[], setting: Setting): Promise<readonly CellResult[]> {
  const { rounds, seconds, warmUpSeconds } = EFFORT;
  const cells: CellResult[] = [];
  for (const cell of CELLS.filter((cell) => cell.setting === setting)) {
    for (const connections of cell.concurrency) {
      if (isQuick && connections !== QUICK_CONNECTIONS) continue;
      print(`${cell.name}, ${connections} at once\n`);
      cells.push(...await measureCell(cell, subjects, { connections, rounds, seconds, warmUpSeconds }));
    }
  }
  return cells;
}

async function measureSigning(runtime: readonly string[]): Promise<readonly SigningResult[]> {
  return JSON.parse(
    await run([...runtime, repositoryPath("tests/bench/signing.ts")], { place: "measured" }),
  );
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}
