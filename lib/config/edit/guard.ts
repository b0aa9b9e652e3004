/**
 * Restricts edits through the admin API: they must not read files and variables, or send a secret to another host.
 */

import { z } from "zod";

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { formatPath, type Path } from "../../base/problems.ts";
import { REDACTED } from "../../base/secret.ts";
import { parseTemplate } from "../file/interpolate.ts";
import { Config } from "../schema/config_file.ts";
import { aboutOf, contentOf, memberOf, schemaAt, valueAt } from "../schema/schema_walk.ts";

/** An entry before and after the edit. */
export interface GuardedEdit {
  readonly section: string;
  readonly name: string;
  readonly before: JsonObject | undefined;
  readonly after: JsonObject;
  /** The entry after the edit if all earlier secrets were `REDACTED`: those that remain are not from the request. */
  readonly masked: JsonObject | undefined;
}

/** The reasons to refuse the edit, each with its path; empty if it is allowed. */
export function refuseEdit(edit: GuardedEdit): readonly string[] {
  return [...fileOnly(edit), ...misplacedReferences(edit), ...misledSecrets(edit)];
}

/** The entry with `REDACTED` in place of every secret, including references to secrets. */
export function maskSecrets(section: string, name: string, entry: JsonObject): JsonObject {
  const isSecretLeaf = new Set(
    leavesOf(section, name, entry).filter(({ isSecret }) => isSecret).map(pathText),
  );
  const mask = (value: JsonValue, path: Path): JsonValue => {
    if (isJsonObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, mask(member, [...path, key])]),
      );
    }
    return isSecretLeaf.has(pathText({ path })) ? REDACTED : value;
  };
  const masked = mask(entry, []);
  return isJsonObject(masked) ? masked : {};
}

/**
 * Settings that decide who can read a provider's traffic and the credentials that STS issues for it. They can only be
 * changed in the file.
 */
const FILE_ONLY = ["proxy", "ca"];

function fileOnly({ section, name, before, after }: GuardedEdit): readonly string[] {
  if (section !== "providers") return [];
  return FILE_ONLY.filter((key) => after[key] !== before?.[key])
    .map((key) => `${formatPath([section, name, key])}: can only be changed in the file`);
}

/** Outside secret fields, a reference would show the content of a file or a variable in responses. */
function misplacedReferences({ section, name, before, after }: GuardedEdit): readonly string[] {
  return leavesOf(section, name, after)
    .filter(({ path, value, isSecret }) =>
      !isSecret && hasReference(value) && valueAt(before, path) !== value
    )
    .map(({ path }) =>
      `${formatPath([section, name, ...path])}: a reference is allowed only in place of a secret`
    );
}

/** Settings of a provider that decide where its secrets are sent. */
const DESTINATIONS = ["endpoint", "mantle_endpoint"];

/** Whoever sets an endpoint receives the secret there, and must therefore know it. */
function misledSecrets({ section, name, before, after, masked }: GuardedEdit): readonly string[] {
  const given = DESTINATIONS.filter((key) => after[key] !== undefined);
  if (section !== "providers" || given.length === 0) return [];
  const isMoved = given.some((key) => before?.[key] !== after[key]);
  return leavesOf(section, name, after).filter(({ isSecret }) => isSecret).flatMap(({ path, value }) => {
    const place = formatPath([section, name, ...path]);
    if (hasReference(value) && (isMoved || valueAt(before, path) !== value)) {
      return [
        `${place}: the secret of a provider with an endpoint must be in the request, and not a reference`,
      ];
    }
    const isKept = isMoved && valueAt(masked, path) === REDACTED;
    return isKept ? [`${place}: must be given again, because the endpoint changes`] : [];
  });
}

interface Leaf {
  readonly path: Path;
  readonly value: JsonValue;
  readonly isSecret: boolean;
}

function leavesOf(section: string, name: string, entry: JsonObject): readonly Leaf[] {
  const schema = schemaAt(Config, [section, name], { [section]: { [name]: entry } });
  return schema === undefined ? [] : leaves(entry, { schema, path: [], isSecret: false });
}

interface Position {
  /** Undefined if the schema does not describe the value. */
  readonly schema: z.core.$ZodType | undefined;
  readonly path: Path;
  readonly isSecret: boolean;
}

function leaves(value: JsonValue, { schema, path, isSecret: isInside }: Position): readonly Leaf[] {
  const content = schema && contentOf(schema, value);
  const isMarked = schema !== undefined && aboutOf(schema)?.sensitive === true;
  const isSecret = isInside || (isMarked && !(content instanceof z.ZodObject));
  if (Array.isArray(value)) {
    const element = content instanceof z.ZodArray ? content.element : undefined;
    return value.flatMap((item: JsonValue, index) =>
      leaves(item, { schema: element, path: [...path, index], isSecret })
    );
  }
  if (!isJsonObject(value)) return [{ path, value, isSecret }];
  return Object.entries(value).flatMap(([key, member]) => {
    const below = content instanceof z.ZodRecord
      ? content.valueType
      : content instanceof z.ZodObject
      ? memberOf(content, key)
      : undefined;
    return leaves(member, { schema: below, path: [...path, key], isSecret });
  });
}

function hasReference(value: JsonValue): boolean {
  if (typeof value !== "string") return false;
  // A malformed reference is refused when the file is checked.
  return parseTemplate(value)?.some((part) => typeof part !== "string") ?? false;
}

function pathText({ path }: Pick<Leaf, "path">): string {
  return JSON.stringify(path);
}
