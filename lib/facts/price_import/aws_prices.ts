/** Converts AWS's price list files of Bedrock (offer index files) to rows of the table of prices. */

import { geographiesOf } from "../geography.ts";
import type { UnitPart, WrittenPrice } from "../price_table.ts";
import { TOKEN_PARTS, type TokenPart } from "../token_parts.ts";
import { type Attributes, type Meter, meterOf } from "./aws_meter.ts";
import { ModelNames } from "./model_names.ts";
import type { ImportedPrices, Priced } from "./row_groups.ts";

export interface AwsImport {
  /** The model ids to compare with AWS's names of models. */
  readonly knownIds: Iterable<string>;
  /** Tokens of the prompt above which a model's long-context prices apply; AWS's files do not contain this number. */
  readonly longContextOf: (id: string) => number | undefined;
}

/**
 * The on-demand prices in an offer index file of AmazonBedrock or AmazonBedrockFoundationModels, from
 * `pricing.us-east-1.amazonaws.com`: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */
export function awsPrices(
  file: Readonly<Record<string, unknown>>,
  { knownIds, longContextOf }: AwsImport,
): ImportedPrices {
  const unmapped = new Map<string, string>();
  const tables = tablesOf(file, { names: new ModelNames(knownIds), unmapped });
  const rows = rowsOf(tables, { longContextOf, unmapped });
  return {
    rows: rows.toSorted((one, other) => String(one.match) < String(other.match) ? -1 : 1),
    unmapped: [...unmapped].map(([shown, reason]) => reason === "" ? shown : `${shown}: ${reason}`),
  };
}

interface TablesOptions {
  readonly names: ModelNames;
  /** Receives the products without a price in a table, with the reason. */
  readonly unmapped: Map<string, string>;
}

/** The prices of all products, by model and region. */
function tablesOf(
  file: Readonly<Record<string, unknown>>,
  { names, unmapped }: TablesOptions,
): readonly Table[] {
  const tables = new Map<string, Table>();
  for (const [sku, product] of Object.entries(memberOf(file, "products"))) {
    const attributes = attributesOf(product);
    const meter = meterOf(attributes);
    // Without the prefix of the region, so that a product is listed once.
    const shown = shownOf(attributes);
    if (typeof meter === "string") {
      unmapped.set(shown, meter);
      continue;
    }
    const ids = names.idsOf(meter.model);
    const { regionCode: region } = attributes;
    const price = priceOf(file, sku);
    if (ids.length === 0) unmapped.set(shown, `no model id is known for ${JSON.stringify(meter.model)}`);
    else if (region === undefined) unmapped.set(shown, "the product names no region");
    else if (typeof price === "string") unmapped.set(shown, price);
    else {
      const key = JSON.stringify([ids, region, meter.isGlobal]);
      const table = tables.get(key) ?? new Table({ ids, region, isGlobal: meter.isGlobal });
      tables.set(key, table);
      const conflict = table.add(meter, price);
      if (conflict !== undefined) unmapped.set(shown, conflict);
    }
  }
  return [...tables.values()];
}

interface RowsOptions extends Pick<AwsImport, "longContextOf"> {
  /** Receives the prices without a row, whose reason is in the key. */
  readonly unmapped: Map<string, string>;
}

/** One row for the regions in which a model has the same prices. */
function rowsOf(
  tables: readonly Table[],
  { longContextOf, unmapped }: RowsOptions,
): readonly WrittenPrice[] {
  const groups = new Map<
    string,
    { readonly table: Table; readonly row: Priced; readonly regions: string[] }
  >();
  for (const table of tables) {
    const { row, lost } = table.priced(longContextOf(table.ids[0] ?? ""));
    for (const reason of lost) unmapped.set(`${table.name}: ${reason}`, "");
    if (row === undefined) continue;
    const key = JSON.stringify([table.ids, row]);
    const group = groups.get(key) ?? { table, row, regions: [] };
    group.regions.push(table.region);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ table: { ids }, row, regions }): WrittenPrice => ({
    match: ids.length === 1 ? String(ids[0]) : [...ids],
    regions: regions.toSorted(),
    ...row,
  }));
}

