/** The models of the emulator: names, profiles and capabilities. */

import { CAPABILITIES, type Capabilities } from "./capabilities.ts";

export interface Model extends Capabilities {
  readonly id: string;
  readonly name: string;
  /** Geographies of its inference profiles. */
  readonly profiles: readonly string[];
  /** Whether the bare id may be used, not only a profile. */
  readonly onDemand: boolean;
  readonly countsTokens: boolean;
  /** Whether its streams begin with an empty text block. */
  readonly emptyLead?: boolean;
}

const claude = { profiles: ["us", "eu", "global"], onDemand: false, countsTokens: true };
const nova = { profiles: ["us", "eu", "apac"], onDemand: true, countsTokens: false };
const open = { profiles: [], onDemand: true, countsTokens: false };
const american = { ...open, profiles: ["us"], onDemand: false };

const { newClaude, claude46, claude45, claude4, claude3 } = CAPABILITIES;

/**
 * Claude 5.5 always thinks, and its tool calls cannot be forced. Reports disagree about schemas (vercel/ai #21364: they
 * work; litellm #42717: they are refused); they are accepted here, because no other structured output is left.
 */
const claude55: Capabilities = {
  ...newClaude,
  // AWS also lists Opus 4.8 for Converse; according to reports, Converse refuses it (stdapi.ai #49, litellm #41082).
  system: "invoke",
  thinking: ["adaptive"],
  thinksByDefault: true,
  toolChoice: ["auto"],
  jsonSchema: true,
};

/** Claude 5 thinks by default. */
const claude5: Capabilities = { ...newClaude, system: "invoke", thinksByDefault: true };

