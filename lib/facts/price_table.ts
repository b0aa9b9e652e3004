/** The table of prices in `config/data/prices.yaml`, and the lookup of a model's price by id and region. */

import { matchesGlob } from "../base/glob.ts";
import { GUARDRAIL_PARTS } from "../base/usage.ts";
import builtIn from "./prices.json" with { type: "json" };
import type { TokenPart } from "./token_parts.ts";

/** Units of models: an image made or read, a search of a reranker, a second of audio or video. */
const MODEL_UNITS = ["image", "query", "second"] as const;

/** Units of guardrails that have prices. */
const GUARDRAIL_UNITS = GUARDRAIL_PARTS.filter((part) => part !== "other");

/** Units that are billed, other than tokens. */
export const UNIT_PARTS = [...MODEL_UNITS, ...GUARDRAIL_UNITS] as const;
export type UnitPart = (typeof UNIT_PARTS)[number];

/** The `match` of rows with the prices of guardrails, instead of a model id. */
export const GUARDRAILS = "guardrails";

/** Service tiers with their own prices; `batch` and `optimized` are not service tiers, but are billed like one. */
export const PRICED_TIERS = ["flex", "priority", "reserved", "batch", "optimized"] as const;

/** Picodollars per token of a part; an absent part has no known price. */
export type TokenPrices = Readonly<Partial<Record<TokenPart, number>>>;

/** The price of a model in some regions, as plain data. All amounts are integers. */
export interface PriceRow {
  /** Identifies the row in the usage ledger: its source, the pattern that matched or its first one, regions and date. */
  readonly id: string;
  readonly source: PriceSource;
  /** Globs over model ids, including the geography. */
  readonly ids: readonly string[];
  /** Globs over regions; empty for all. */
  readonly regions: readonly string[];
  /** Milliseconds since the Unix epoch from which the row applies. */
  readonly fromMs: number;
  readonly tokens: TokenPrices;
  /** Prices of the whole request if its prompt exceeds a size; the largest size first. */
  readonly over: readonly { readonly inputTokens: number; readonly tokens: TokenPrices }[];
  /** Factors of all token prices by service tier, in millionths. */
  readonly tiers: Readonly<Record<string, number>>;
  /** Picodollars for each unit. */
  readonly units: Readonly<Partial<Record<UnitPart, number>>>;
}

export type PriceSource = "built_in" | "prices_file";

/** US dollars per million tokens, as strings so that no digit is lost. */
type WrittenTokenPrices = { readonly [Part in TokenPart]?: string | undefined };

/** A row in the form of its file. */
export interface WrittenPrice {
  readonly match: string | readonly string[];
  readonly regions?: readonly string[] | undefined;
  readonly usd_per_million?: WrittenTokenPrices | undefined;
  readonly over?:
    | readonly { readonly input_tokens: number; readonly usd_per_million: WrittenTokenPrices }[]
    | undefined;
  /** A factor such as `x0.5`. */
  readonly tiers?: { readonly [Tier in (typeof PRICED_TIERS)[number]]?: string | undefined } | undefined;
  readonly usd_per_unit?: { readonly [Part in UnitPart]?: string | undefined } | undefined;
  /** A date, such as `2027-01-31`. */
  readonly from?: string | undefined;
}

/** One US dollar in picodollars. */
const PICO = 1_000_000_000_000;

/** Compiled rows, in the same order. */
export function compilePrices(rows: readonly WrittenPrice[], source: PriceSource): readonly PriceRow[] {
  return rows.map((row) => {
    const ids = [row.match].flat();
    const limits = [...(row.regions ?? []), ...(row.from === undefined ? [] : [row.from])];
    return {
      id: `${source === "built_in" ? "built-in" : "file"} ${ids[0]}${
        limits.length === 0 ? "" : ` (${limits.join(", ")})`
      }`,
      source,
      ids,
      regions: row.regions ?? [],
      fromMs: row.from === undefined ? 0 : Date.parse(`${row.from}T00:00:00Z`),
      tokens: perToken(row.usd_per_million),
      over: (row.over ?? [])
        .map(({ input_tokens, usd_per_million }) => ({
          inputTokens: input_tokens,
          tokens: { ...perToken(row.usd_per_million), ...perToken(usd_per_million) },
        }))
        .sort((one, other) => other.inputTokens - one.inputTokens),
      tiers: Object.fromEntries(
        defined(row.tiers).map(([tier, factor]) => [tier, decimal(factor.slice(1), 1_000_000)]),
      ),
      units: Object.fromEntries(
        defined(row.usd_per_unit).map(([unit, price]) => [unit, decimal(price, PICO)]),
      ),
    };
  });
}

/** A dollar per million tokens is a million picodollars per token. */
function perToken(prices: WrittenPrice["usd_per_million"]): TokenPrices {
  return Object.fromEntries(
    defined(prices).map(([part, price]) => [part, decimal(price, 1_000_000)]),
  );
}

