/** `adit explain`: how a request for a model would be routed, and why. */

import { randomFraction } from "../../base/ids.ts";
import { suggestion } from "../../config/schema/suggest.ts";
import { explainModel } from "./explanation.ts";
import type { CliIo } from "../io.ts";
import { askForLessons } from "./learned.ts";
import { loadOrReport } from "../loaded.ts";
import { simulate } from "./simulation.ts";
import { parseOptions } from "../options.ts";

/**
 * Runs `adit explain`; returns the exit code: 0 if the request would be served, 1 if not, 2 for wrong usage.
 */
export async function explain(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("explain", args, io);
  if (typeof options === "number") return options;
  const loaded = await loadOrReport(options.config, io);
  if (loaded === undefined) return 1;
  const { snapshot, tables, written: { sourceMap } } = loaded;
  const caller = options.caller === undefined ? undefined : snapshot.callers.get(options.caller);
  if (options.caller !== undefined && caller === undefined) {
    const known = [...snapshot.callers.keys()];
    io.err(`Unknown caller ${JSON.stringify(options.caller)}${suggestion(options.caller, known)}\n`);
    return 1;
  }
  const [model = ""] = options.positionals;
  const { served, plan, facts } = explainModel(model, {
    snapshot,
    caller,
    sourceMap,
    table: tables.models,
    nowMs: io.clock.now(),
    learned: await askForLessons(snapshot, io),
  });
  const simulated = options.simulate === undefined || plan === undefined
    ? []
    : simulate(plan, { failures: options.simulate, random: randomFraction });
  if (typeof simulated === "string") {
    io.err(`${simulated}\n`);
    return 2;
  }
  const all = [...facts, ...simulated];
  const width = Math.max(...all.map(({ topic }) => topic.length));
  for (const { topic, text } of all) io.out(`${topic.padEnd(width)}  ${text}\n`);
  return served ? 0 : 1;
}
