/** Bedrock's messages that refuse an optional member, and messages that do not. */

import { deepEqual, equal } from "node:assert/strict";
import { isNoCaching, lessonsOf } from "../../lib/facts/refusal_words.ts";

const NO_CACHING =
  "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.";

const TAUGHT: readonly (readonly [message: string, lessons: readonly (readonly string[])[]])[] = [
  ["This model doesn't support the strict field. Remove strict and try again.", [["strict"]]],
  ["This model doesn’t support the strict field. Remove strict and try again.", [["strict"]]],
  ["tools.0.custom.strict: Extra inputs are not permitted", [["strict"]]],
  ["The model returned the following errors: tools.12.custom.strict: Extra inputs are not permitted", [
    ["strict"],
  ]],
  [
    "This model doesn't support the toolConfig.tools.0.toolSpec.strict field. Remove toolConfig.tools.0.toolSpec.strict and try again.",
    [["strict"]],
  ],
  ["output_config.format: Extra inputs are not permitted", [["schema"]]],
  [
    "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
    [["schema"]],
  ],
  ["output_config: Extra inputs are not permitted", [["effort"], ["output_config"]]],
  ["output_config.effort: Extra inputs are not permitted", [["effort"]]],
  ["This model does not support the effort parameter.", [["effort"]]],
  ["This model does not support the effort parameter", [["effort"]]],
  ["This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.", [
    ["effort.xhigh"],
  ]],
  ["This model does not support effort level 'max'. Supported levels: high, low, medium.", [
    ["effort.xhigh", "effort.max"],
  ]],
  [
    "Malformed input request: #: extraneous key [reasoning_effort] is not permitted, please reformat your input and try again.",
    [["reasoning_effort"]],
  ],
  ["additionalModelRequestFields.reasoning_effort: Extra inputs are not permitted", [["reasoning_effort"]]],
  ["thinking: Extra inputs are not permitted", [["thinking"]]],
  ['"thinking.type.disabled" is not supported for this model.', [["thinking.disabled"]]],
  [
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    [["thinking.enabled"]],
  ],
  ["adaptive thinking is not supported on this model", [["thinking.adaptive"]]],
  ["thinking.adaptive.display: Extra inputs are not permitted", [["thinking.display"]]],
  ["Thinking may not be enabled when tool_choice forces tool use.", [["forced_choice_with_thinking"]]],
  ["system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted", [["cache_ttl"]]],
  ["messages.3.content.1.text.cache_control.ephemeral.ttl: Extra inputs are not permitted", [["cache_ttl"]]],
  ["ttl: Extra inputs are not permitted", [["cache_ttl"]]],
  ["Extended TTL prompt caching is only supported for Anthropic models", [["cache_ttl.1h"]]],
  [
    "Malformed input request: #/toolConfig/tools/1: extraneous key [cachePoint] is not permitted, please reformat your input and try again.",
    [["cache_points.tools"]],
  ],
  ["This model doesn't support the cachePoint field. Remove cachePoint and try again.", [["cache_points"]]],
  ["system.0.cache_control: Extra inputs are not permitted", [["cache_points.system"]]],
  ["messages.0.content.2.cache_control: Extra inputs are not permitted", [["cache_points.messages"]]],
  ["tools.0.custom.cache_control: Extra inputs are not permitted", [["cache_points.tools"]]],
  ["This model doesn't support the stopSequences field. Remove stopSequences and try again.", [
    ["stop_sequences"],
  ]],
  ["stop_sequences: each stop sequence must contain non-whitespace", [["stop_sequences.blank"]]],
  ["`temperature` is deprecated for this model.", [["sampling"]]],
  ["This model doesn't support the topP field. Remove topP and try again.", [
    ["sampling.both"],
    ["sampling"],
  ]],
  ["`temperature` and `top_p` cannot both be specified for this model. Please use only one.", [
    ["sampling.both"],
  ]],
  [
    "Failed to deserialize the JSON body into the target type: top_k: unknown field `top_k`, expected one of `model`, `messages`",
    [["top_k"]],
  ],
  [
    "This model doesn't support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.",
    [
      ["tool_choice.tool"],
    ],
  ],
  [
    "This model doesn't support the toolConfig.toolChoice field. Remove toolConfig.toolChoice and try again.",
    [
      ["tool_choice.auto"],
      ["tool_choice.tool"],
    ],
  ],
  ["tool_choice.auto.disable_parallel_tool_use: Extra inputs are not permitted", [["single_tool_call"]]],
  ["This model doesn't support the toolResult.status field. Remove toolResult.status and try again.", [
    ["tool_result_status"],
  ]],
  ["This model doesn't support tool use in streaming mode.", [["streamed_tools"]]],
];

