/** `adit config`: the effective configuration, with the origin of each value. */

import { Document, type Node, Pair, YAMLMap, YAMLSeq } from "yaml";

import { type Effective, effectiveValues } from "../config/effective.ts";
import { Config } from "../config/schema/config_file.ts";
import type { CliIo } from "./io.ts";
import { loadOrReport } from "./loaded.ts";
import { parseOptions } from "./options.ts";

/** Runs `adit config`; returns the exit code: 0, 1 if the configuration has problems, 2 for wrong usage. */
export async function config(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("config", args, io);
  if (typeof options === "number") return options;
  const loaded = await loadOrReport(options.config, io);
  if (loaded === undefined) return 1;
  const { value, sourceMap } = loaded.written;
  const document = new Document();
  document.contents = toYaml(document, effectiveValues(value, { schema: Config, sourceMap }));
  io.out(document.toString({ lineWidth: 0 }));
  return 0;
}

function toYaml(document: Document, effective: Effective): Node {
  switch (effective.kind) {
    case "mapping": {
      const map = new YAMLMap();
      for (const [key, value] of effective.entries) map.add(new Pair(key, toYaml(document, value)));
      return map;
    }
    case "list": {
      const list = new YAMLSeq();
      for (const item of effective.items) list.add(toYaml(document, item));
      return list;
    }
    case "value": {
      const node = document.createNode(effective.value, { flow: true }) as Node;
      node.comment = ` ${effective.origin}`;
      return node;
    }
  }
}