interface TableOptions {
  readonly ids: readonly string[];
  readonly region: string;
  readonly isGlobal: boolean;
}

/** The prices of one model in one region, which also apply to calls of geographic profiles in that region. */
class Table {
  readonly region: string;
  readonly name: string;
  readonly ids: readonly string[];
  /** By tier. */
  readonly #prices = new Map<Meter["tier"], Map<Meter["part"], Price>>();
  /** Of long prompts, in the standard tier. */
  readonly #long = new Map<Meter["part"], Price>();

  constructor({ ids, region, isGlobal }: TableOptions) {
    this.region = region;
    this.name = `${isGlobal ? "global " : ""}${ids[0]} in ${region}`;
    const prefixes = isGlobal ? ["global."] : ["", ...geographiesOf(region).map((each) => `${each}.`)];
    this.ids = ids.flatMap((id) => prefixes.map((prefix) => prefix + id));
  }

  /** Adds a price; returns the reason it cannot be added. */
  add({ part, tier, isLong }: Meter, price: Price): string | undefined {
    // A tier has the same factor for prompts of any size.
    if (isLong && tier !== undefined) return undefined;
    const parts = isLong ? this.#long : this.#prices.get(tier) ?? new Map<Meter["part"], Price>();
    if (!isLong) this.#prices.set(tier, parts);
    const known = parts.get(part);
    if (known !== undefined && (known.usd !== price.usd || known.per !== price.per)) {
      return `another product has a different price for ${part}`;
    }
    parts.set(part, price);
    return undefined;
  }

