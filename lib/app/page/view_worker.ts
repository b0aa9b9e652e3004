/** The thread that reads the running configuration for the operator's page, so that requests continue meanwhile. */

import { parentPort, workerData } from "node:worker_threads";

import type { ConfigurationValueView } from "../../admin/contract/contract.ts";
import { matches } from "../../admin/views/pages.ts";
import type { ValuesPage, ValuesQuery } from "../../admin/views/view_sources.ts";
import { messageOf } from "../../base/errors.ts";
import { formatPath, type Path } from "../../base/problems.ts";
import { useSealingKey } from "../../base/seal.ts";
import { type Effective, effectiveValues } from "../../config/effective.ts";
import { loadConfig, type LoadedConfig } from "../../config/load.ts";
import { Config } from "../../config/schema/config_file.ts";
import { traitLines } from "../../config/trait_origins.ts";
import { readersOf } from "./file_copies.ts";
import type { ViewAnswer, ViewerData, ViewQuestion } from "./view_messages.ts";

const { configPath, env, sealingKey, copies }: ViewerData = workerData;
useSealingKey(sealingKey);

let loading: Promise<LoadedConfig> | undefined;
let values: readonly ConfigurationValueView[] | undefined;

/** From the copies; what a configuration needed to be valid, it had. */
async function load(): Promise<LoadedConfig> {
  const loaded = await loadConfig(configPath, { ...readersOf(copies), env });
  if (loaded.ok) return loaded;
  throw new Error(loaded.problems[0]?.message ?? "the configuration cannot be read again");
}

async function valuesPage({ search, offset, limit }: ValuesQuery): Promise<ValuesPage> {
  const { value, sourceMap } = (await (loading ??= load())).written;
  values ??= [...flattened(effectiveValues(value, { schema: Config, sourceMap }), [])];
  const found = search === "" ? values : values.filter((each) => matches(search, Object.values(each)));
  return { values: found.slice(offset, offset + limit), total: found.length };
}

function* flattened(effective: Effective, path: Path): Generator<ConfigurationValueView> {
  switch (effective.kind) {
    case "mapping":
      for (const [key, value] of effective.entries) yield* flattened(value, [...path, key]);
      return;
    case "list":
      for (const [index, item] of effective.items.entries()) yield* flattened(item, [...path, index]);
      return;
    case "value":
      yield {
        path: formatPath(path),
        value: JSON.stringify(effective.value) ?? "null",
        origin: effective.origin,
      };
  }
}

async function answer(question: ViewQuestion): Promise<ViewAnswer> {
  const { id } = question;
  switch (question.kind) {
    case "values":
      return { id, kind: "values", page: await valuesPage(question.query) };
    case "traits": {
      const { snapshot, written: { sourceMap }, tables } = await (loading ??= load());
      const targets = snapshot.models.get(question.model)?.targets ?? [];
      // What was learned since is shown apart from it.
      const traits = targets.map((target) =>
        traitLines(target, { table: tables.models, sourceMap, lessons: [] })
      );
      return { id, kind: "traits", traits };
    }
  }
}

parentPort?.on("message", (question: ViewQuestion) => {
  void answer(question)
    .catch((error): ViewAnswer => ({ id: question.id, kind: "failed", reason: messageOf(error) }))
    .then((message) => parentPort?.postMessage(message));
});
