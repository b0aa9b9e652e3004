/** Shapes shared by Claude's own body and Converse's additional fields. */

import { z } from "zod";
import type { Thinking } from "../model/prompt.ts";

export const cacheControl = z.strictObject({
  type: z.literal("ephemeral"),
  ttl: z.enum(["5m", "1h"]).optional(),
})
  .nullish();

/** Tool names. */
export const CLAUDE_NAME = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);

const display = z.enum(["summarized", "omitted"]).optional();

/** Settings of Claude's thinking. */
export const thinkingShape = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("disabled") }),
  z.strictObject({ type: z.literal("adaptive"), display }),
  z.strictObject({ type: z.literal("between_tools"), display }),
  z.strictObject({ type: z.literal("enabled"), budget_tokens: z.int(), display }),
]).transform((value): Thinking => {
  switch (value.type) {
    case "between_tools":
    case "disabled":
      return { kind: value.type };
    case "adaptive":
      return { kind: "adaptive", display: value.display };
    case "enabled":
      return { kind: "budget", tokens: value.budget_tokens, display: value.display };
  }
});

/** Claude's `output_config`; Bedrock has no `task_budget`, whatever the flag. */
export const outputConfigShape = z.strictObject({
  effort: z.string().nullish(),
  format: z.strictObject({ type: z.literal("json_schema"), schema: z.json() }).nullish(),
});

const parallel = { disable_parallel_tool_use: z.boolean().optional() };

export const toolChoiceShape = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto"), ...parallel }),
  z.strictObject({ type: z.literal("any"), ...parallel }),
  z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
  z.strictObject({ type: z.literal("none") }),
]);
