/** Anthropic's beta flags on Bedrock, and the fields that require one. */

import { ModelRefusal } from "../server/exception.ts";

/** The beta flags that Bedrock passes on; any other makes it refuse the request. */
const BETA_FLAGS: ReadonlySet<string> = new Set([
  "compact-2026-01-12",
  "computer-use-2024-10-22",
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "dev-full-thinking-2025-05-14",
  "effort-2025-11-24",
  "fine-grained-tool-streaming-2025-05-14",
  "interleaved-thinking-2025-05-14",
  "mcp-client-2025-04-04",
  "mcp-client-2025-11-20",
  "model-context-window-exceeded-2025-08-26",
  "output-128k-2025-02-19",
  "pdfs-2024-09-25",
  "search-results-2025-06-09",
  "structured-outputs-2025-11-13",
  "token-counting-2024-11-01",
  "token-efficient-tools-2025-02-19",
  "tool-examples-2025-10-29",
  "tool-search-tool-2025-10-19",
  "web-search-2025-03-05",
]);

/** Throws `ModelRefusal` for an unknown flag. */
export function checkFlags(flags: readonly string[]): void {
  if (flags.some((flag) => !BETA_FLAGS.has(flag))) throw new ModelRefusal("invalid beta flag");
}

/** Whether a flag has one of the prefixes. */
export function isOpened(flags: readonly string[], starts: readonly string[]): boolean {
  return flags.some((flag) => starts.some((start) => flag.startsWith(start)));
}

/** Fields that require a beta flag, with prefixes of the flags. */
const FLAGGED_FIELDS = [
  { name: "context_management", starts: ["context-management-", "compact-"] },
  { name: "mcp_servers", starts: ["mcp-client-"] },
] as const;

/** Throws `ModelRefusal` for a field without its flag. */
export function checkFlaggedFields(
  body: { readonly context_management?: unknown; readonly mcp_servers?: unknown },
  flags: readonly string[],
): void {
  for (const { name, starts } of FLAGGED_FIELDS) {
    if (body[name] !== undefined && !isOpened(flags, starts)) {
      throw new ModelRefusal(`${name}: Extra inputs are not permitted`);
    }
  }
}
