/** What a model can do, read from the table in `config/data/models.yaml` by the model's id. */

import { parse } from "yaml";
import { z } from "zod";
import defaultTable from "../../config/data/models.yaml" with { type: "text" };
import type { JsonObject } from "../base/json.ts";
import { foundationModelId } from "./model_id.ts";

/** The differences between families that a request to Converse must respect. */
export interface ModelTraits {
  /** A name for logs and metrics. */
  readonly family: string;
  /** Path of `top_k` inside `additionalModelRequestFields`, with dots; empty where the model has no such field. */
  readonly topKPath: string;
  /** Whether the model takes Anthropic's `thinking`. */
  readonly thinking: boolean;
  /** What each value of `reasoning_effort` merges into `additionalModelRequestFields`. */
  readonly reasoningEffort: ReadonlyMap<string, JsonObject>;
  /** `schema`: takes `outputConfig.textFormat`; `tool`: can be made to call a tool with that schema. */
  readonly structuredOutput: "schema" | "tool" | "none";
  readonly strictTools: boolean;
  /** Whether the model takes Anthropic's `disable_parallel_tool_use`. */
  readonly singleToolCall: boolean;
  readonly toolChoice: ReadonlySet<"auto" | "any" | "tool">;
  readonly promptCaching: ReadonlySet<CachePlace>;
}
export type CachePlace = "system" | "messages" | "tools";

/** Rows in order; every row that matches a model sets the traits it names. */
export type ModelTable = readonly ModelRow[];

interface ModelRow {
  readonly patterns: readonly RegExp[];
  readonly traits: Partial<ModelTraits>;
}

const rowSchema = z.strictObject({
  match: z.union([z.string(), z.array(z.string()).min(1)]),
  family: z.string().optional(),
  top_k: z.string().optional(),
  thinking: z.boolean().optional(),
  reasoning_effort: z.record(z.string(), z.record(z.string(), z.json())).optional(),
  structured_output: z.enum(["schema", "tool", "none"]).optional(),
  strict_tools: z.boolean().optional(),
  single_tool_call: z.boolean().optional(),
  tool_choice: z.array(z.enum(["auto", "any", "tool"])).optional(),
  prompt_caching: z.array(z.enum(["system", "messages", "tools"])).optional(),
});

/** Reads a table as text; throws an `Error` that names the row and the trait at fault. */
export function parseModelTable(text: string): ModelTable {
  const rows = z.array(rowSchema).safeParse(parse(text));
  if (!rows.success) throw new Error(`Cannot read the table of models: ${z.prettifyError(rows.error)}`);
  return rows.data.map(({ match, ...row }) => ({
    patterns: [match].flat().map(globPattern),
    traits: {
      ...(row.family !== undefined && { family: row.family }),
      ...(row.top_k !== undefined && { topKPath: row.top_k }),
      ...(row.thinking !== undefined && { thinking: row.thinking }),
      ...(row.reasoning_effort && { reasoningEffort: new Map(Object.entries(row.reasoning_effort)) }),
      ...(row.structured_output && { structuredOutput: row.structured_output }),
      ...(row.strict_tools !== undefined && { strictTools: row.strict_tools }),
      ...(row.single_tool_call !== undefined && { singleToolCall: row.single_tool_call }),
      ...(row.tool_choice && { toolChoice: new Set(row.tool_choice) }),
      ...(row.prompt_caching && { promptCaching: new Set(row.prompt_caching) }),
    },
  }));
}

let builtIn: ModelTable | undefined;

/** The table that the program carries with it; read when it is first asked for. */
export function builtInModelTable(): ModelTable {
  return builtIn ??= parseModelTable(defaultTable);
}

const BARE_TRAITS: ModelTraits = {
  family: "other",
  topKPath: "",
  thinking: false,
  reasoningEffort: new Map(),
  structuredOutput: "none",
  strictTools: false,
  singleToolCall: false,
  toolChoice: new Set(),
  promptCaching: new Set(),
};

/**
 * The traits of a model, by its id, its inference profile's id or an ARN that shows either. For an ARN that hides its
 * model (an application inference profile, provisioned throughput) pass the id of the model behind it.
 */
export function traitsOf(modelId: string, table: ModelTable): ModelTraits {
  const id = baseModelId(modelId);
  return table
    .filter((row) => row.patterns.some((pattern) => pattern.test(id)))
    .reduce<ModelTraits>((traits, row) => ({ ...traits, ...row.traits }), BARE_TRAITS);
}

/** The id that tells the family; a custom model has that of its base in its ARN. */
function baseModelId(modelId: string): string {
  return foundationModelId(/:custom-model\/([^/]+)\//.exec(modelId)?.[1] ?? modelId);
}

function globPattern(glob: string): RegExp {
  const literals = glob.split("*").map((literal) => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literals.join(".*")}$`, "s");
}
