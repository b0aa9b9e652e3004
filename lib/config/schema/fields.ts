/** The field types of the configuration: each validates and parses values, and describes valid ones in messages. */

import { z } from "zod";

import type { ListenAddress, SocketAddress } from "../../snapshot/snapshot.ts";
import { KNOWN_REGIONS, REGION } from "./regions.ts";
import {
  DURATION,
  formatDuration,
  formatSize,
  LISTEN_ADDRESS,
  parseDuration,
  parseListenAddress,
  parseSize,
  parseSocketAddress,
  SIZE,
} from "./values.ts";

/** Input of error messages about a field. */
export interface About {
  /** Completes "expected …". */
  readonly expected: string;
  /** Whether messages hide the value because it may be a secret: always, or only an invalid value. */
  readonly sensitive?: boolean | "unless right";
  /** Keys that the format defines but this version does not support. */
  readonly unsupported?: readonly string[];
  /** How to fix an invalid value. */
  readonly hint?: string;
  /** Common values; a close one is suggested instead of the hint. */
  readonly common?: readonly string[];
}

/** Kept outside the schema: metadata inside would become part of the JSON Schema. */
export const about = z.registry<About>();

interface TextOptions extends About {
  readonly pattern?: RegExp;
  readonly maxLength?: number;
}

/** A string of 1 to 4096 characters, unless the options say otherwise. */
export function text({ pattern, maxLength = 4096, ...words }: TextOptions): z.ZodString {
  const length = [z.minLength(1), z.maxLength(maxLength)];
  // In one call: each call copies the schema, and most keys are text.
  return z.string().check(...length, ...(pattern === undefined ? [] : [z.regex(pattern)])).register(
    about,
    words,
  );
}

/** A string that messages never show. White space is refused: it is usually a line break from a file. */
export function secretText(expected: string, pattern: RegExp = /^[\x21-\x7e]+$/): z.ZodString {
  return text({ expected: `${expected}, without white space`, pattern, sensitive: true });
}

type Parsed<Value> = z.ZodPipe<z.ZodString, z.ZodTransform<Value, string>>;

/** A string that represents another value; `parse` returns undefined if it is invalid. */
export function parsed<Value>(
  options: TextOptions & { readonly parse: (text: string) => Value | undefined },
): Parsed<Value> {
  const { parse, ...source } = options;
  return text(source).transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    // Without a message, because messages show the field's `expected`.
    context.addIssue({ code: "custom" });
    return z.NEVER;
  });
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

function within(value: number | undefined, { min, max }: Bounds): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

/** A duration in milliseconds, with limits in milliseconds. */
export function duration(bounds: Bounds): Parsed<number> {
  const range = `from ${formatDuration(bounds.min)} to ${formatDuration(bounds.max)}`;
  return parsed({
    expected: `a duration ${range}, such as 250ms, 30s, 5m or 1h30m`,
    pattern: DURATION,
    parse: (value) => within(parseDuration(value), bounds),
  });
}

/** A percentage, parsed to a fraction of 1, with limits in percent. */
export function percentage(bounds: Bounds): Parsed<number> {
  return parsed({
    expected: `a percentage from ${bounds.min}% to ${bounds.max}%, such as 20%`,
    pattern: /^\d{1,3}%$/,
    parse: (value) => {
      const percent = within(Number(value.slice(0, -1)), bounds);
      return percent === undefined ? undefined : percent / 100;
    },
  });
}

/** A size in bytes, with limits in bytes; a bare number is in bytes. */
export function size(
  bounds: Bounds,
): z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodInt]>, z.ZodTransform<number, string | number>> {
  const range = `from ${formatSize(bounds.min)} to ${formatSize(bounds.max)}`;
  const source = either(`a size ${range}, in bytes or with kB, KiB, MB, MiB, GB or GiB`, [
    z.string().regex(SIZE),
    z.int(),
  ]);
  return source.transform((value, context) => {
    const bytes = within(typeof value === "number" ? value : parseSize(value), bounds);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom" });
    return z.NEVER;
  });
}

/** An integer within inclusive limits. */
export function integer({ min, max }: Bounds): z.ZodInt {
  return z.int().check(z.gte(min), z.lte(max)).register(about, {
    expected: `an integer from ${min} to ${max}`,
  });
}

/** A number within inclusive limits. */
export function decimal({ min, max }: Bounds): z.ZodNumber {
  return z.number().check(z.gte(min), z.lte(max)).register(about, {
    expected: `a number from ${min} to ${max}`,
  });
}

/** A boolean of YAML 1.2: `yes` and `on` are strings. */
export function flag(): z.ZodBoolean {
  return z.boolean().register(about, { expected: "true or false" });
}

const ADDRESS_EXPECTED =
  'an address with a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or "[::]:8080" (quoted)';

/** A host and a port; port 0 selects a free one. */
export function listenAddress(): Parsed<ListenAddress> {
  return parsed({ expected: ADDRESS_EXPECTED, pattern: LISTEN_ADDRESS, parse: parseListenAddress });
}

/** The absolute path of a Unix socket, after `unix:`. */
export function socketAddress(): Parsed<SocketAddress> {
  return parsed({
    expected: "unix: followed by the absolute path of a socket",
    pattern: /^unix:/,
    parse: parseSocketAddress,
  });
}

/**
 * A mapping with exactly these keys. They are created when a value is first checked, because creating a schema takes
 * longer than using it, and most files use only some of the mappings.
 */
export function mapping<Shape extends z.ZodRawShape>(
  keys: () => Shape,
  words: Partial<About> = {},
): z.ZodObject<Shape, z.core.$strict> {
  const object = new z.ZodObject({
    type: "object",
    get shape() {
      const shape = keys();
      Object.defineProperty(this, "shape", { value: shape });
      return shape;
    },
    catchall: z.never(),
  }) as z.ZodObject<Shape, z.core.$strict>;
  return object.register(about, { expected: "a mapping", ...words });
}

/** Entries with names that the operator chooses, which are checked when the entries are linked. */
export function named<Value extends z.ZodType>(
  names: RegExp,
  value: Value,
): z.ZodRecord<z.ZodString, Value> {
  // As metadata, only for the JSON Schema: zod skips the value of an entry whose key is invalid, and with it the
  // problems inside.
  const key = z.string().meta({ pattern: names.source });
  return z.record(key, value).register(about, { expected: "a mapping" });
}

/** A list with limits on its length. */
export function list<Item extends z.ZodType>(item: Item, bounds: Bounds): z.ZodArray<Item> {
  const { min, max } = bounds;
  const count = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return z.array(item).check(z.minLength(min), z.maxLength(max)).register(about, {
    expected: `a list of ${count} items`,
  });
}

/** Any one of the options. */
export function either<const Options extends readonly z.ZodType[]>(
  expected: string,
  options: Options,
): z.ZodUnion<Options> {
  const union = z.union(options);
  about.add(union, { expected });
  return union;
}

/** The name of an AWS region, which need not be in the list of known regions. */
export function region(): z.ZodString {
  return text({
    expected: "an AWS region such as us-east-1",
    pattern: REGION,
    hint: "for a FIPS endpoint set fips: true",
    common: KNOWN_REGIONS,
  });
}

/** Options of a key for a certificate or a private key. */
export const PEM_FILE = { expected: "the path of a PEM file, or the PEM itself", maxLength: 256 * 1024 };
