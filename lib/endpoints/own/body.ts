/** The body of a request that is passed on: the caller's text, with the target's model id and the tools that it takes. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { elementTexts } from "../../base/json_text/json_elements.ts";
import { findMembers, withMember } from "../../base/json_text/json_member.ts";
import type { Target } from "../../snapshot/plan.ts";

export interface OwnBody {
  readonly text: string;
  /** The tools that are left out, for `x-adit-ignored`: `tools[web_search]`. */
  readonly dropped: readonly string[];
}

/** The item of a Responses request that offers tools in addition to those of the request. */
const ADDITIONAL_TOOLS = "additional_tools";

/** `text` is the caller's, and `body` the same parsed. Outside of the edited members no byte changes. */
export function ownBody(text: string, body: JsonObject, { settings, modelId }: Target): OwnBody {
  const dropped = new Set<string>();
  const drop = new Set(settings?.dropTools);
  const hoists = settings?.ownApis?.hoistsTools === true && body["input"] !== undefined;
  let edited = withMember(text, "model", JSON.stringify(modelId));
  if (hoists) edited = withHoistedTools(edited, body);
  if (drop.size > 0) edited = withoutTools(edited, { drop, dropped, path: "" });
  if (drop.size > 0 && !hoists && hasAdditionalTools(body["input"])) {
    const items = elementsOf(edited, "input").map((item) =>
      isAdditionalTools(item) ? withoutTools(item, { drop, dropped, path: "input[]." }) : item
    );
    edited = withMember(edited, "input", listOf(items));
  }
  return { text: edited, dropped: [...dropped] };
}

/** Moves the tools of items into those of the request, for endpoints that refuse such items. */
function withHoistedTools(text: string, { input, tools }: JsonObject): string {
  const isMissing = tools === undefined || tools === null;
  if (!hasAdditionalTools(input) || !(isMissing || Array.isArray(tools))) return text;
  const items = elementsOf(text, "input");
  const added = items.filter(isAdditionalTools).flatMap((item) => elementsOf(item, "tools"));
  const kept = items.filter((item) => !isAdditionalTools(item));
  const offered = [...isMissing ? [] : elementsOf(text, "tools"), ...added];
  return withMember(withMember(text, "input", listOf(kept)), "tools", listOf(offered));
}

interface Dropping {
  readonly drop: ReadonlySet<string>;
  readonly dropped: Set<string>;
  /** Of the object that has the tools: empty, or with a period at its end. */
  readonly path: string;
}

/** The text of an object without the tools that are to be dropped, also inside namespaces. */
function withoutTools(text: string, { drop, dropped, path }: Dropping): string {
  const place = `${path}tools`;
  const tools = elementsOf(text, "tools");
  const kept = tools.flatMap((tool) => {
    const type = typeOf(tool);
    if (drop.has(type)) {
      dropped.add(`${place}[${type}]`);
      return [];
    }
    return type === "namespace" ? [withoutTools(tool, { drop, dropped, path: `${place}[].` })] : [tool];
  });
  const isSame = kept.length === tools.length && kept.every((tool, index) => tool === tools[index]);
  return isSame ? text : withMember(text, "tools", listOf(kept));
}

/** The elements of an array in a member; none if it holds anything else. */
function elementsOf(text: string, name: string): string[] {
  // Of members with the same name, parsers take the last.
  const span = findMembers(text, name).at(-1);
  const value = span === undefined ? "" : text.slice(span.start, span.end);
  return value.startsWith("[") ? elementTexts(value) : [];
}

function listOf(elements: readonly string[]): string {
  return `[${elements.join(",")}]`;
}

function hasAdditionalTools(input: JsonValue | undefined): boolean {
  return Array.isArray(input) &&
    input.some((item: JsonValue) => isJsonObject(item) && item["type"] === ADDITIONAL_TOOLS);
}

function isAdditionalTools(item: string): boolean {
  return item.startsWith("{") && typeOf(item) === ADDITIONAL_TOOLS;
}

/** The member `type` of an object's text, without parsing the rest: items may hold megabytes. */
function typeOf(text: string): string {
  const span = text.startsWith("{") ? findMembers(text, "type").at(-1) : undefined;
  const value: JsonValue = span === undefined ? null : JSON.parse(text.slice(span.start, span.end));
  return typeof value === "string" ? value : "";
}
