/** The traits of models as a data file and the configuration write them, with the words of their error messages. */

import { TRAIT_FIELDS } from "../../facts/traits.ts";
import { about, either, list, mapping, text } from "./fields.ts";

const FIELDS = TRAIT_FIELDS;
const EFFORTS = FIELDS.reasoning_effort;
// What an effort stands for is a mapping of its own.
EFFORTS.valueType.register(about, {
  expected: "a mapping of request fields, such as {reasoning_effort: low}",
});

const shape = {
  family: FIELDS.family.register(about, { expected: "a text of 1 to 64 characters" }).optional(),
  top_k: FIELDS.top_k.register(about, { expected: "a path such as inferenceConfig.topK, or an empty text" })
    .optional(),
  anthropic_messages: FIELDS.anthropic_messages.register(about, { expected: "true or false" }).optional(),
  sampling: FIELDS.sampling.optional(),
  thinking: FIELDS.thinking.register(about, { expected: "true or false" }).optional(),
  reasoning_effort: EFFORTS.register(about, { expected: "a mapping from efforts to request fields" })
    .optional(),
  refuses_limits_with: FIELDS.refuses_limits_with.register(about, {
    expected: "a mapping of request fields, such as {reasoningConfig: {maxReasoningEffort: high}}",
  }).optional(),
  structured_output: FIELDS.structured_output.optional(),
  strict_tools: FIELDS.strict_tools.register(about, { expected: "true or false" }).optional(),
  single_tool_call: FIELDS.single_tool_call.register(about, { expected: "true or false" }).optional(),
  tool_choice: FIELDS.tool_choice.register(about, { expected: "a list of auto, any and tool" }).optional(),
  prompt_caching: FIELDS.prompt_caching.register(about, { expected: "a list of system, messages and tools" })
    .optional(),
};

/** `models.NAME.traits`. */
export const traits = mapping(shape);

const glob = text({ expected: "a glob over model ids, such as anthropic.claude-*", maxLength: 256 });

/** A file of `data.models`. */
export const modelRows = list(
  mapping({
    match: either("a glob over model ids, or a list of 1 to 100 of them", [
      glob,
      list(glob, { min: 1, max: 100 }),
    ]),
    ...shape,
  }),
  { min: 0, max: 1000 },
);
