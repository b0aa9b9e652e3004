/** What a model can do: the traits, and how a row of `config/data/models.yaml` or the configuration spells them. */

import { z } from "zod";
import type { JsonObject } from "../base/json.ts";

/** The differences between families that a request to Converse must respect. */
export interface ModelTraits {
  /** Name of the family, as `adit explain` shows it. */
  readonly family: string;
  /** Path of `top_k` inside `additionalModelRequestFields`, with dots; empty where the model has no such field. */
  readonly topKPath: string;
  /** Whether InvokeModel takes Anthropic's own Messages for the model. */
  readonly anthropicMessages: boolean;
  /** Of `temperature` and `topP`: `both` beside each other; only `one`; `none` of them and no `top_k`. */
  readonly sampling: "both" | "one" | "none";
  /** Whether the model takes Anthropic's `thinking`. */
  readonly thinking: boolean;
  /** What each value of `reasoning_effort` merges into `additionalModelRequestFields`. */
  readonly reasoningEffort: ReadonlyMap<string, JsonObject>;
  /** Fields of `additionalModelRequestFields` beside which the model refuses limits and sampling; empty: none are. */
  readonly refusesLimitsWith: JsonObject;
  /** `schema`: takes `outputConfig.textFormat`; `tool`: can be made to call a tool with that schema. */
  readonly structuredOutput: "schema" | "tool" | "none";
  readonly strictTools: boolean;
  /** Whether the model takes Anthropic's `disable_parallel_tool_use`. */
  readonly singleToolCall: boolean;
  readonly toolChoice: ReadonlySet<"auto" | "any" | "tool">;
  readonly promptCaching: ReadonlySet<CachePlace>;
}
export type CachePlace = "system" | "messages" | "tools";

/** The traits of a model that no row matches. */
export const BARE_TRAITS: ModelTraits = {
  family: "other",
  topKPath: "",
  anthropicMessages: false,
  sampling: "both",
  thinking: false,
  reasoningEffort: new Map(),
  refusesLimitsWith: {},
  structuredOutput: "none",
  strictTools: false,
  singleToolCall: false,
  toolChoice: new Set(),
  promptCaching: new Set(),
};

/** The traits as they are written. Descriptions are for editors. */
export const TRAIT_FIELDS = {
  family: z.string().min(1).max(64).describe("Name of the family, as `adit explain` shows it."),
  top_k: z.string().max(256)
    .describe("Where top_k goes inside additionalModelRequestFields, with dots; empty leaves it out."),
  anthropic_messages: z.boolean()
    .describe(
      "Whether InvokeModel takes Anthropic's own Messages; Messages requests are then not translated.",
    ),
  sampling: z.enum(["both", "one", "none"])
    .describe(
      "both: takes temperature and top_p; one: refuses them beside each other; none: refuses them and top_k.",
    ),
  thinking: z.boolean().describe("Whether the model takes Anthropic's thinking."),
  reasoning_effort: z.record(z.string(), z.record(z.string(), z.json()))
    .describe("What each value of reasoning_effort merges into additionalModelRequestFields."),
  refuses_limits_with: z.record(z.string(), z.json())
    .describe(
      "Fields of additionalModelRequestFields beside which the model refuses max_tokens, temperature, top_p and top_k.",
    ),
  structured_output: z.enum(["schema", "tool", "none"])
    .describe(
      "schema: takes outputConfig.textFormat; tool: is made to call a tool with that schema; none: neither.",
    ),
  strict_tools: z.boolean().describe("Whether toolSpec.strict is understood."),
  single_tool_call: z.boolean()
    .describe("Whether the model takes Anthropic's tool_choice.disable_parallel_tool_use."),
  tool_choice: z.array(z.enum(["auto", "any", "tool"]))
    .describe("The members of Converse's toolChoice that the model obeys."),
  prompt_caching: z.array(z.enum(["system", "messages", "tools"]))
    .describe("Where a cachePoint may stand."),
} as const;

const traitsSchema = z.strictObject(TRAIT_FIELDS).partial();

/** Some of the traits, as they are written. */
export type WrittenTraits = z.output<typeof traitsSchema>;

/** The traits that are named, compiled. */
export function compileTraits(written: WrittenTraits): Partial<ModelTraits> {
  return {
    ...(written.family !== undefined && { family: written.family }),
    ...(written.top_k !== undefined && { topKPath: written.top_k }),
    ...(written.anthropic_messages !== undefined && { anthropicMessages: written.anthropic_messages }),
    ...(written.sampling && { sampling: written.sampling }),
    ...(written.thinking !== undefined && { thinking: written.thinking }),
    ...(written.reasoning_effort && { reasoningEffort: new Map(Object.entries(written.reasoning_effort)) }),
    ...(written.refuses_limits_with && { refusesLimitsWith: written.refuses_limits_with }),
    ...(written.structured_output && { structuredOutput: written.structured_output }),
    ...(written.strict_tools !== undefined && { strictTools: written.strict_tools }),
    ...(written.single_tool_call !== undefined && { singleToolCall: written.single_tool_call }),
    ...(written.tool_choice && { toolChoice: new Set(written.tool_choice) }),
    ...(written.prompt_caching && { promptCaching: new Set(written.prompt_caching) }),
  };
}
