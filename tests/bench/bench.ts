/**
 * `make bench`: measures Adit beside its references and prints the tables; without `QUICK=1` the README's section, the
 * figures as JSON and the chart are written anew.
 */

import { BUN, repositoryPath } from "../repository.ts";
import { CELLS } from "./cells.ts";
import { chart } from "./chart.ts";
import { describeMachine } from "./machine.ts";
import { isOnPath, Service } from "./processes.ts";
import { type Results, tables } from "./report.ts";
import {
  type CellResult,
  measureCell,
  measureFirstEvents,
  measureOpenStreams,
  type OpenStreamResult,
} from "./rounds.ts";
import { measureStarts } from "./startup.ts";
import { startSubjects } from "./subjects.ts";

const isQuick = (Deno.env.get("QUICK") ?? "") !== "";

/** Rounds of seconds, and what else decides how long it takes: eight minutes, or one. */
const EFFORT = isQuick
  ? { rounds: 1, seconds: 1, warmUpSeconds: 0, firstEvents: 50, openStreams: 200, afterMs: 1000, starts: 3 }
  : {
    rounds: 3,
    seconds: 2,
    warmUpSeconds: 1,
    firstEvents: 500,
    openStreams: 1000,
    afterMs: 5000,
    starts: 11,
  };
/** Of the numbers of connections of a cell only the one that all cells have. */
const QUICK_CONNECTIONS = 32;
/** Open streams take twelve seconds a subject. */
const QUICK_STREAMS: readonly string[] = ["upstream itself", "bare pipe on Bun", "Adit on Bun"];

for (const program of ["wrk", "node", "npm"]) {
  if (!await isOnPath(program)) throw new Error(`Cannot benchmark: ${program} is not on the PATH`);
}

const upstream = new Service([BUN, repositoryPath("tests/bench/upstream.ts")], { place: "upstream" });
const upstreamUrl = `http://127.0.0.1:${(await upstream.output()).trim()}`;
const subjects = await startSubjects(upstreamUrl);
let results: Results;
try {
  results = await measure();
} finally {
  for (const { stop } of subjects) await stop();
  await upstream.stop();
}
const text = tables(results);
print(`${text}\n`);
if (!isQuick) await publish(results, text);

async function measure(): Promise<Results> {
  const { rounds, seconds, warmUpSeconds, firstEvents, openStreams, afterMs, starts } = EFFORT;
  const cells: CellResult[] = [];
  for (const cell of CELLS) {
    for (const connections of cell.concurrency) {
      if (isQuick && connections !== QUICK_CONNECTIONS) continue;
      print(`${cell.name}, ${connections} at once\n`);
      cells.push(...await measureCell(cell, subjects, { connections, rounds, seconds, warmUpSeconds }));
    }
  }
  print("first events\n");
  const first = await measureFirstEvents(subjects, { rounds, streams: firstEvents });
  const open: OpenStreamResult[] = [];
  for (const subject of subjects) {
    if (isQuick && !QUICK_STREAMS.includes(subject.name)) continue;
    print(`${openStreams} open streams, ${subject.name}\n`);
    const result = await measureOpenStreams(subject, { streams: openStreams, afterMs });
    if (result !== undefined) open.push(result);
  }
  print("starts\n");
  return {
    machine: await describeMachine(),
    effort: EFFORT,
    cells,
    firstEvents: first,
    openStreams: open,
    starts: await measureStarts(upstreamUrl, starts),
  };
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const BEGIN = "<!-- written by make bench -->";
const END = "<!-- end of what make bench writes -->";

async function publish(results: Results, text: string): Promise<void> {
  const folder = repositoryPath("tests/bench/results");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/benchmark.json`, `${JSON.stringify(results, null, 2)}\n`);
  await Deno.writeTextFile(`${folder}/benchmark.svg`, chart(results.cells));
  const path = repositoryPath("README.md");
  const readme = await Deno.readTextFile(path);
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`Cannot write into README.md: it has no "${BEGIN}"`);
  }
  await Deno.writeTextFile(path, `${before}${BEGIN}\n\n${text}\n\n${END}${after}`);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path, folder] }).output();
}
