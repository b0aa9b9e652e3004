/** The JSON Schema for editors to check and complete the configuration. */

import { z } from "zod";

import { Config } from "./config_file.ts";

type Json = z.core.util.JSONType;

const REFERENCE = { type: "string", pattern: "\\$\\{" } as const;

/** The schema with a reference such as `${env:NAME}` allowed instead of any scalar. */
function withReferences(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withReferences);
  if (typeof schema !== "object" || schema === null) return schema;
  if (typeof schema["pattern"] === "string") {
    return { ...schema, pattern: `${schema["pattern"]}|${REFERENCE.pattern}` };
  }
  const { description, default: fallback, ...rest } = schema;
  if ("enum" in schema || ["number", "integer", "boolean"].includes(String(schema["type"]))) {
    return {
      ...(description !== undefined && { description }),
      ...(fallback !== undefined && { default: fallback }),
      anyOf: [rest, REFERENCE],
    };
  }
  return Object.fromEntries(
    // A name cannot be a reference.
    Object.entries(schema).map((
      [key, value],
    ) => [key, key === "propertyNames" ? value : withReferences(value)]),
  );
}

/** The content of `config/adit.schema.json`. */
export function configJsonSchema(): string {
  // Through JSON, because the type of zod's result is wider.
  const schema: Json = JSON.parse(JSON.stringify(z.toJSONSchema(Config, { io: "input" })));
  return JSON.stringify({ title: "Adit configuration", ...Object(withReferences(schema)) }, null, 2) + "\n";
}
