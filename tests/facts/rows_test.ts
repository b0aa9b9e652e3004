/** The rows of `config/data`: each cites its sources, and models get the traits that the sources state. */

import assert from "node:assert/strict";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelTraits } from "../../lib/facts/traits.ts";
import { repositoryPath } from "../repository.ts";

/** The rows of a table file, each with the comment above it. */
function writtenRows(file: string): readonly string[] {
  const blocks = Deno.readTextFileSync(repositoryPath(`config/data/${file}`)).split(/\n{2,}/);
  return blocks.filter((block) => /^- match:/m.test(block));
}

for (const file of ["models.yaml", "models-claude.yaml"]) {
  Deno.test(`every row of ${file} has a comment of its own that cites a page`, () => {
    const rows = writtenRows(file);
    assert.ok(rows.length > 10, "the rows are found");
    for (const row of rows) {
      assert.equal(row.match(/^- match:/gm)?.length, 1, `rows without a blank line between them:\n${row}`);
      assert.match(row, /^# .*https:\/\/\S+/m, `no source is cited:\n${row}`);
    }
  });
}

/** Traits as plain values, so that a case can name a few of them. */
function plainTraits(id: string): Record<string, unknown> {
  const traits = traitsOf(id, builtInModelTable());
  const entries = Object.entries(traits).map(([name, value]) => [
    name,
    value instanceof Set ? [...value] : value instanceof Map ? Object.fromEntries(value) : value,
  ]);
  return Object.fromEntries(entries);
}

type Expected = Partial<Record<keyof ModelTraits, unknown>>;

const FORCED = ["auto", "any", "tool"];
const ALL_EFFORTS = ["low", "medium", "high", "xhigh", "max"];

/** Claude 5.5 and newer. */
const NEWEST_CLAUDE = {
  family: "claude",
  anthropicMessages: true,
  system: "invoke",
  prefill: "none",
  reasoningHistory: "signed",
  maxOutputTokens: 128_000,
  sampling: "none",
  stopSequences: "visible",
  thinkingTypes: ["adaptive"],
  thinksByDefault: true,
  thoughtText: "on_request",
  efforts: ALL_EFFORTS,
  tools: "streamed",
  toolChoice: ["auto"],
  forcedChoiceWithThinking: false,
  strictTools: false,
  structuredOutput: "schema",
  cacheTtls: ["5m", "1h"],
  cacheableDocuments: "pdf",
} as const satisfies Expected;

const CLAUDE_5 = {
  ...NEWEST_CLAUDE,
  toolChoice: FORCED,
  forcedChoiceWithThinking: true,
  structuredOutput: "tool",
} satisfies Expected;

const CLAUDE_4_5 = {
  family: "claude",
  system: "first",
  prefill: "trimmed",
  maxOutputTokens: 64_000,
  sampling: "one",
  thinkingTypes: ["enabled", "disabled"],
  thinksByDefault: false,
  thoughtText: "always",
  efforts: [],
  toolChoice: FORCED,
  forcedChoiceWithThinking: false,
  strictTools: true,
  structuredOutput: "schema",
  cacheTtls: ["5m", "1h"],
} satisfies Expected;

const CLAUDE_3 = {
  family: "claude",
  system: "first",
  prefill: "trimmed",
  sampling: "both",
  thinkingTypes: [],
  reasoningEffort: {},
  reasoningHistory: "none",
  toolChoice: FORCED,
  strictTools: false,
  structuredOutput: "tool",
  cacheTtls: [],
} satisfies Expected;

/** Traits of all models other than Claude and Nova, which refuse these members. */
const UNCACHED = { promptCaching: [], cacheTtls: [] } satisfies Expected;

const OPEN_WEIGHTS = {
  ...UNCACHED,
  tools: "streamed",
  toolResultMedia: [],
  strictTools: true,
  structuredOutput: "schema",
} satisfies Expected;

const NO_TOOLS = { tools: "none", toolChoice: [], structuredOutput: "none" } satisfies Expected;

const CASES: readonly (readonly [ids: readonly string[], expected: Expected])[] = [
  [[
    "us.anthropic.claude-opus-5-5",
    "global.anthropic.claude-fable-5-1",
    "anthropic.claude-mythos-5-1",
  ], { ...NEWEST_CLAUDE, reasoningEffort: adaptiveEfforts({}) }],
  [["us.anthropic.claude-sonnet-5-5"], {
    ...NEWEST_CLAUDE,
    thinkingTypes: ["adaptive", "between_tools"],
    maxEffortWithoutThinking: "high",
    reasoningEffort: adaptiveEfforts({ none: { thinking: { type: "between_tools" } } }),
  }],
  [["anthropic.claude-haiku-5-5"], {
    ...NEWEST_CLAUDE,
    thinkingTypes: ["adaptive", "disabled"],
    maxEffortWithoutThinking: "high",
    toolChoice: FORCED,
  }],
  [["us.anthropic.claude-opus-5"], {
    ...CLAUDE_5,
    thinkingTypes: ["adaptive", "disabled"],
    maxEffortWithoutThinking: "high",
    reasoningEffort: adaptiveEfforts({ none: { thinking: { type: "disabled" } } }),
  }],
  [["us.anthropic.claude-sonnet-5", "jp.anthropic.claude-sonnet-5"], {
    ...CLAUDE_5,
    system: "first",
    thinkingTypes: ["adaptive", "disabled"],
  }],
  [["us.anthropic.claude-fable-5", "anthropic.claude-mythos-5"], {
    ...CLAUDE_5,
    efforts: ["low", "medium", "high", "xhigh"],
    reasoningEffort: adaptiveEfforts({}, { max: "xhigh" }),
  }],
  [["anthropic.claude-opus-4-8"], {
    ...CLAUDE_5,
    thinksByDefault: false,
    reasoningEffort: adaptiveEfforts({ none: {} }),
  }],
  [["anthropic.claude-opus-4-7"], {
    ...CLAUDE_5,
    system: "first",
    forcedChoiceWithThinking: false,
    thinksByDefault: false,
  }],
  [["us.anthropic.claude-opus-4-6-v1"], {
    ...CLAUDE_4_5,
    prefill: "none",
    maxOutputTokens: 128_000,
    thinkingTypes: ["enabled", "adaptive", "disabled"],
    efforts: ["low", "medium", "high", "max"],
    reasoningEffort: adaptiveEfforts({ none: {} }, { xhigh: "max" }),
  }],
  [["us.anthropic.claude-sonnet-4-6"], {
    ...CLAUDE_4_5,
    prefill: "none",
    structuredOutput: "tool",
    thinkingTypes: ["enabled", "adaptive", "disabled"],
    efforts: ["low", "medium", "high"],
    reasoningEffort: adaptiveEfforts({ none: {} }, { xhigh: "high", max: "high" }),
  }],
  [[
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
  ], CLAUDE_4_5],
  [["anthropic.claude-opus-4-5-20251101-v1:0"], { ...CLAUDE_4_5, efforts: ["low", "medium", "high"] }],
  [["us.anthropic.claude-opus-4-1-20250805-v1:0"], {
    ...CLAUDE_4_5,
    maxOutputTokens: 32_000,
    searchResults: true,
    strictTools: false,
    structuredOutput: "tool",
    cacheTtls: [],
  }],
  [["us.anthropic.claude-sonnet-4-20250514-v1:0", "us.anthropic.claude-3-7-sonnet-20250219-v1:0"], {
    ...CLAUDE_4_5,
    sampling: "both",
    searchResults: true,
    strictTools: false,
    structuredOutput: "tool",
    cacheTtls: [],
  }],
  [["anthropic.claude-3-5-haiku-20241022-v1:0"], { ...CLAUDE_3, maxOutputTokens: 8192, searchResults: true }],
  [["anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-5-sonnet-20240620-v1:0"], {
    ...CLAUDE_3,
    maxOutputTokens: 4096,
    promptCaching: [],
  }],
  [["anthropic.claude-v2:1", "anthropic.claude-instant-v1"], { ...CLAUDE_3, ...NO_TOOLS }],
  [["amazon.nova-micro-v1:0"], { family: "nova", maxOutputTokens: 10_000, toolResultMedia: [] }],
  [["amazon.nova-lite-v1:0", "us.amazon.nova-premier-v1:0"], {
    family: "nova",
    maxOutputTokens: 10_000,
    reasoningEffort: {},
    reasoningHistory: "none",
    toolResultMedia: ["image"],
    toolResultStatus: true,
    toolNameHyphens: false,
    toolChoice: FORCED,
    strictTools: false,
    structuredOutput: "tool",
    promptCaching: ["system", "messages"],
    cacheTtls: [],
  }],
  [["us.amazon.nova-2-lite-v1:0"], {
    family: "nova",
    maxOutputTokens: 64_000,
    structuredOutput: "tool",
    refusesLimitsWith: { reasoningConfig: { type: "enabled", maxReasoningEffort: "high" } },
  }],
  [["amazon.titan-text-express-v1"], {
    ...NO_TOOLS,
    ...UNCACHED,
    family: "titan",
    system: "none",
    maxOutputTokens: 8192,
  }],
  [["openai.gpt-oss-120b-1:0", "openai.gpt-oss-safeguard-20b"], {
    ...OPEN_WEIGHTS,
    family: "gpt-oss",
    sampling: "both",
    stopSequences: "none",
    reasoningHistory: "unsigned",
    thinksByDefault: true,
    reasoningEffort: flatEfforts("reasoning_effort", "minimal"),
  }],
  [["global.openai.gpt-5.6-sol", "us.openai.gpt-5.6-luna"], {
    ...UNCACHED,
    family: "openai",
    sampling: "none",
    stopSequences: "none",
    reasoningHistory: "redacted",
    toolResultMedia: [],
    structuredOutput: "schema",
  }],
  [["deepseek.v3-v1:0", "deepseek.v3.2"], {
    ...OPEN_WEIGHTS,
    family: "deepseek",
    toolChoice: ["auto", "any"],
  }],
  [["us.deepseek.r1-v1:0"], { ...NO_TOOLS, ...UNCACHED, family: "deepseek", maxOutputTokens: 32_768 }],
  [["qwen.qwen3-32b-v1:0", "qwen.qwen3-vl-235b-a22b", "qwen.qwen3-coder-480b-a35b-v1:0"], {
    ...OPEN_WEIGHTS,
    family: "qwen",
    stopSequences: "none",
    reasoningHistory: "unsigned",
    reasoningEffort: {},
  }],
  [["zai.glm-4.7", "zai.glm-5"], {
    ...OPEN_WEIGHTS,
    family: "glm",
    strictTools: false,
    reasoningEffort: { none: {}, ...flatEfforts("reasoning_config", "minimal") },
  }],
  [["moonshotai.kimi-k2.5"], {
    ...OPEN_WEIGHTS,
    family: "kimi",
    reasoningEffort: { none: {}, ...flatEfforts("reasoning_config", "minimal") },
  }],
  [["moonshot.kimi-k2-thinking"], {
    ...OPEN_WEIGHTS,
    family: "kimi",
    thinksByDefault: true,
    reasoningEffort: {},
  }],
  [["minimax.minimax-m2.5"], {
    ...UNCACHED,
    family: "minimax",
    thinksByDefault: true,
    strictTools: false,
    structuredOutput: "tool",
  }],
  [["nvidia.nemotron-super-3-120b"], { ...OPEN_WEIGHTS, family: "nemotron" }],
  [["google.gemma-3-27b-it"], { ...OPEN_WEIGHTS, family: "gemma" }],
  [["us.meta.llama3-3-70b-instruct-v1:0", "us.meta.llama4-maverick-17b-instruct-v1:0"], {
    ...UNCACHED,
    family: "llama",
    system: "first",
    tools: "whole",
    toolChoice: ["auto"],
    structuredOutput: "none",
  }],
  [["meta.llama3-8b-instruct-v1:0", "us.meta.llama3-2-3b-instruct-v1:0"], {
    ...NO_TOOLS,
    family: "llama",
    system: "first",
  }],
  [["mistral.mistral-large-2407-v1:0", "us.mistral.pixtral-large-2502-v1:0"], {
    ...UNCACHED,
    family: "mistral",
    toolChoice: ["auto", "any"],
    toolCallIds: "nine_alphanumeric",
    strictTools: false,
    structuredOutput: "tool",
  }],
  [["mistral.ministral-3-8b-instruct", "mistral.mistral-large-3-675b-instruct"], {
    ...OPEN_WEIGHTS,
    family: "mistral",
    toolCallIds: "nine_alphanumeric",
  }],
  [["mistral.mistral-7b-instruct-v0:2"], {
    ...NO_TOOLS,
    family: "mistral",
    system: "none",
    maxOutputTokens: 8192,
  }],
  [["cohere.command-r-plus-v1:0"], {
    ...UNCACHED,
    family: "cohere",
    topKPath: "k",
    tools: "streamed",
    toolChoice: ["auto"],
    structuredOutput: "none",
  }],
  [["ai21.jamba-1-5-large-v1:0"], {
    family: "jamba",
    tools: "streamed",
    toolChoice: ["auto"],
    structuredOutput: "none",
  }],
  [["ai21.jamba-instruct-v1:0"], { ...NO_TOOLS, family: "jamba", system: "first" }],
  [["us.writer.palmyra-x5-v1:0"], {
    ...UNCACHED,
    family: "palmyra",
    tools: "whole",
    toolResultStatus: false,
    structuredOutput: "none",
  }],
  [["xai.grok-4.3"], { ...UNCACHED, family: "grok", toolChoice: FORCED }],
];

/** Adaptive thinking at each effort over the fields of `none`; `lowered` has the efforts sent for unsupported ones. */
function adaptiveEfforts(none: object, lowered: Readonly<Record<string, string>> = {}): object {
  const efforts = ["minimal", ...ALL_EFFORTS].map((asked) => {
    const effort = asked === "minimal" ? "low" : lowered[asked] ?? asked;
    return [asked, { thinking: { type: "adaptive" }, output_config: { effort } }];
  });
  return { ...none, ...Object.fromEntries(efforts) };
}

/** One field that accepts low, medium and high. */
function flatEfforts(field: string, ...others: readonly string[]): object {
  const efforts = [...others, ...ALL_EFFORTS].map((asked) => {
    const effort = asked === "minimal" ? "low" : asked === "xhigh" || asked === "max" ? "high" : asked;
    return [asked, { [field]: effort }];
  });
  return Object.fromEntries(efforts);
}

for (const [ids, expected] of CASES) {
  for (const id of ids) {
    Deno.test(`model "${id}" has the traits that its sources state`, () => {
      const traits = plainTraits(id);
      const found = Object.fromEntries(Object.keys(expected).map((name) => [name, traits[name]]));
      assert.deepEqual(found, expected);
    });
  }
}

const UNKNOWN = ["acme.thinker-9-v1:0", "arn:aws:bedrock:eu-west-1:123456789012:imported-model/abcdefghijkl"];

for (const id of UNKNOWN) {
  Deno.test(`unknown model "${id}" gets what Bedrock refuses by itself, and nothing that changes the meaning`, () => {
    const traits = plainTraits(id);
    assert.deepEqual(traits, {
      family: "other",
      anthropicMessages: false,
      // Sent to every model.
      system: "first",
      prefill: "any",
      sampling: "both",
      topKPath: "top_k",
      stopSequences: "any",
      tools: "streamed",
      toolNameHyphens: true,
      toolCallIds: "any",
      // Optional: Bedrock refuses them before the answer begins.
      toolChoice: FORCED,
      strictTools: true,
      structuredOutput: "schema",
      promptCaching: ["system", "messages", "tools"],
      cacheTtls: ["5m", "1h"],
      cacheableDocuments: "any",
      reasoningEffort: {
        minimal: { reasoning_effort: "low" },
        low: { reasoning_effort: "low" },
        medium: { reasoning_effort: "medium" },
        high: { reasoning_effort: "high" },
        xhigh: { reasoning_effort: "high" },
      },
      embeddings: "none",
      embeddingDimensions: [],
      rerank: "none",
      // Not sent.
      reasoningHistory: "none",
      toolResultMedia: [],
      toolResultStatus: false,
      searchResults: false,
      forcedChoiceWithThinking: false,
      singleToolCall: false,
      thinkingTypes: [],
      efforts: [],
      // Not known.
      maxOutputTokens: undefined,
      thinksByDefault: false,
      thoughtText: "always",
      maxEffortWithoutThinking: "max",
      refusesLimitsWith: {},
    });
  });
}

for (
  const id of [
    "us.anthropic.claude-opus-6",
    "anthropic.claude-saga-7-20280101-v1:0",
    "anthropic.claude-fable-5-2",
  ]
) {
  Deno.test(`unknown Claude "${id}" has the traits of the newest one`, () => {
    assert.deepEqual(plainTraits(id), plainTraits("anthropic.claude-opus-5-5"));
  });
}

Deno.test("every effort that is sent is one that the model accepts", () => {
  for (const id of CASES.flatMap(([ids]) => ids)) {
    const { efforts, reasoningEffort, thinkingTypes } = traitsOf(id, builtInModelTable());
    for (const fields of reasoningEffort.values()) {
      const { output_config: config, thinking } = fields;
      if (typeof config === "object" && config !== null && "effort" in config) {
        assert.ok(efforts.some((effort) => effort === config.effort), `${id}: ${JSON.stringify(fields)}`);
      }
      if (typeof thinking === "object" && thinking !== null && "type" in thinking) {
        assert.ok(
          [...thinkingTypes].some((type) => type === thinking.type),
          `${id}: ${JSON.stringify(fields)}`,
        );
      }
    }
  }
});
