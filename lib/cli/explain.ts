/** `adit explain`: how a request for a model would be routed, and why. */

import { suggestion } from "../config/schema/suggest.ts";
import { explainModel } from "./explanation.ts";
import type { CliIo } from "./io.ts";
import { loadOrReport } from "./loaded.ts";
import { parseOptions } from "./options.ts";

const HELP = `Explain how a request for a model would be routed, and why; nothing is sent.

Usage: adit explain MODEL [--caller NAME] [--config FILE]

  MODEL           the name of a model or, with --caller, a model id or ARN
  --caller NAME   a caller in the configuration; default: any caller that may use the model
  --config FILE   the configuration; default: config/adit.yaml, then /etc/adit/adit.yaml

Secrets are not printed. The exit code is 1 if the request would be refused.
`;

/**
 * Runs `adit explain`; returns the exit code: 0 if the request would be served, 1 if not, 2 for wrong usage.
 */
export async function explain(args: readonly string[], io: CliIo): Promise<number> {
  const spec = { help: HELP, strings: ["caller", "config"], positionals: ["MODEL"] } as const;
  const options = parseOptions(args, spec, io);
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
  const { served, facts } = explainModel(model, {
    snapshot,
    caller,
    sourceMap,
    table: tables.models,
    nowMs: io.clock.now(),
  });
  const width = Math.max(...facts.map(({ topic }) => topic.length));
  for (const { topic, text } of facts) io.out(`${topic.padEnd(width)}  ${text}\n`);
  return served ? 0 : 1;
}