/** The members that are set. */
function defined(
  members: Readonly<Record<string, string | undefined>> = {},
): readonly (readonly [string, string])[] {
  return Object.entries(members).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const]
  );
}

/** A decimal number times a power of ten, without a rounding error. */
function decimal(text: string, scale: number): number {
  const [whole = "", fraction = ""] = text.split(".");
  const digits = Math.round(Math.log10(scale));
  return Number(whole) * scale + Number(fraction.padEnd(digits, "0").slice(0, digits));
}

let builtInRows: readonly PriceRow[] | undefined;

/** The built-in rows, compiled on first use. They are not checked at start, because a test does that. */
export function builtInPrices(): readonly PriceRow[] {
  return builtInRows ??= compilePrices(builtIn.rows as readonly WrittenPrice[], "built_in");
}

/** Source and date of the built-in prices. */
export const BUILT_IN_PRICES: { readonly source: string; readonly date: string } = {
  source: builtIn.source,
  date: builtIn.date,
};

/** The model and region that a request is billed for. */
export interface Billed {
  /** Model id, inference profile id or ARN. */
  readonly id: string;
  /** The id of the underlying model, if the ARN does not contain it. */
  readonly baseModel?: string | undefined;
  readonly region: string;
}

/** Finds prices by model id and region, and caches the results. */
export class PriceBook {
  /** In order of precedence. */
  readonly #sources: readonly (readonly PriceRow[])[];
  /** Matching rows by id and region, the most specific first. */
  readonly #fitting = new Map<string, readonly PriceRow[]>();

  /** All rows of the file override all built-in ones. */
  constructor(rows: readonly PriceRow[]) {
    this.#sources = [rows, builtInPrices()];
  }

  /** The row with the most specific pattern; undefined if the price is unknown. */
  find({ id, baseModel, region }: Billed, nowMs: number): PriceRow | undefined {
    for (const row of this.#rowsFor(billedId(baseModel ?? id), region)) if (row.fromMs <= nowMs) return row;
    return undefined;
  }

  /** The row with the prices of guardrails; rows for all models do not have them. */
  findGuardrails(region: string, nowMs: number): PriceRow | undefined {
    return this.#rowsFor(GUARDRAILS, region).find(({ fromMs, units }) =>
      fromMs <= nowMs && GUARDRAIL_UNITS.some((part) => units[part] !== undefined)
    );
  }

  #rowsFor(billed: string, region: string): readonly PriceRow[] {
    const key = `${region} ${billed}`;
    let rows = this.#fitting.get(key);
    if (rows === undefined) {
      if (this.#fitting.size >= MAX_KEPT) this.#fitting.clear();
      rows = this.#fit(billed, region);
      this.#fitting.set(key, rows);
    }
    return rows;
  }

  #fit(billed: string, region: string): readonly PriceRow[] {
    return this.#sources.flatMap((source) => bestFirst(source, billed, region));
  }
}

/** Maximum number of cached results: callers with native access choose the ids. */
const MAX_KEPT = 4096;

/** The id, taken from its ARN, without the suffix of a context size, which does not change the price. */
function billedId(id: string): string {
  const resource = id.startsWith("arn:")
    ? /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:foundation-model|inference-profile)\/(.*)$/s.exec(id)?.[1]
    : undefined;
  return (resource ?? id).replace(/:\d+k$/, "");
}

function bestFirst(rows: readonly PriceRow[], id: string, region: string): readonly PriceRow[] {
  return rows
    .filter((row) => row.regions.length === 0 || row.regions.some((glob) => matchesGlob(glob, region)))
    .flatMap((row) => {
      const glob = bestOf(row.ids.filter((each) => matchesGlob(each, id)), id);
      return glob === undefined ? [] : [{ row: namedBy(row, glob), fit: fitOf(glob, id) }];
    })
    .sort((one, other) =>
      other.fit - one.fit || Math.sign(other.row.regions.length) - Math.sign(one.row.regions.length) ||
      other.row.fromMs - one.row.fromMs
    )
    .map(({ row }) => row);
}

/** The row, named after one of its patterns, which becomes its first. */
export function namedBy(row: PriceRow, pattern: string): PriceRow {
  const [first = ""] = row.ids;
  if (pattern === first) return row;
  const ids = [pattern, ...row.ids.filter((each) => each !== pattern)];
  return { ...row, ids, id: row.id.replace(first, () => pattern) };
}

/** The most specific of the patterns that match an id; undefined if there are none. */
function bestOf(globs: readonly string[], id: string): string | undefined {
  return globs.toSorted((one, other) => fitOf(other, id) - fitOf(one, id))[0];
}

/** How specific a matching pattern is: its number of literal characters, or more for the id itself. */
function fitOf(glob: string, id: string): number {
  return glob === id ? Number.MAX_SAFE_INTEGER : 1 + glob.replaceAll("*", "").length;
}