  /** The row; `longContext` is the size of prompts above which the prices of long ones apply. */
  priced(
    longContext: number | undefined,
  ): { readonly row: Priced | undefined; readonly lost: readonly string[] } {
    const lost: string[] = [];
    const standard = this.#prices.get(undefined) ?? new Map<Meter["part"], Price>();
    const { tokens, units } = written(standard, lost);
    if (this.#long.size > 0 && longContext === undefined) {
      return { row: undefined, lost: ["the size above which the prices of long prompts apply is unknown"] };
    }
    const over = longContext === undefined || this.#long.size === 0
      ? []
      : [{ input_tokens: longContext, usd_per_million: written(this.#long, lost).tokens }];
    const tiers: Record<string, string> = {};
    for (const [tier, parts] of this.#prices) {
      if (tier === undefined) continue;
      const factor = factorOf(standard, parts);
      if (factor === undefined) {
        lost.push(`the prices of tier ${tier} are not a multiple of the standard prices`);
      } else tiers[tier] = factor;
    }
    if (Object.keys(tokens).length + Object.keys(units).length === 0) {
      return { row: undefined, lost: [...lost, "no price for the standard tier"] };
    }
    return {
      row: {
        ...(Object.keys(tokens).length === 0 ? {} : { usd_per_million: tokens }),
        ...(over.length === 0 ? {} : { over }),
        ...(Object.keys(tiers).length === 0 ? {} : { tiers }),
        ...(Object.keys(units).length === 0 ? {} : { usd_per_unit: units }),
      },
      lost,
    };
  }
}

interface Written {
  readonly tokens: Partial<Record<TokenPart, string>>;
  readonly units: Partial<Record<UnitPart, string>>;
}

function written(prices: ReadonlyMap<Meter["part"], Price>, lost: string[]): Written {
  const tokens: Partial<Record<TokenPart, string>> = {};
  const units: Partial<Record<UnitPart, string>> = {};
  for (const [part, price] of prices) {
    const text = isTokenPart(part) ? shifted(price, 6) : shifted(price, 0);
    if (text === undefined) lost.push(`the price of ${part} has more digits than a row can have`);
    else if (isTokenPart(part)) tokens[part] = text;
    else units[part] = text;
  }
  return { tokens, units };
}

function isTokenPart(part: Meter["part"]): part is TokenPart {
  return TOKEN_PARTS.some((each) => each === part);
}

/** US dollars for a number of units, which is a power of ten. */
interface Price {
  readonly usd: string;
  readonly per: number;
}

/** The on-demand price of a product, or the reason it has none. */
function priceOf(file: Readonly<Record<string, unknown>>, sku: string): Price | string {
  const terms = Object.values(memberOf(memberOf(memberOf(file, "terms"), "OnDemand"), sku));
  const dimensions = terms.flatMap((term) => Object.values(memberOf(term, "priceDimensions")));
  const [dimension, second] = dimensions;
  if (dimension === undefined) return "no price on demand";
  if (second !== undefined) return "the price depends on the amount";
  const usd = memberOf(dimension, "pricePerUnit")["USD"];
  if (typeof usd !== "string" || !/^\d+(?:\.\d+)?$/.test(usd)) return "no price in US dollars";
  const { unit = "", description = "" } = textsOf(dimension);
  const per = unitsOf(unit, description);
  return per === undefined ? `unknown unit ${JSON.stringify(unit)}` : { usd, per };
}

/** The number of units that a price is for: `1M tokens`, `1K tokens`, or `Units` that the description explains. */
function unitsOf(unit: string, description: string): number | undefined {
  for (const text of [unit, description]) {
    const [, count = "1", scale = ""] = /(?<![a-z])(\d[\d,]*)?\s*(k|m|thousand|million)\b/i.exec(text) ?? [];
    if (scale === "") continue;
    return Number(count.replaceAll(",", "")) * (/^[kt]/i.test(scale) ? 1_000 : 1_000_000);
  }
  if (/1,000,000|1000000/.test(unit + description)) return 1_000_000;
  if (/1,000|\b1000\b/.test(unit + description)) return 1_000;
  return /^(?:tokens?|images?|searchs?|search units?|requests?|units?)$/i.test(unit) ? 1 : undefined;
}

/** The price for ten to the power of `exponent` units, without rounding; undefined if it has too many digits. */
function shifted({ usd, per }: Price, exponent: number): string | undefined {
  const shift = exponent - Math.log10(per);
  if (!Number.isInteger(shift)) return undefined;
  const [whole = "", fraction = ""] = usd.split(".");
  const zeros = "0".repeat(Math.abs(shift));
  const digits = shift < 0 ? zeros + whole + fraction : whole + fraction + zeros;
  const point = (shift < 0 ? zeros.length + whole.length : whole.length) + shift;
  const left = digits.slice(0, point).replace(/^0+(?=\d)/, "") || "0";
  const right = digits.slice(point).replace(/0+$/, "");
  if (left.length > 9 || right.length > (exponent === 0 ? 12 : 6)) return undefined;
  return right === "" ? left : `${left}.${right}`;
}

/** The one factor of a tier; undefined if its parts differ or have no standard price. */
function factorOf(
  standard: ReadonlyMap<Meter["part"], Price>,
  tier: ReadonlyMap<Meter["part"], Price>,
): string | undefined {
  const factors = [...tier].map(([part, { usd, per }]) => {
    const base = standard.get(part);
    if (base === undefined || Number(base.usd) === 0) return NaN;
    return Math.round(Number(usd) / per / (Number(base.usd) / base.per) * 1e6) / 1e6;
  });
  const [first] = factors;
  return first !== undefined && factors.every((factor) => factor === first) ? `x${first}` : undefined;
}

function shownOf({ servicename = "", model = "", usagetype = "" }: Attributes): string {
  const name = model || servicename;
  const meter = usagetype.replace(/^[A-Z0-9]+-(?:MP:[A-Z0-9]+_)?/, "");
  return [name, meter].filter((text) => text !== "").join(" ") || "a product";
}

function attributesOf(product: unknown): Attributes {
  return textsOf(memberOf(product, "attributes"));
}

function textsOf(value: unknown): Attributes {
  return Object.fromEntries(
    Object.entries(objectOf(value)).flatMap(([key, each]) => typeof each === "string" ? [[key, each]] : []),
  );
}

function memberOf(value: unknown, name: string): Readonly<Record<string, unknown>> {
  return objectOf(objectOf(value)[name]);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
