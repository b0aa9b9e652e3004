/** Secrets in configuration files that every user on the host can read. */

import { dirname, resolve } from "node:path";
import { z } from "zod";

import type { ModeOf } from "./file/files.ts";
import { isMapping } from "./file/merge.ts";
import type { SourceMap } from "./file/source_map.ts";
import type { Path, Problem } from "../base/problems.ts";
import { contentOf, isSecret, memberOf, valueAt } from "./schema/schema_walk.ts";

export interface WorldReadableOptions {
  readonly schema: z.core.$ZodType;
  readonly sourceMap: SourceMap;
  readonly modeOf: ModeOf;
}

/** Redacted in messages, too, but useless without the secret that belongs to it. */
const HARMLESS: ReadonlySet<unknown> = new Set([
  ...["access_key_id", "accessKeyId", "external_id", "region"],
]);

/**
 * Group read permission is deliberate: a file of `root:adit` with mode 640 is how a service gets its secrets.
 */
const READABLE_BY_ALL = 0o004;

/** A warning for each literal secret in a world-readable file. */
export async function worldReadableSecrets(
  value: unknown,
  options: WorldReadableOptions,
): Promise<readonly Problem[]> {
  const { sourceMap, modeOf } = options;
  const problems: Problem[] = [];
  const modes = new Map<string, ReturnType<ModeOf>>();
  for (const path of secretPaths(value, { schema: options.schema, path: [] })) {
    const file = sourceMap.fileOf(path);
    if (file === undefined || sourceMap.isAllReferencesAt(path)) continue;
    if (!modes.has(file)) modes.set(file, modeOf(resolve(file)));
    const mode = await modes.get(file);
    if (mode === undefined || (mode & READABLE_BY_ALL) === 0) continue;
    problems.push(sourceMap.problem(
      path,
      `this secret is in a world-readable file (mode ${mode.toString(8)}); ` +
        "use ${credential:NAME}, ${file:PATH} or ${env:NAME}, or run chmod o-r on the file",
    ));
  }
  const keys = await Promise.all(TLS_SECTIONS.map((section) => worldReadableKey(value, section, options)));
  return [...problems, ...keys.filter((key) => key !== undefined)];
}

/** Their `key` is the path of a file, or the key itself. */
const TLS_SECTIONS: readonly string[] = ["tls", "admin_tls"];

/** A warning for the file that the `key` of such a section names. */
async function worldReadableKey(
  value: unknown,
  section: string,
  { sourceMap, modeOf }: WorldReadableOptions,
): Promise<Problem | undefined> {
  const path = [section, "key"];
  const key = valueAt(value, path);
  if (typeof key !== "string" || isPem(key) || sourceMap.referenceAt(path) !== undefined) return undefined;
  const mode = await modeOf(resolve(dirname(sourceMap.file), key));
  return mode === undefined || (mode & READABLE_BY_ALL) === 0 ? undefined : sourceMap.problem(
    path,
    `this private key is world-readable (mode ${mode.toString(8)}); run chmod o-r on it`,
  );
}

interface Position {
  /** Undefined for a secret that is a mapping. */
  readonly schema: z.core.$ZodType | undefined;
  readonly path: Path;
}

/** Paths of the strings that are secrets. */
function secretPaths(value: unknown, { schema, path }: Position): readonly Path[] {
  if (value === undefined || HARMLESS.has(path.at(-1))) return [];
  const content = schema && contentOf(schema, value);
  const secret = schema === undefined || content === undefined || isSecret(schema, content);
  if (isMapping(value)) {
    return Object.entries(value).flatMap(([key, member]) => {
      const below = secret ? undefined : memberSchema(content, key);
      return secret || below !== undefined
        ? secretPaths(member, { schema: below, path: [...path, key] })
        : [];
    });
  }
  if (!secret || typeof value !== "string" || isOpenProxy(path, value)) return [];
  return TLS_SECTIONS.includes(String(path[0])) && !isPem(value) ? [] : [path];
}

/** Whether it is PEM, possibly after other text, rather than the path of a file, which is not a secret. */
function isPem(value: string): boolean {
  return value.includes("-----BEGIN ");
}

/** A proxy's URL is a secret only if it contains a password. */
function isOpenProxy(path: Path, value: string): boolean {
  return path.at(0) === "providers" && path.at(2) === "proxy" && !value.includes("@");
}

function memberSchema(content: z.core.$ZodType | undefined, key: string): z.core.$ZodType | undefined {
  if (content instanceof z.ZodRecord) return content.valueType;
  return content instanceof z.ZodObject ? memberOf(content, key) : undefined;
}
