/** Lessons from refusals by Bedrock: the only table of members that may be left out of a request. */

import type { JsonObject } from "../base/json.ts";
import { member } from "../base/json.ts";
import type { CachePlace, Effort, ModelTraits, ThinkingType } from "./traits.ts";

/** Returns the traits that a lesson changes; they never promise more than before. */
type Narrow = (traits: ModelTraits) => Partial<ModelTraits>;

const noCachePoints = (places: readonly CachePlace[]): Narrow => ({ promptCaching }) => ({
  promptCaching: new Set([...promptCaching].filter((place) => !places.includes(place))),
});

const noThinking = (type: ThinkingType): Narrow => ({ thinkingTypes, reasoningEffort }) => ({
  thinkingTypes: new Set([...thinkingTypes].filter((each) => each !== type)),
  reasoningEffort: effortsWithout(reasoningEffort, ({ thinking }) => member(thinking, "type") === type),
});

const noEffort = (effort: Effort): Narrow => ({ efforts, reasoningEffort }) => ({
  efforts: efforts.filter((each) => each !== effort),
  reasoningEffort: effortsWithout(
    reasoningEffort,
    ({ output_config: config }) => member(config, "effort") === effort,
  ),
});

/** Thinking stays without the effort that went with it. */
const noEfforts: Narrow = ({ reasoningEffort }) => ({
  efforts: [],
  reasoningEffort: new Map(
    [...reasoningEffort].map(([effort, { output_config: _, ...fields }]) => [effort, fields]),
  ),
});

const noSchema: Narrow = ({ structuredOutput }) => ({
  structuredOutput: structuredOutput === "schema" ? "tool" : structuredOutput,
});

/** Members of `additionalModelRequestFields` that control reasoning in model families other than Claude. */
const EFFORT_MEMBERS = ["reasoning_effort", "reasoning", "reasoning_config", "reasoningConfig"];

/**
 * All members that a refusal may remove from a request, with the traits that change. Messages, tools, the system prompt,
 * the limit of tokens and the guardrail are absent, so no refusal can remove them.
 */
const LESSONS = {
  "strict": () => ({ strictTools: false }),
  "schema": noSchema,
  "output_config": (traits) => ({ ...noEfforts(traits), ...noSchema(traits) }),
  "effort": noEfforts,
  "effort.low": noEffort("low"),
  "effort.medium": noEffort("medium"),
  "effort.high": noEffort("high"),
  "effort.xhigh": noEffort("xhigh"),
  "effort.max": noEffort("max"),
  "reasoning_effort": ({ reasoningEffort }) => ({
    reasoningEffort: effortsWithout(
      reasoningEffort,
      (fields) => EFFORT_MEMBERS.some((name) => name in fields),
    ),
  }),
  "thinking": ({ reasoningEffort }) => ({
    thinkingTypes: new Set(),
    reasoningEffort: effortsWithout(reasoningEffort, (fields) => "thinking" in fields),
  }),
  "thinking.enabled": noThinking("enabled"),
  "thinking.adaptive": noThinking("adaptive"),
  "thinking.between_tools": noThinking("between_tools"),
  "thinking.disabled": noThinking("disabled"),
  "thinking.display": () => ({ thoughtText: "always" }),
  "forced_choice_with_thinking": () => ({ forcedChoiceWithThinking: false }),
  "cache_points": noCachePoints(["system", "messages", "tools"]),
  "cache_points.system": noCachePoints(["system"]),
  "cache_points.messages": noCachePoints(["messages"]),
  "cache_points.tools": noCachePoints(["tools"]),
  "cache_ttl": () => ({ cacheTtls: new Set() }),
  "cache_ttl.1h": ({ cacheTtls }) => ({ cacheTtls: new Set([...cacheTtls].filter((ttl) => ttl !== "1h")) }),
  "stop_sequences": () => ({ stopSequences: "none" }),
  "stop_sequences.blank": ({ stopSequences }) => ({
    stopSequences: stopSequences === "any" ? "visible" : stopSequences,
  }),
  "sampling": () => ({ sampling: "none" }),
  "sampling.both": ({ sampling }) => ({ sampling: sampling === "both" ? "one" : sampling }),
  "top_k": () => ({ topKPath: "" }),
  // Then only the chosen tool is offered, which means the same.
  "tool_choice.tool": ({ toolChoice }) => ({
    toolChoice: new Set([...toolChoice].filter((choice) => choice !== "tool")),
  }),
  // A request that forces a call makes no sense without it, so it is not translated again.
  "tool_choice.any": ({ toolChoice }) => ({
    toolChoice: new Set([...toolChoice].filter((choice) => choice !== "any")),
  }),
  // The model's default.
  "tool_choice.auto": ({ toolChoice }) => ({
    toolChoice: new Set([...toolChoice].filter((choice) => choice !== "auto")),
  }),
  "single_tool_call": () => ({ singleToolCall: false }),
  // The text of the result then reports a failure.
  "tool_result_status": () => ({ toolResultStatus: false }),
  // The answer is then requested as a whole, and streamed to the caller.
  "streamed_tools": ({ tools }) => ({ tools: tools === "streamed" ? "whole" : tools }),
} as const satisfies Readonly<Record<string, Narrow>>;

/** The name of a row: the member to leave out. */
export type LessonName = keyof typeof LESSONS;

export const LESSON_NAMES = Object.keys(LESSONS).filter(isLessonName);

/** Whether a string is the name of a lesson. */
export function isLessonName(name: string): name is LessonName {
  return Object.hasOwn(LESSONS, name);
}

/** The traits that the lessons change, with their new values. */
export function lessonTraits(names: readonly LessonName[], traits: ModelTraits): Partial<ModelTraits> {
  return names.reduce<Partial<ModelTraits>>((learned, name) => {
    const narrow: Narrow = LESSONS[name];
    return { ...learned, ...narrow({ ...traits, ...learned }) };
  }, {});
}

function effortsWithout(
  efforts: ModelTraits["reasoningEffort"],
  isRefused: (fields: JsonObject) => boolean,
): ModelTraits["reasoningEffort"] {
  return new Map([...efforts].filter(([, fields]) => !isRefused(fields)));
}
