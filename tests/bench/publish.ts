/** Publishes measured figures: the summary in README.md, the tables in docs/benchmark.md, and the chart. */

import { repositoryPath } from "../repository.ts";
import { chart } from "./chart.ts";
import { type Results, summary, tables } from "./report.ts";

/** Marks around the generated part of a document. */
const BEGIN = "<!-- written by make bench -->";
const END = "<!-- end of what make bench writes -->";

/** The documents with a generated part, each with the function that generates it. */
export const DOCUMENTS: Readonly<Record<string, (results: Results) => string>> = {
  "README.md": summary,
  "docs/benchmark.md": tables,
};

const FOLDER = "tests/bench/results";

/** The figures that the documents show. */
export async function readResults(): Promise<Results> {
  return JSON.parse(await Deno.readTextFile(repositoryPath(`${FOLDER}/benchmark.json`)));
}

/** Stores the figures and updates the chart and the documents. */
export async function publish(results: Results): Promise<void> {
  const folder = repositoryPath(FOLDER);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/benchmark.json`, `${JSON.stringify(results, null, 2)}\n`);
  await Deno.writeTextFile(`${folder}/benchmark.svg`, chart(results.cells));
  const paths = Object.keys(DOCUMENTS).map(repositoryPath);
  for (const [document, generate] of Object.entries(DOCUMENTS)) {
    const path = repositoryPath(document);
    const [before, , after] = splitDocument(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, `${before}${BEGIN}\n\n${generate(results)}\n\n${END}${after}`);
  }
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...paths, folder] }).output();
}

/** The text before, between and after the marks. Throws if a mark is missing. */
export function splitDocument(text: string): readonly [before: string, generated: string, after: string] {
  const [before, rest] = text.split(BEGIN);
  const [generated, after] = rest?.split(END) ?? [];
  if (before === undefined || generated === undefined || after === undefined) {
    throw new Error(`Cannot find the generated part: the document has no "${BEGIN}" and "${END}"`);
  }
  return [before, generated, after];
}

if (import.meta.main) await publish(await readResults());
