/** A Responses request, as the equivalent request of Chat Completions. */

import { z } from "zod";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { invalid } from "../server/exception.ts";
import type { OwnCall } from "./own_call.ts";
import { MANTLE_INPUT, messagesOf, RUNTIME_INPUT } from "./responses_items.ts";
import { checkToolTypes, flatToolName, type OfferedTool, offeredTools, TOOL } from "./responses_tools.ts";

const choice = z.looseObject({ type: z.string() });

const common = {
  model: z.string(),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  tools: z.array(TOOL).nullish(),
  tool_choice: z.union([z.enum(["auto", "none", "required"]), choice]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_tool_calls: z.int().nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
  include: z.array(z.string()).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  user: z.string().nullish(),
  service_tier: z.enum(["auto", "default"]).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  client_metadata: z.looseObject({}).nullish(),
  previous_response_id: z.string().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
  background: z.literal(false).nullish(),
};

const RUNTIME = z.strictObject({
  ...common,
  input: RUNTIME_INPUT,
  reasoning: z.looseObject({}).nullish(),
});
const MANTLE = z.strictObject({
  ...common,
  input: MANTLE_INPUT,
  reasoning: z.looseObject({ summary: z.literal("auto").nullish() }).nullish(),
});

type Request = z.infer<typeof RUNTIME> | z.infer<typeof MANTLE>;

/** The equivalent Chat Completions request; throws for what the endpoint refuses. */
export function responsesBody(call: OwnCall): JsonObject {
  const request = parse(call);
  const { input, instructions, tools, temperature, top_p, parallel_tool_calls, text } = request;
  checkToolTypes(tools ?? [], call.isMantle);
  if (request.previous_response_id) {
    // The emulator stores no responses, so every id is unknown.
    throw invalid(`Previous response with id '${request.previous_response_id}' not found.`, {
      members: { code: "previous_response_not_found" },
    });
  }
  const offered = offeredTools(call.body);
  return {
    messages: [
      ...(instructions ? [{ role: "system", content: instructions }] : []),
      ...messagesOf(input, call),
    ],
    ...given({ max_completion_tokens: request.max_output_tokens, temperature, top_p }),
    ...(offered.size > 0 && {
      tools: [...offered.values()].map(functionOf),
      ...given({ tool_choice: choiceOf(request), parallel_tool_calls }),
    }),
    ...given({ response_format: formatOf(text?.format) }),
  };
}

function parse({ body, isMantle }: OwnCall): Request {
  const result = (isMantle ? MANTLE : RUNTIME).safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [field] = issue?.path ?? [];
  if (field === "input") throw invalid("Invalid 'input': value did not match any expected variant");
  if (issue?.code === "unrecognized_keys") throw invalid(`Unknown parameter: '${issue.keys[0]}'.`);
  throw invalid(`Invalid '${String(field)}': ${issue?.message ?? ""}`);
}

/** The members that have a value. */
function given(members: Readonly<Record<string, JsonValue | null | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, value]]
    ),
  );
}

function functionOf({ flatName: name, description, schema: parameters }: OfferedTool): JsonObject {
  return { type: "function", function: { name, description, parameters } };
}

/** The equivalent choice; those that Chat Completions does not have become `auto`. */
function choiceOf({ tool_choice: chosen }: Request): JsonValue | undefined {
  if (typeof chosen !== "object" || chosen === null) return chosen ?? undefined;
  const { type, namespace, name } = chosen;
  if (type !== "function" && type !== "custom") return "auto";
  return { type: "function", function: { name: flatToolName(textOr(namespace), textOr(name)) } };
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function formatOf(format: Readonly<Record<string, unknown>> | null | undefined): JsonObject | undefined {
  if (format?.["type"] === "json_object") return { type: "json_object" };
  if (format?.["type"] !== "json_schema") return undefined;
  return {
    type: "json_schema",
    json_schema: { name: String(format["name"]), schema: Object(format["schema"]) },
  };
}