export const MODELS: readonly Model[] = [
  { ...claude, ...claude55, id: "anthropic.claude-fable-5-1", name: "Claude Fable 5.1" },
  { ...claude, ...claude55, id: "anthropic.claude-opus-5-5", name: "Claude Opus 5.5" },
  {
    ...claude,
    ...claude55,
    id: "anthropic.claude-sonnet-5-5",
    name: "Claude Sonnet 5.5",
    thinking: ["adaptive", "between_tools"],
  },
  {
    ...claude,
    ...claude5,
    id: "anthropic.claude-fable-5",
    name: "Claude Fable 5",
    thinking: ["adaptive"],
    // https://github.com/BerriAI/litellm-docs/pull/328; max works according to SkillfulAgents/SuperAgent #1142.
    efforts: ["low", "medium", "high", "xhigh"],
    // Anthropic's migration guide: only 5.1 refuses forced calls; langchain-aws #1273: 5 refuses them as well.
    toolChoice: ["auto", "any", "tool"],
  },
  { ...claude, ...claude5, id: "anthropic.claude-opus-5", name: "Claude Opus 5" },
  {
    ...claude,
    ...claude5,
    id: "anthropic.claude-sonnet-5",
    name: "Claude Sonnet 5",
    // Clients disagree whether it accepts system messages (langchainjs 1.5.13: yes; aiquila #413: no).
    system: "first",
  },
  {
    ...claude,
    ...newClaude,
    id: "anthropic.claude-opus-4-8",
    name: "Claude Opus 4.8",
    system: "invoke",
    // Like Opus 4.7.
    thinking: ["adaptive"],
  },
  {
    ...claude,
    ...newClaude,
    id: "anthropic.claude-opus-4-7",
    name: "Claude Opus 4.7",
    forcedWithThinking: false,
    // AWS's page on adaptive thinking; thinking is off by default.
    thinking: ["adaptive"],
  },
  { ...claude, ...claude46, id: "anthropic.claude-opus-4-6-v1", name: "Claude Opus 4.6" },
  {
    ...claude,
    ...claude46,
    id: "anthropic.claude-sonnet-4-6",
    name: "Claude Sonnet 4.6",
    // https://github.com/can1357/oh-my-pi/pull/192; max works according to SkillfulAgents/SuperAgent #1142.
    efforts: ["low", "medium", "high"],
    // AWS's model card; Anthropic's limit is 128K.
    maxOutputTokens: 64_000,
  },
  {
    ...claude,
    ...claude45,
    id: "anthropic.claude-opus-4-5-20251101-v1:0",
    name: "Claude Opus 4.5",
    efforts: ["low", "medium", "high"],
  },
  {
    ...claude,
    ...claude45,
    id: "anthropic.claude-sonnet-4-5-20250929-v1:0",
    name: "Claude Sonnet 4.5",
    searchResults: true,
  },
  { ...claude, ...claude45, id: "anthropic.claude-haiku-4-5-20251001-v1:0", name: "Claude Haiku 4.5" },
  {
    ...claude,
    ...claude4,
    id: "anthropic.claude-opus-4-1-20250805-v1:0",
    name: "Claude Opus 4.1",
    profiles: ["us"],
    maxOutputTokens: 32_000,
    sampling: "one",
  },
  {
    ...claude,
    ...claude4,
    id: "anthropic.claude-sonnet-4-20250514-v1:0",
    name: "Claude Sonnet 4",
    profiles: ["us", "eu", "apac", "global"],
  },
  {
    ...claude,
    ...claude4,
    id: "anthropic.claude-3-7-sonnet-20250219-v1:0",
    name: "Claude 3.7 Sonnet",
    profiles: ["us", "eu", "apac"],
  },
  {
    ...claude,
    ...claude3,
    id: "anthropic.claude-3-haiku-20240307-v1:0",
    name: "Claude 3 Haiku",
    cachePlaces: [],
    profiles: ["us"],
    onDemand: true,
    maxOutputTokens: 4096,
  },
  {
    ...nova,
    ...CAPABILITIES.nova,
    id: "amazon.nova-micro-v1:0",
    name: "Nova Micro",
    media: [],
    toolResultMedia: [],
  },
  { ...nova, ...CAPABILITIES.nova, id: "amazon.nova-lite-v1:0", name: "Nova Lite" },
  { ...nova, ...CAPABILITIES.nova, id: "amazon.nova-pro-v1:0", name: "Nova Pro" },
  {
    ...nova,
    ...CAPABILITIES.nova,
    id: "amazon.nova-2-lite-v1:0",
    name: "Nova 2 Lite",
    profiles: ["us", "eu", "global"],
    onDemand: false,
    maxOutputTokens: 64_000,
    reasoning: "nova",
  },
  {
    ...american,
    ...CAPABILITIES.llama,
    id: "meta.llama3-3-70b-instruct-v1:0",
    name: "Llama 3.3 70B Instruct",
  },
  {
    ...american,
    ...CAPABILITIES.llama,
    id: "meta.llama4-maverick-17b-instruct-v1:0",
    name: "Llama 4 Maverick",
    media: ["image", "document"],
    // AWS's reference names only Claude and Nova; Llama 4 accepts it according to opencode #49443.
    toolResultMedia: ["image"],
  },
  {
    ...open,
    ...CAPABILITIES.open,
    id: "mistral.mistral-7b-instruct-v0:2",
    family: "mistral",
    name: "Mistral 7B",
    tools: "none",
    toolChoice: [],
    system: "none",
  },
  {
    ...open,
    ...CAPABILITIES.open,
    id: "mistral.mistral-large-2407-v1:0",
    name: "Mistral Large",
    toolChoice: ["auto", "any"],
  },
  {
    ...open,
    ...CAPABILITIES.open,
    id: "cohere.command-r-v1:0",
    family: "command",
    name: "Command R",
    toolChoice: ["auto"],
    maxOutputTokens: 4096,
  },
  { ...open, ...CAPABILITIES.openai, id: "openai.gpt-oss-20b-1:0", name: "gpt-oss 20B", emptyLead: true },
  { ...open, ...CAPABILITIES.openai, id: "openai.gpt-oss-120b-1:0", name: "gpt-oss 120B", emptyLead: true },
  {
    ...american,
    ...CAPABILITIES.openai,
    id: "openai.gpt-5.6-sol",
    name: "GPT-5.6 Sol",
    profiles: ["us", "global"],
    media: ["image", "document"],
    // https://github.com/vercel/ai/releases/tag/@ai-sdk%2Famazon-bedrock@5.0.99
    sampling: "none",
    reasoningHistory: "redacted",
    strictTools: false,
  },
  {
    ...american,
    ...CAPABILITIES.open,
    id: "deepseek.r1-v1:0",
    name: "DeepSeek-R1",
    tools: "none",
    toolChoice: [],
    reasoning: "always",
    thinksByDefault: true,
    // Its model card advises against it; no report says that Bedrock refuses it.
    reasoningHistory: "unsigned",
    maxOutputTokens: 32_768,
  },
  { ...open, ...CAPABILITIES.chat, id: "deepseek.v3-v1:0", name: "DeepSeek-V3.1" },
  { ...open, ...CAPABILITIES.chat, id: "qwen.qwen3-32b-v1:0", name: "Qwen3 32B", stopSequences: "none" },
  {
    ...open,
    ...CAPABILITIES.chat,
    id: "qwen.qwen3-vl-235b-a22b",
    name: "Qwen3 VL 235B",
    media: ["image"],
    stopSequences: "none",
  },
];
