/**
 * The effective configuration: all values, with defaults and redacted secrets, and their origins.
 */

import { z } from "zod";

import { REDACTED } from "../base/secret.ts";
import { isMapping } from "./file/merge.ts";
import type { Path } from "../base/problems.ts";
import type { SourceMap } from "./file/source_map.ts";
import { contentOf, defaultOf, isSecret } from "./schema/schema_walk.ts";

/** An effective value. */
export type Effective =
  | { readonly kind: "mapping"; readonly entries: readonly (readonly [key: string, value: Effective])[] }
  | { readonly kind: "list"; readonly items: readonly Effective[] }
  | {
    readonly kind: "value";
    /** A secret is replaced by a placeholder. */
    readonly value: unknown;
    /** In the form of `originOf`. */
    readonly origin: string;
  };

export interface EffectiveOptions {
  readonly schema: z.core.$ZodType;
  readonly sourceMap: SourceMap;
}

/** Lists the values that the schema accepted. */
export function effectiveValues(value: unknown, { schema, sourceMap }: EffectiveOptions): Effective {
  /** Defaults by the schema of their key, shared because thousands of entries may have them. */
  const defaults = new Map<z.core.$ZodType, Effective | undefined>();

  const keys = new Map<z.ZodObject, readonly (readonly [key: string, schema: z.core.$ZodType])[]>();

  function keysOf(mapping: z.ZodObject): readonly (readonly [key: string, schema: z.core.$ZodType])[] {
    const known = keys.get(mapping) ?? Object.entries(mapping.shape);
    keys.set(mapping, known);
    return known;
  }

  function defaultBelow(childSchema: z.core.$ZodType): Effective | undefined {
    if (!defaults.has(childSchema)) {
      const child = defaultOf(childSchema);
      defaults.set(childSchema, child === undefined ? undefined : below(child, childSchema, undefined));
    }
    return defaults.get(childSchema);
  }

  /** The values at and below a path; the path is undefined inside a default. */
  function below(value: unknown, schema: z.core.$ZodType, path: Path | undefined): Effective {
    const content = contentOf(schema, value);
    const pathOf = (step: string | number) => path && [...path, step];
    if (isSecret(schema, content)) return leaf(REDACTED, path);
    if (content instanceof z.ZodObject && isMapping(value)) {
      const entries: (readonly [string, Effective])[] = [];
      for (const [key, childSchema] of keysOf(content)) {
        const given = value[key];
        const written = given === null ? defaultOf(childSchema) : given;
        const child = written === undefined
          ? defaultBelow(childSchema)
          : below(written, childSchema, pathOf(key));
        if (child !== undefined) entries.push([key, child]);
      }
      return { kind: "mapping", entries };
    }
    if (content instanceof z.ZodRecord && isMapping(value)) {
      const entries = Object.entries(value).map(([key, child]) =>
        [key, below(child, content.valueType, pathOf(key))] as const
      );
      return { kind: "mapping", entries };
    }
    if (content instanceof z.ZodArray && Array.isArray(value) && value.length > 0) {
      return { kind: "list", items: value.map((item, index) => below(item, content.element, pathOf(index))) };
    }
    return leaf(path !== undefined && sourceMap.readsSecretAt(path) ? REDACTED : value, path);
  }

  function leaf(value: unknown, path: Path | undefined): Effective {
    return { kind: "value", value, origin: path === undefined ? "default" : originOf(path, sourceMap) };
  }

  return below(value, schema, []);
}

/** Where the value at the path comes from: `adit.yaml:5`, `adit.yaml:5 ${env:NAME}` or `default`. */
export function originOf(path: Path, sourceMap: SourceMap): string {
  const place = sourceMap.placeOf(path);
  if (place === undefined) return "default";
  const reference = sourceMap.referenceAt(path);
  return `${place.file}:${place.line}${reference === undefined ? "" : ` ${reference}`}`;
}