for (const [message, lessons] of TAUGHT) {
  Deno.test(`teaches ${JSON.stringify(lessons)}: ${message}`, () => {
    deepEqual(lessonsOf({ status: 400, type: "ValidationException", message }), lessons);
    deepEqual(lessonsOf({ status: undefined, type: "ValidationException", message }), lessons);
    deepEqual(lessonsOf({ status: 403, type: "AccessDeniedException", message }), []);
    deepEqual(lessonsOf({ status: 429, type: "ThrottlingException", message }), []);
  });
}

const NOT_TAUGHT: readonly string[] = [
  "",
  "messages: Extra inputs are not permitted",
  "messages.0.content: Extra inputs are not permitted",
  "tools: Extra inputs are not permitted",
  "system: Extra inputs are not permitted",
  "max_tokens: Extra inputs are not permitted",
  "guardrailConfig: Extra inputs are not permitted",
  "This model doesn't support the messages field. Remove messages and try again.",
  "This model doesn't support the toolConfig field. Remove toolConfig and try again.",
  "This model doesn't support the toolConfig.tools field. Remove toolConfig.tools and try again.",
  "This model doesn't support the inferenceConfig field. Remove inferenceConfig and try again.",
  "This model doesn't support the inferenceConfig.maxTokens field. Remove inferenceConfig.maxTokens and try again.",
  "This model doesn't support the guardrailConfig field. Remove guardrailConfig and try again.",
  "This model doesn't support the additionalModelRequestFields field. Remove additionalModelRequestFields and try again.",
  "This model doesn't support the image field for user messages. Remove image and try again.",
  "This model doesn't support the strict field. Remove messages and try again.",
  "This model doesn't support tool use.",
  "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.",
  "The maximum tokens you requested exceeds the model limit of 8192. Try again with a maximum tokens value that is lower than 8192.",
  // A quote from the request.
  "The JSON pointer in additionalModelResponseFieldPaths is malformed: This model doesn't support the strict field. Remove strict and try again.",
  "messages.0.content.0.text: strict: Extra inputs are not permitted",
  "strict: Extra inputs are not permitted\nmessages: Extra inputs are not permitted",
  "strict: Extra inputs are not permitted ",
  "__proto__: Extra inputs are not permitted",
  "constructor: Extra inputs are not permitted",
  `${"tools.".repeat(200)}strict: Extra inputs are not permitted`,
  `This model does not support effort level 'max'. Supported levels: ${"low, ".repeat(300)}.`,
];

for (const message of NOT_TAUGHT) {
  Deno.test(`teaches nothing: ${message.slice(0, 80)}`, () => {
    deepEqual(lessonsOf({ status: 400, type: "ValidationException", message }), []);
  });
}

Deno.test("only the 403 about prompt caching is a lesson", () => {
  const refusal = { status: 403, type: "AccessDeniedException", message: NO_CACHING };
  deepEqual(lessonsOf(refusal), [["cache_points"]]);
  for (
    const other of [
      { ...refusal, status: 400 },
      { ...refusal, type: "ValidationException" },
      { ...refusal, type: undefined },
      { ...refusal, message: "You don't have access to the model with the specified model ID." },
      { ...refusal, message: `User: x is not authorized. ${NO_CACHING}` },
    ]
  ) equal(isNoCaching(other), false, JSON.stringify(other));
});
