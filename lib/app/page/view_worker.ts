/** The thread that reads the running configuration for the operator's page, so that no request has to wait. */

import { parentPort, workerData } from "node:worker_threads";

import type { ConfigurationValueView } from "../../admin/contract/contract.ts";
import { matches } from "../../admin/views/pages.ts";
import type { ValuesPage, ValuesQuery } from "../../admin/views/view_sources.ts";
import { messageOf } from "../../base/errors.ts";
import { formatPath, type Path } from "../../base/problems.ts";
import { useSealingKey } from "../../base/seal.ts";
import { type Effective, effectiveValues } from "../../config/effective.ts";
import { loadConfig, type LoadedConfig, readWritten } from "../../config/load.ts";
import { Config } from "../../config/schema/config_file.ts";
import { traitLines } from "../../config/trait_origins.ts";
import { readersOf } from "./file_copies.ts";
import type { ViewAnswer, ViewerData, ViewQuestion } from "./view_messages.ts";

const { configPath, env, sealingKey, copies }: ViewerData = workerData;
useSealingKey(sealingKey);

let loading: Promise<LoadedConfig> | undefined;
let reading: Promise<readonly PlacedValue[]> | undefined;
let shown: readonly ConfigurationValueView[] | undefined;

const UNREADABLE = "the configuration cannot be read again";

/** From the copies, which contain everything that made the configuration valid. */
async function load(): Promise<LoadedConfig> {
  const loaded = await loadConfig(configPath, { ...readersOf(copies), env });
  if (loaded.ok) return loaded;
  throw new Error(loaded.problems[0]?.message ?? UNREADABLE);
}

/** A value that has not been converted to text yet. */
interface PlacedValue {
  readonly path: Path;
  readonly value: Effective & { readonly kind: "value" };
}

async function readValues(): Promise<readonly PlacedValue[]> {
  const written = await readWritten(configPath, { ...readersOf(copies), env });
  if (written === undefined) throw new Error(UNREADABLE);
  const { value, sourceMap } = written;
  const placed: PlacedValue[] = [];
  addValues(effectiveValues(value, { schema: Config, sourceMap }), [], placed);
  return placed;
}

async function valuesPage({ search, offset, limit }: ValuesQuery): Promise<ValuesPage> {
  const values = await (reading ??= readValues());
  const end = offset + limit;
  // There may be a hundred thousand values, of which a page shows few; only a search needs the text of all.
  if (search === "") return { values: values.slice(offset, end).map(shownValue), total: values.length };
  const found = (shown ??= values.map(shownValue)).filter((each) => matches(search, Object.values(each)));
  return { values: found.slice(offset, end), total: found.length };
}

function shownValue({ path, value: { value, origin } }: PlacedValue): ConfigurationValueView {
  return { path: formatPath(path), value: JSON.stringify(value) ?? "null", origin };
}

function addValues(effective: Effective, path: Path, placed: PlacedValue[]): void {
  switch (effective.kind) {
    case "mapping":
      for (const [key, value] of effective.entries) addValues(value, [...path, key], placed);
      return;
    case "list":
      for (const [index, item] of effective.items.entries()) addValues(item, [...path, index], placed);
      return;
    case "value":
      placed.push({ path, value: effective });
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
      // Lessons learned since are shown separately.
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
