/** The caller's models in the form that Codex reads: a catalog of what each can do and how Codex should use it. */

import type { ModelTraits } from "../facts/traits.ts";
import { contextWindowOf } from "../facts/context_windows.ts";
import type { Model } from "../snapshot/snapshot.ts";

/** The longest tool output that Codex sends to the model. */
const MAX_OUTPUT_TOKENS = 10_000;

/**
 * Codex requires instructions, which replace its prompt for its own models. It describes the sandbox, the user's files
 * and `AGENTS.md` in separate messages.
 */
const INSTRUCTIONS = `You are a coding agent in the Codex CLI, working with the user in their repository.

Work until the task is done: look before you change, make the smallest change that solves the problem at its root, keep the style of the code around it, and check your work by running the tests or the program if possible. Never revert changes that you did not make, and do not commit unless you are asked to.

Search with rg if it is installed. Run commands with the shell tool and set its working directory rather than using cd. Edit files with apply_patch if you have that tool: its input is a patch that begins with "*** Begin Patch" and ends with "*** End Patch", with paths relative to the working directory. Before a group of tool calls, say in one sentence what you are about to do.

Follow the instructions in AGENTS.md files for everything below their folder; deeper files override those above, and the user overrides both. If the sandbox refuses a command that you need, ask for approval and say why.

End with a short answer in plain text: what you did, where (as path:line), what you checked, and what is left. If you are asked a question, answer it and change nothing.`;

const EFFORTS: Readonly<Record<string, string>> = {
  minimal: "Minimal reasoning",
  low: "Fast, with little reasoning",
  medium: "Balanced speed and reasoning",
  high: "More reasoning for hard problems",
  xhigh: "Extensive reasoning for hard problems",
  max: "Maximum reasoning",
};

/** Whether the model takes part in conversations, rather than making embeddings or ranking documents. */
export function isConversational({ targets: [{ traits }] }: Model): boolean {
  return traits.embeddings === "none" && traits.rerank === "none";
}

/** An entry of Codex's model catalog (`codex-rs/protocol/src/openai_models.rs`); `priority` orders its list. */
export function codexModel({ name, targets }: Model, priority: number) {
  const [{ traits }] = targets;
  return {
    slug: name,
    display_name: name,
    supported_reasoning_levels: reasoningLevels(traits),
    shell_type: "unified_exec",
    visibility: "list",
    supported_in_api: true,
    priority,
    context_window: contextWindowOf(traits.family),
    apply_patch_tool_type: "freeform",
    truncation_policy: { mode: "tokens", limit: MAX_OUTPUT_TOKENS },
    supports_parallel_tool_calls: true,
    input_modalities: traits.toolResultMedia.has("image") ? ["text", "image"] : ["text"],
    supports_reasoning_summaries: traits.reasoningEffort.size > 0,
    support_verbosity: false,
    experimental_supported_tools: [],
    base_instructions: INSTRUCTIONS,
  };
}

function reasoningLevels({ reasoningEffort }: ModelTraits) {
  return Object.entries(EFFORTS)
    .filter(([effort]) => reasoningEffort.has(effort))
    .map(([effort, description]) => ({ effort, description }));
}
