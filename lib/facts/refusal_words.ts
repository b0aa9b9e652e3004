/** The messages with which Bedrock and model providers refuse a member, and the lessons from them. */

import { EFFORTS } from "./traits.ts";
import type { LessonName } from "./optional_members.ts";

/** A refusal as Bedrock sent it. */
export interface RefusalWords {
  /** Undefined for an exception in a stream. */
  readonly status: number | undefined;
  /** The name of the exception, if the response has one. */
  readonly type: string | undefined;
  readonly message: string;
}

/** Longer messages are not about one member. */
const MAX_MESSAGE = 1_000;

/** Converse's prefix of messages from the model's provider. */
const OF_THE_MODEL = /^The model returned the following errors: /;

/** The only 403 that is about the request: https://github.com/BerriAI/litellm/pull/39210 */
const NO_CACHING =
  /^You invoked an unsupported model or your request did not allow prompt caching\b[^:]{0,100}$/;

/** Complete messages that name one member by its path, and nothing else. */
const MEMBER_WORDINGS: readonly RegExp[] = [
  /^This model does(?:n['’]t| not) support the (?<path>[\w.]{1,128}) field\. Remove \k<path> and try again\.$/,
  /^(?<path>[\w.]{1,128}): Extra inputs are not permitted\.?$/,
  /^Malformed input request: #(?<path>[\w/]{0,128}): extraneous key \[(?<key>\w{1,64})\] is not permitted, please reformat your input and try again\.$/,
  /^["`]?(?<path>[\w.]{1,128})["`]? is (?:not supported|deprecated) (?:for|on|by|with) this model\.?(?: Use [\w."` ]{1,200})?$/,
  /^Failed to deserialize the JSON body into the target type: (?<path>[\w.]{1,128}): unknown field `\w{1,64}`, expected [\w`, ]{1,800}$/,
];

/** Complete messages about one member that do not contain its path. */
const SENTENCES: readonly (readonly [words: RegExp, lesson: LessonName])[] = [
  [/^(?:This|The) model does(?:n['’]t| not) support the effort parameter\.?$/, "effort"],
  [/^adaptive thinking is not supported on this model\.?$/, "thinking.adaptive"],
  [/^Thinking may not be enabled when tool_choice forces tool use\.?$/, "forced_choice_with_thinking"],
  [/^Extended TTL prompt caching is only supported for Anthropic models\.?$/, "cache_ttl.1h"],
  [/^stop_sequences: each stop sequence must contain non-whitespace\.?$/, "stop_sequences.blank"],
  [/^`temperature` and `top_p` cannot both be specified for this model\. [\w ]{1,60}\.$/, "sampling.both"],
  [/^This model does(?:n['’]t| not) support tool use in streaming mode\.?$/, "streamed_tools"],
];

/** A message with the list of supported efforts. */
const EFFORT_LEVELS =
  /^This model does not support effort level '\w{1,16}'\. Supported levels: (?<levels>[\w, ]{1,80})\.$/;

/** Members that are left out together. */
type Members = readonly LessonName[];

/** Paths without list indexes; several lessons are alternatives. */
const PATHS: readonly (readonly [path: RegExp, lessons: Members])[] = [
  [/^(?:(?:toolConfig\.)?tools\.(?:toolSpec\.|custom\.)?)?strict$/, ["strict"]],
  [/^(?:outputConfig(?:\.textFormat)?|output_config\.format)$/, ["schema"]],
  [/^(?:output_config\.|outputConfig\.)?effort$/, ["effort"]],
  [/^output_config$/, ["effort", "output_config"]],
  [/^(?:reasoning_effort|reasoning|reasoning_config|reasoningConfig)$/, ["reasoning_effort"]],
  [/^thinking$/, ["thinking"]],
  [/^thinking\.type\.enabled$/, ["thinking.enabled"]],
  [/^thinking\.type\.adaptive$/, ["thinking.adaptive"]],
  [/^thinking\.type\.between_tools$/, ["thinking.between_tools"]],
  [/^thinking\.type\.disabled$/, ["thinking.disabled"]],
  [/^thinking\.(?:adaptive\.|enabled\.|between_tools\.)?display$/, ["thinking.display"]],
  [/^(?:cachePoint|cache_control)$/, ["cache_points"]],
  [/^system\.(?:text\.)?(?:cachePoint|cache_control)$/, ["cache_points.system"]],
  [/^messages\.content\.(?:\w+\.)?(?:cachePoint|cache_control)$/, ["cache_points.messages"]],
  [/^(?:toolConfig\.)?tools\.(?:custom\.)?(?:cachePoint|cache_control)$/, ["cache_points.tools"]],
  [/^(?:(?:\w+\.){0,4}(?:cachePoint|cache_control)\.(?:ephemeral\.)?)?ttl$/, ["cache_ttl"]],
  [/^(?:inferenceConfig\.)?(?:stopSequences|stop_sequences)$/, ["stop_sequences"]],
  [/^(?:inferenceConfig\.)?temperature$/, ["sampling"]],
  [/^(?:inferenceConfig\.)?(?:topP|top_p)$/, ["sampling.both", "sampling"]],
  [/^(?:inferenceConfig\.)?(?:top_k|topK|k)$/, ["top_k"]],
  [/^(?:toolConfig\.)?(?:toolChoice|tool_choice)\.tool$/, ["tool_choice.tool"]],
  [/^(?:toolConfig\.)?(?:toolChoice|tool_choice)\.any$/, ["tool_choice.any"]],
  [/^(?:toolConfig\.)?(?:toolChoice|tool_choice)\.auto$/, ["tool_choice.auto"]],
  [/^(?:toolConfig\.)?toolChoice$/, ["tool_choice.auto", "tool_choice.tool"]],
  [/^tool_choice(?:\.(?:\w+\.)?disable_parallel_tool_use)?$/, ["single_tool_call"]],
  [/^(?:messages\.content\.)?toolResult\.status$/, ["tool_result_status"]],
];

/**
 * The lessons of a refusal, which name the members to leave out: alternatives, the one that loses least first. Empty for
 * a refusal about anything else.
 */
export function lessonsOf({ status, type, message }: RefusalWords): readonly Members[] {
  if (message.length > MAX_MESSAGE) return [];
  if (isNoCaching({ status, type, message })) return [["cache_points"]];
  if ((status ?? 400) !== 400) return [];
  const words = message.replace(OF_THE_MODEL, "");
  const levels = EFFORT_LEVELS.exec(words)?.groups?.["levels"]?.split(/[, ]+/);
  if (levels !== undefined) {
    return [
      EFFORTS.filter((effort) => !levels.includes(effort)).map((effort) => `effort.${effort}` as const),
    ];
  }
  const sentence = SENTENCES.find(([pattern]) => pattern.test(words));
  return (sentence === undefined ? lessonsOfPath(pathIn(words)) : [sentence[1]]).map((name) => [name]);
}

/** Whether it is the 403 about cache points, which does not mean that access to the model is denied. */
export function isNoCaching({ status, type, message }: RefusalWords): boolean {
  return status === 403 && type === "AccessDeniedException" && NO_CACHING.test(message);
}

/** The path of the refused member, without indexes and Converse's `additionalModelRequestFields`. */
function pathIn(words: string): string | undefined {
  for (const wording of MEMBER_WORDINGS) {
    const { path, key } = wording.exec(words)?.groups ?? {};
    if (path === undefined) continue;
    return [...path.split(/[./]/), ...(key === undefined ? [] : [key])]
      .filter((step) => step !== "" && step !== "additionalModelRequestFields" && !/^\d+$/.test(step))
      .join(".");
  }
  return undefined;
}

function lessonsOfPath(path: string | undefined): Members {
  if (path === undefined) return [];
  return PATHS.find(([pattern]) => pattern.test(path))?.[1] ?? [];
}
