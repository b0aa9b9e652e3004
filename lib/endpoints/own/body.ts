/**
 * The body of a request that is passed on: the caller's text, with the target's model id and only the tools that it
 * accepts.
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { elementTexts, type Member, memberSpans } from "../../base/json_text/json_elements.ts";
import type { Target } from "../../snapshot/plan.ts";

export interface OwnBody {
  readonly text: string;
  /** The tools that are left out, for `x-adit-ignored`: `tools[web_search]`. */
  readonly dropped: readonly string[];
}

/** `text` is the caller's, and `body` the same parsed. Outside of the edited members no byte changes. */
export function ownBody(text: string, body: JsonObject, { settings, modelId }: Target): OwnBody {
  const object: JsonText = { text, members: memberSpans(text) };
  const edits = new Map([["model", JSON.stringify(modelId)]]);
  const dropping: Dropping = { drop: new Set(settings?.dropTools), dropped: new Set() };
  const { input, tools } = body;
  const additional = Array.isArray(input) ? input.map(isAdditionalTools) : [];
  const isMissing = tools === undefined || tools === null;
  const hasItems = additional.includes(true);
  const hoists = hasItems && settings?.ownApis?.hoistsTools === true && (isMissing || Array.isArray(tools));
  const items = hasItems && (hoists || dropping.drop.size > 0) ? elementTexts(valueOf(object, "input")) : [];
  let list = Array.isArray(tools) ? valueOf(object, "tools") : undefined;
  if (hoists) {
    const added = items.flatMap((item, at) => additional[at] === true ? toolsOf(item) : []);
    list = listOf([...list === undefined ? [] : elementTexts(list), ...added]);
    edits.set("tools", list);
    edits.set("input", listOf(items.filter((_, at) => additional[at] !== true)));
  }
  if (list !== undefined && dropping.drop.size > 0) {
    const kept = withoutDropped(list, dropping, "tools");
    if (kept !== list) edits.set("tools", kept);
  }
  if (items.length > 0 && !hoists) {
    const kept = items.map((item, at) =>
      additional[at] === true ? keeping(item, dropping, "input[].") : item
    );
    if (kept.some((item, at) => item !== items[at])) edits.set("input", listOf(kept));
  }
  return { text: withEdits(object, edits), dropped: [...dropping.dropped] };
}

/** The text of a JSON object, and where its members are. */
interface JsonText {
  readonly text: string;
  readonly members: readonly Member[];
}

/** The text of a member's value; of members with the same name, parsers take the last. */
function valueOf({ text, members }: JsonText, name: string): string {
  const member = members.findLast((each) => each.name === name);
  return member === undefined ? "" : text.slice(member.start, member.end);
}

/** The text with other values for some members, which are added if they are missing. */
function withEdits({ text, members }: JsonText, edits: ReadonlyMap<string, string>): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { name, start, end } of members) {
    const value = edits.get(name);
    if (value === undefined) continue;
    pieces.push(text.slice(from, start), value);
    from = end;
  }
  pieces.push(text.slice(from));
  const whole = pieces.join("");
  const added = [...edits].filter(([name]) => !members.some((member) => member.name === name));
  const inside = whole.indexOf("{") + 1;
  const texts = added.map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  const rest = members.length === 0 || texts.length === 0 ? "" : ",";
  return whole.slice(0, inside) + texts.join(",") + rest + whole.slice(inside);
}

interface Dropping {
  readonly drop: ReadonlySet<string>;
  /** Receives the names of the tools that are left out. */
  readonly dropped: Set<string>;
}

/** The text of a list of tools without those that are to be dropped, also inside namespaces. */
function withoutDropped(list: string, dropping: Dropping, path: string): string {
  const tools = elementTexts(list);
  const kept = tools.flatMap((tool) => {
    const type = typeOf(tool);
    if (dropping.drop.has(type)) {
      dropping.dropped.add(`${path}[${type}]`);
      return [];
    }
    return [type === "namespace" ? keeping(tool, dropping, `${path}[].`) : tool];
  });
  return kept.length === tools.length && kept.every((tool, at) => tool === tools[at]) ? list : listOf(kept);
}

/** The text of an object with a list of tools, without those that are to be dropped. */
function keeping(text: string, dropping: Dropping, prefix: string): string {
  const object: JsonText = { text, members: memberSpans(text) };
  const list = valueOf(object, "tools");
  if (!list.startsWith("[")) return text;
  const kept = withoutDropped(list, dropping, `${prefix}tools`);
  return kept === list ? text : withEdits(object, new Map([["tools", kept]]));
}

/** The tools of an item. */
function toolsOf(item: string): string[] {
  const list = valueOf({ text: item, members: memberSpans(item) }, "tools");
  return list.startsWith("[") ? elementTexts(list) : [];
}

function listOf(elements: readonly string[]): string {
  return `[${elements.join(",")}]`;
}

/** Whether it is an item of Responses that offers tools in addition to those of the request. */
function isAdditionalTools(item: JsonValue): boolean {
  return isJsonObject(item) && item["type"] === "additional_tools";
}

function typeOf(tool: string): string {
  if (!tool.startsWith("{")) return "";
  const value: JsonValue = JSON.parse(valueOf({ text: tool, members: memberSpans(tool) }, "type") || "null");
  return typeof value === "string" ? value : "";
}
