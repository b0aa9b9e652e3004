/**
 * The effective configuration: every value with defaults applied, secrets redacted, and where it comes from.
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

/** Lists the values that the schema accepted, below a path of the configuration. */
export function effectiveValues(
  value: unknown,
  { schema, sourceMap }: EffectiveOptions,
  path: Path = [],
): Effective {
  const content = contentOf(schema, value);
  if (isSecret(schema, content)) return { kind: "value", value: REDACTED, origin: originOf(path, sourceMap) };
  const below = (key: string | number, child: unknown, childSchema: z.core.$ZodType) =>
    effectiveValues(child, { schema: childSchema, sourceMap }, [...path, key]);

  if (content instanceof z.ZodObject && isMapping(value)) {
    const entries = Object.entries<z.core.$ZodType>(content.shape).flatMap(([key, childSchema]) => {
      const child = value[key] ?? defaultOf(childSchema);
      return child === undefined ? [] : [[key, below(key, child, childSchema)] as const];
    });
    return { kind: "mapping", entries };
  }
  if (content instanceof z.ZodRecord && isMapping(value)) {
    const entries = Object.entries(value).map(([key, child]) =>
      [key, below(key, child, content.valueType)] as const
    );
    return { kind: "mapping", entries };
  }
  if (content instanceof z.ZodArray && Array.isArray(value)) {
    return { kind: "list", items: value.map((item, index) => below(index, item, content.element)) };
  }
  return {
    kind: "value",
    value: sourceMap.readsSecretAt(path) ? REDACTED : value,
    origin: originOf(path, sourceMap),
  };
}

/** Where the value at the path comes from: `adit.yaml:5`, `adit.yaml:5 ${env:NAME}` or `default`. */
export function originOf(path: Path, sourceMap: SourceMap): string {
  const place = sourceMap.placeOf(path);
  if (place === undefined) return "default";
  const reference = sourceMap.referenceAt(path);
  return `${place.file}:${place.line}${reference === undefined ? "" : ` ${reference}`}`;
}
