/** The built-in tables equal those of `config/data`. They are JSON, because parsing YAML at start takes too long. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { betaTable } from "../../lib/config/schema/beta_keys.ts";
import { pricesFile } from "../../lib/config/schema/price_keys.ts";
import { modelRows } from "../../lib/config/schema/trait_keys.ts";
import builtIn from "../../lib/facts/built_in.json" with { type: "json" };
import prices from "../../lib/facts/prices.json" with { type: "json" };
import { GoldenFiles } from "../suites/golden_files.ts";
import { repositoryPath } from "../repository.ts";

function readRows(file: string): readonly unknown[] {
  const rows = readTable(file);
  if (!Array.isArray(rows)) throw new Error(`config/data/${file} holds no list of rows`);
  return rows;
}

function readTable(file: string): unknown {
  return parse(Deno.readTextFileSync(repositoryPath(`config/data/${file}`)));
}

Deno.test("lib/facts/prices.json equals config/data/prices.yaml; make golden writes it", () => {
  const table = readTable("prices.yaml");
  if (typeof table !== "object" || table === null) {
    throw new Error("config/data/prices.yaml holds no mapping");
  }
  new GoldenFiles(new URL("../../lib/facts/", import.meta.url)).expectJson("prices.json", table);
});

Deno.test("lib/facts/built_in.json equals the tables in config/data; make golden writes it", () => {
  const tables = {
    models: [...readRows("models.yaml"), ...readRows("models-claude.yaml")],
    betaFlags: readTable("beta-flags.yaml"),
  };
  const files = new GoldenFiles(new URL("../../lib/facts/", import.meta.url));
  files.expectJson("built_in.json", tables);
});

Deno.test("the tables that the program carries fit their schemas, which no start compares", () => {
  assert.deepEqual(modelRows.parse(builtIn.models), builtIn.models);
  assert.deepEqual(betaTable.parse(builtIn.betaFlags), builtIn.betaFlags);
  assert.deepEqual(pricesFile.parse(prices.rows), prices.rows);
});
