/** Tools in Claude's own body: custom tools, and those that Anthropic defines. */

import { z } from "zod";
import type { JsonValue } from "../../base/json.ts";
import type { Model } from "../model/catalog.ts";
import type { Tool } from "../model/prompt.ts";
import { ModelRefusal } from "../server/exception.ts";
import { isOpened } from "./claude_flags.ts";
import { describeIssues, wrongTag } from "./claude_issues.ts";
import { cacheControl, CLAUDE_NAME } from "./claude_shapes.ts";

/** Fields of a custom tool that require a beta flag, with prefixes of the flags. */
const FLAGGED_MEMBERS = {
  allowed_callers: ["tool-search-tool-"],
  defer_loading: ["tool-search-tool-"],
  // AWS documents tool-examples; Anthropic's advanced-tool-use includes it, and is tool-search-tool on Bedrock.
  input_examples: ["tool-examples-", "tool-search-tool-"],
} as const;

const custom = z.strictObject({
  type: z.literal("custom").nullish(),
  name: CLAUDE_NAME,
  description: z.string().optional(),
  input_schema: z.json(),
  strict: z.boolean().optional(),
  cache_control: cacheControl,
  allowed_callers: z.array(z.string()).optional(),
  defer_loading: z.boolean().optional(),
  input_examples: z.array(z.json()).optional(),
});

/** A tool whose schema Anthropic defines. */
const known = z.looseObject({
  type: z.string(),
  name: CLAUDE_NAME.optional(),
  cache_control: cacheControl,
});

/**
 * Tool types that Anthropic defines, and the flags that they require. Tools that run at Anthropic are not on Bedrock.
 */
const KNOWN_TOOLS = [
  { type: /^bash_\d{8}$/, flags: undefined },
  { type: /^text_editor_\d{8}$/, flags: undefined },
  { type: /^computer_\d{8}$/, flags: ["computer-use-"] },
  { type: /^mcp_toolset$/, flags: ["mcp-client-"] },
  { type: /^memory_\d{8}$/, flags: ["context-management-"] },
  { type: /^tool_search_tool_(bm25|regex)(_\d{8})?$/, flags: ["tool-search-tool-"] },
] as const;

/** The types that an error lists. */
const EXPECTED_TYPES = [
  "bash_20250124",
  "custom",
  "text_editor_20250124",
  "text_editor_20250429",
  "text_editor_20250728",
];

/** A tool of either kind. */
export interface ClaudeTool extends Omit<Tool, "kind"> {
  readonly cacheControl: z.infer<typeof cacheControl>;
}

/** Parses the tools of a body; throws `ModelRefusal` in the words of Anthropic's API. */
export function parseClaudeTools(
  tools: readonly JsonValue[],
  { flags, model }: { readonly flags: readonly string[]; readonly model: Model },
): ClaudeTool[] {
  return tools.map((tool, at) => {
    const type = typeOf(tool);
    if (type !== "custom") return parseKnownTool(tool, { type, at, flags });
    const parsed = parse(custom, tool, at);
    for (const [name, starts] of Object.entries(FLAGGED_MEMBERS)) {
      if (parsed[name as keyof typeof FLAGGED_MEMBERS] !== undefined && !isOpened(flags, starts)) {
        throw extra(at, name);
      }
    }
    const { name, description = "", input_schema: schema, strict } = parsed;
    if (strict !== undefined && !model.strictTools) throw extra(at, "strict");
    return { name, description, schema, strict, cacheControl: parsed.cache_control };
  });
}

function parseKnownTool(
  tool: JsonValue,
  { type, at, flags }: { readonly type: string; readonly at: number; readonly flags: readonly string[] },
): ClaudeTool {
  const kind = KNOWN_TOOLS.find((kind) => kind.type.test(type));
  if (kind === undefined || kind.flags !== undefined && !isOpened(flags, kind.flags)) {
    throw new ModelRefusal(wrongTag(type, `tools.${at}`, EXPECTED_TYPES));
  }
  const { name = type, cache_control } = parse(known, tool, at);
  return { name, description: "", schema: { type: "object" }, cacheControl: cache_control };
}

function typeOf(tool: JsonValue): string {
  const { data } = z.looseObject({ type: z.string() }).safeParse(tool);
  return data?.type ?? "custom";
}

function parse<Tool>(shape: z.ZodType<Tool>, tool: JsonValue, at: number): Tool {
  const result = shape.safeParse(tool, { reportInput: true });
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => ({ ...issue, path: ["tools", at, ...issue.path] }));
  const before: null[] = Array.from({ length: at }, () => null);
  throw new ModelRefusal(describeIssues(issues, { tools: [...before, tool] }));
}

function extra(at: number, name: string): ModelRefusal {
  return new ModelRefusal(`tools.${at}.custom.${name}: Extra inputs are not permitted`);
}
