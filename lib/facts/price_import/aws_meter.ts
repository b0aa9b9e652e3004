/** The meter of a product in AWS's price list: a part of the tokens or a unit, the tier, and the kind of profile. */

import type { UnitPart } from "../price_table.ts";
import type { TokenPart } from "../token_parts.ts";

/** Attributes of a product. */
export type Attributes = Readonly<Record<string, string>>;

export interface Meter {
  readonly part: TokenPart | UnitPart;
  /** The standard tier is undefined. */
  readonly tier: "flex" | "priority" | "batch" | "optimized" | undefined;
  /** Whether it is for global inference profiles; otherwise for regions and geographies. */
  readonly isGlobal: boolean;
  /** Whether it is for prompts above a size, which the file does not contain. */
  readonly isLong: boolean;
  /** The name of the model in the product. */
  readonly model: string;
}

/** The meter of a product, or the reason it has none. */
export function meterOf(attributes: Attributes): Meter | string {
  const { usagetype = "", servicename = "" } = attributes;
  const marketplace = /-MP:[A-Z0-9]+_(.+?)(?:-Units)?$/.exec(usagetype)?.[1];
  return marketplace === undefined ? ownMeter(attributes) : marketplaceMeter(marketplace, servicename);
}

const PLAIN = { tier: undefined, isGlobal: false, isLong: false } as const;

/** AWS Marketplace's meters: `InputTokenCount_Global_Batch`, or `cache_write_tokens_1h_global_standard`. */
function marketplaceMeter(text: string, model: string): Meter | string {
  if (/reserved|provisioned|customi[sz]/i.test(text)) return NOT_ON_DEMAND;
  if (/^search_units/i.test(text)) return { part: "query", ...PLAIN, model };
  if (/^created_image/i.test(text)) return { part: "image", ...PLAIN, model };
  const words = text.replaceAll(/([a-z])(\d)/g, "$1_$2").replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase().split("_");
  return meterWith(words, model);
}

/** Meters of Amazon's own offer: an `inferenceType` such as `Output tokens flex`, and a more specific usage type. */
function ownMeter(attributes: Attributes): Meter | string {
  const { usagetype = "", inferenceType = "", model, titanModel, feature = "" } = attributes;
  // A prefix for the region, the model, and the meter.
  const [, named = "", meter = ""] = OWN_USAGE.exec(usagetype) ?? [];
  const name = model ?? titanModel ?? named.replace(/-mantle$/, "");
  if (NOT_INFERENCE.test(`${usagetype} ${inferenceType} ${feature}`)) return NOT_ON_DEMAND;
  if (/^[TI]2[IV] /.test(inferenceType)) return "the price depends on size and quality";
  const words = `${inferenceType} ${meter}`.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== "");
  if (/batch/i.test(feature)) words.push("batch");
  return name === "" ? "the product names no model" : meterWith(words, name);
}

const OWN_USAGE = /^[A-Z0-9]+-(.+?)-((?:text-)?(?:input|output|cache|prompt)-.*|search-?units?.*)$/i;
const NOT_INFERENCE = /custom|training|provisioned|reserved|evaluation|distill|guardrail|agent|storage|rft/i;
const NOT_ON_DEMAND = "not billed by tokens on demand";

/** Words without further meaning. */
const SILENT: ReadonlySet<string> = new Set([
  ...[
    "token",
    "tokens",
    "count",
    "text",
    "prompt",
    "input",
    "output",
    "standard",
    "on",
    "demand",
    "inference",
  ],
  ...["cross", "region", "geo", "units", "1k", "1m", "of", "for", "model"],
]);

function meterWith(words: readonly string[], model: string): Meter | string {
  const has = (word: string) => words.includes(word);
  const unknown = words.filter((word) => !SILENT.has(word) && !KNOWN.has(word));
  if (unknown.length > 0) return `unknown meter: ${unknown.join(" ")}`;
  const part = partOf(has);
  if (part === undefined) return "neither input, output nor cached tokens";
  const isLong = has("long") || has("lctx") || has("ctx");
  return { part, tier: tierOf(has), isGlobal: has("global"), isLong, model };
}

const KNOWN: ReadonlySet<string> = new Set([
  ...["cache", "read", "write", "1h", "5m", "global", "batch", "flex", "priority", "latency", "optimized"],
  ...["search", "searchunits", "long", "lctx", "ctx", "context"],
]);

function partOf(has: (word: string) => boolean): Meter["part"] | undefined {
  if (has("search") || has("searchunits")) return "query";
  if (has("cache")) {
    if (has("read") === has("write")) return undefined;
    if (has("read")) return "cache_read";
    return has("1h") ? "cache_write_1h" : "cache_write";
  }
  if (has("input") === has("output")) return undefined;
  return has("input") ? "input" : "output";
}

function tierOf(has: (word: string) => boolean): Meter["tier"] {
  if (has("batch")) return "batch";
  if (has("flex")) return "flex";
  if (has("priority")) return "priority";
  return has("optimized") ? "optimized" : undefined;
}
