/** docs/configuration.md, docs/errors.md and config/adit.schema.json agree with the schema and the table of errors. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

import { ERROR_KINDS, errorRow, ERRORS } from "../../../lib/base/errors.ts";
import { configJsonSchema } from "../../../lib/config/schema/json_schema.ts";

const CONFIG = join(import.meta.dirname ?? "", "../../../config");
const REFERENCE = readFileSync(join(CONFIG, "../docs/configuration.md"), "utf8");
const ERROR_PAGE = readFileSync(join(CONFIG, "../docs/errors.md"), "utf8");
const JSON_SCHEMA = join(CONFIG, "adit.schema.json");

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
}

interface Key {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** Placeholders in the reference for names that the operator chooses. */
const PLACEHOLDERS: Readonly<Record<string, string>> = { routes: "PATH" };

function keysOf(schema: JsonSchema, path = ""): readonly Key[] {
  const below = (name: string) => path === "" ? name : `${path}.${name}`;
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    { path: below(name), schema: property, required: schema.required?.includes(name) ?? false },
    ...keysOf(property, below(name)),
  ]);
  const { additionalProperties: entry } = schema;
  const isSection = entry && (entry.properties !== undefined || entry.oneOf !== undefined);
  const entries = isSection
    ? [
      { path: below(PLACEHOLDERS[path] ?? "NAME"), schema: entry, required: false },
      ...keysOf(entry, below(PLACEHOLDERS[path] ?? "NAME")),
    ]
    : [];
  const options = [...schema.anyOf ?? [], ...schema.oneOf ?? []].flatMap((option) => keysOf(option, path));
  return [...properties, ...entries, ...options];
}

const KEYS = keysOf(JSON.parse(configJsonSchema()));

/** Entries of the reference: ``- `limits.body` (size, 1KiB to 256MiB; default `25MiB`): Largest …``. */
const ENTRIES = [...REFERENCE.matchAll(/^- `([\w.]+)` \(([^)]+)\):\s+\S/gm)]
  .map(([, path = "", text = ""]) => ({ path, mark: markOf(text.replace(/\s+/g, " ")) }));

/** The part of an entry that says whether the key is required; undefined for a mapping without it. */
function markOf(text: string): string | undefined {
  return /; (required|optional|default `.+`)$/.exec(text)?.[1];
}

Deno.test("the reference has every key of the schema once, and no other", () => {
  const documented = ENTRIES.map(({ path }) => path);
  deepEqual(documented.toSorted(), [...new Set(KEYS.map(({ path }) => path))].toSorted());
});

Deno.test("the reference gives the schema's defaults, and says what is required and optional", () => {
  for (const { path, mark } of ENTRIES) {
    // The region is required for one kind of provider and has a default for the other.
    if (path === "providers.NAME.region") continue;
    const key = KEYS.find((candidate) => candidate.path === path);
    ok(key !== undefined, path);
    const value = key.schema.default;
    if (
      value === undefined ||
      (typeof value === "object" && Object.keys(value ?? {}).length === 0 && !Array.isArray(value))
    ) {
      const isSection = value !== undefined || /\.(NAME|PATH)$/.test(path);
      equal(mark, key.required ? "required" : isSection ? undefined : "optional", path);
    } else equal(mark, `default \`${typeof value === "string" ? value : JSON.stringify(value)}\``, path);
  }
});

Deno.test("every key has a description for editors", () => {
  for (const { path, schema } of KEYS) {
    if (/\.(NAME|PATH)$/.test(path) || schema.description !== undefined) continue;
    // Described once, for the first kind of provider.
    equal(path, "providers.NAME.type");
  }
});

Deno.test("docs/errors.md has every error of the table once, with its status", () => {
  const documented = [...ERROR_PAGE.matchAll(/^\| (\d+) +\| (`\w+`)/gm)].map(([, status, code]) =>
    `${status} ${code}`
  );
  const expected = Object.keys(ERRORS).map((kind) => errorRow(kind as keyof typeof ERRORS))
    .map(({ status, openai: [, code] }) => `${status} \`${code}\``);
  deepEqual(documented.toSorted(), [...new Set(expected)].toSorted());
});

Deno.test("docs/errors.md has every code in the words of Anthropic's and Bedrock's APIs", () => {
  const [, section = ""] = ERROR_PAGE.split("## In the words of each API");
  const documented = [...section.matchAll(/^\| `(\w+)` +\| `(\w+)` +\| `(\w+)` +\|$/gm)].map(([, ...cells]) =>
    cells.join()
  );
  const expected = ERROR_KINDS.map(errorRow)
    .map(({ openai: [, code], anthropic, bedrock }) => [code, anthropic, bedrock].join());
  deepEqual(documented.toSorted(), [...new Set(expected)].toSorted());
});

Deno.test("adit.schema.json is what the schema generates; UPDATE_GOLDEN=1 writes it", () => {
  if (Deno.env.get("UPDATE_GOLDEN") === "1") writeFileSync(JSON_SCHEMA, configJsonSchema());
  equal(readFileSync(JSON_SCHEMA, "utf8"), configJsonSchema());
});

Deno.test("adit.schema.json accepts the configurations that come with Adit, and refuses what is wrong", () => {
  const schema = z.fromJSONSchema(JSON.parse(configJsonSchema()));
  for (const name of ["adit.yaml", "adit.production.yaml"]) {
    const result = schema.safeParse(parse(readFileSync(join(CONFIG, name), "utf8")));
    ok(result.success, `${name}: ${result.error}`);
  }
  const providers = { local: { type: "emulator" } };
  const cases: readonly (readonly [unknown, boolean])[] = [
    [{ providers, log: { requests: "${env:REQUESTS}" }, limits: { concurrent: "${env:N:-5}" } }, true],
    [{ providers, timeouts: { idle: "${env:IDLE}" }, listen: ["127.0.0.1:1", "${env:ADDRESS}"] }, true],
    [{ providers, unknown: 1 }, false],
    [{ providers, log: { requests: "yes" } }, false],
    [{ providers, timeouts: { idle: "5 s" } }, false],
    [{ providers: { local: { type: "emulater" } } }, false],
    [{ providers: { east: { type: "bedrock", region: "us-east-1" } } }, true],
    [{ providers: { east: { type: "bedrock" } } }, false],
  ];
  for (const [value, expected] of cases) {
    equal(schema.safeParse(value).success, expected, JSON.stringify(value));
  }
});
