/** The kinds of field the configuration is made of: each checks, parses and says in words what it expects. */

import { z } from "zod";

import type { ListenAddress, SocketAddress } from "../../snapshot/snapshot.ts";
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

/** What error messages need to know of a field. */
export interface About {
  /** Completes "expected …". */
  readonly expected: string;
  /** The value may be a secret, so no message shows it: always, or only as long as it is not known to be a right one. */
  readonly sensitive?: boolean | "unless right";
  /** Keys of a mapping that the format has but this version does not. */
  readonly unsupported?: readonly string[];
  /** What to do about a wrong value. */
  readonly hint?: string;
}

/** Kept beside the schema: metadata inside it would go into the JSON Schema. */
export const about = z.registry<About>();

interface TextOptions extends About {
  readonly pattern?: RegExp;
  readonly maxLength?: number;
}

/** A text of at least one character and, unless the options say otherwise, at most 4096. */
export function text({ pattern, maxLength = 4096, ...words }: TextOptions): z.ZodString {
  const plain = z.string().min(1).max(maxLength);
  return (pattern === undefined ? plain : plain.regex(pattern)).register(about, words);
}

/** A text that no message shows. White space is refused: it gets in with a file that ends in a blank line. */
export function secretText(expected: string, pattern: RegExp = /^[\x21-\x7e]+$/): z.ZodString {
  return text({ expected: `${expected}, without white space`, pattern, sensitive: true });
}

type Parsed<Value> = z.ZodPipe<z.ZodString, z.ZodTransform<Value, string>>;

/** A text that stands for something else; `parse` gives undefined for what it does not accept. */
export function parsed<Value>(
  options: TextOptions & { readonly parse: (text: string) => Value | undefined },
): Parsed<Value> {
  const { parse, ...source } = options;
  return text(source).transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    // No message: the field's `expected` is what the reader sees.
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

/** A duration in milliseconds, with bounds in milliseconds. */
export function duration(bounds: Bounds): Parsed<number> {
  const range = `from ${formatDuration(bounds.min)} to ${formatDuration(bounds.max)}`;
  return parsed({
    expected: `a duration ${range}, such as 250ms, 30s, 5m or 1h30m`,
    pattern: DURATION,
    parse: (value) => within(parseDuration(value), bounds),
  });
}

/** A size in bytes, with bounds in bytes; a bare number counts bytes. */
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

/** A whole number within bounds, both included. */
export function integer({ min, max }: Bounds): z.ZodInt {
  return z.int().min(min).max(max).register(about, { expected: `a whole number from ${min} to ${max}` });
}

/** A number within bounds, both included; it may have a fraction. */
export function decimal({ min, max }: Bounds): z.ZodNumber {
  return z.number().min(min).max(max).register(about, { expected: `a number from ${min} to ${max}` });
}

/** A boolean as YAML 1.2 writes it: `yes` and `on` are texts. */
export function flag(): z.ZodBoolean {
  return z.boolean().register(about, { expected: "true or false" });
}

const ADDRESS_EXPECTED =
  'an address with its port, such as 127.0.0.1:8080, 0.0.0.0:8080 or "[::]:8080" (quoted)';

/** A host and a port, which may be 0 for any that is free. */
export function listenAddress(): Parsed<ListenAddress> {
  return parsed({ expected: ADDRESS_EXPECTED, pattern: LISTEN_ADDRESS, parse: parseListenAddress });
}

/** The absolute path of a Unix socket, behind `unix:`. */
export function socketAddress(): Parsed<SocketAddress> {
  return parsed({
    expected: "unix: and the absolute path of a socket",
    pattern: /^unix:/,
    parse: parseSocketAddress,
  });
}

/** Exactly these keys. */
export function mapping<Shape extends z.ZodRawShape>(
  shape: Shape,
  words: Partial<About> = {},
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape).register(about, { expected: "a mapping", ...words });
}

/** Entries under names that the operator chooses; the names are checked where the entries are linked. */
export function named<Value extends z.ZodType>(
  names: RegExp,
  value: Value,
): z.ZodRecord<z.ZodString, Value> {
  // As metadata, for the JSON Schema alone: zod skips the value of an entry whose key it refuses, and with it the
  // problems inside.
  const key = z.string().meta({ pattern: names.source });
  return z.record(key, value).register(about, { expected: "a mapping" });
}

/** A list with bounds on how many items it has. */
export function list<Item extends z.ZodType>(item: Item, bounds: Bounds): z.ZodArray<Item> {
  const { min, max } = bounds;
  const count = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return z.array(item).min(min).max(max).register(about, { expected: `a list of ${count} items` });
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
