/** JSON Schemas that Claude's provider refuses, in tools and for the response. */

import { isJsonObject, type JsonValue } from "../../base/json.ts";
import type { Model } from "../model/catalog.ts";
import type { Prompt, Tool } from "../model/prompt.ts";
import { unsupportedIn } from "../model/schema_subset.ts";
import { ModelRefusal } from "../server/exception.ts";

/** Property names in a tool's schema. */
const MEMBER_NAME = "^[a-zA-Z0-9_.-]{1,64}$";

/** Throws `ModelRefusal` with the provider's message. */
export function checkClaudeSchemas({ tools, outputSchema }: Prompt, model: Model): void {
  tools.filter((tool) => tool.kind === "tool").forEach((tool, at) =>
    checkTool(tool, `tools.${at}.custom`, model)
  );
  if (outputSchema === undefined) return;
  if (!model.jsonSchema) throw new ModelRefusal("output_config.format: Extra inputs are not permitted");
  refuseUnsupported(outputSchema, "output_config.format.schema");
}

function checkTool({ schema, strict }: Tool, path: string, model: Model): void {
  if (strict !== undefined && !model.strictTools) {
    throw new ModelRefusal(`${path}.strict: Extra inputs are not permitted`);
  }
  checkInputSchema(schema, `${path}.input_schema`);
  if (strict) refuseUnsupported(schema, path);
}

function checkInputSchema(schema: JsonValue, path: string): void {
  if (!isJsonObject(schema)) throw new ModelRefusal(`${path}: Input should be a valid dictionary`);
  if (schema["type"] === undefined) throw new ModelRefusal(`${path}.type: Field required`);
  if (schema["type"] !== "object") throw new ModelRefusal(`${path}.type: Input should be 'object'`);
  if (["oneOf", "allOf", "anyOf"].some((name) => schema[name] !== undefined)) {
    throw new ModelRefusal(`${path}: input_schema does not support oneOf, allOf, or anyOf at the top level`);
  }
  const { properties, required } = schema;
  if (properties !== undefined && !isJsonObject(properties)) {
    throw new ModelRefusal(`${path}.properties: Input should be a valid dictionary`);
  }
  if (required !== undefined && !Array.isArray(required)) {
    throw new ModelRefusal(`${path}.required: Input should be a valid list`);
  }
  if (Object.keys(properties ?? {}).some((name) => !new RegExp(MEMBER_NAME).test(name))) {
    throw new ModelRefusal(`${path}.properties: Property keys should match pattern '${MEMBER_NAME}'`);
  }
}

function refuseUnsupported(schema: JsonValue, path: string): void {
  const problem = unsupportedIn(schema);
  if (problem !== undefined) throw new ModelRefusal(`${path}: ${problem}`);
}
