/** Citations of Converse as citations of Anthropic Messages. */

import { firstMember, isJsonObject, member } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Citation } from "../../wire/bedrock/converse.ts";

/** The fields of each kind of location, by its name in Converse. */
const LOCATIONS: Readonly<Record<string, (place: JsonObject, citation: Citation) => JsonObject>> = {
  documentChar: (place, citation) => ({
    type: "char_location",
    ...documentOf(place, citation),
    start_char_index: place.start ?? 0,
    end_char_index: place.end ?? 0,
  }),
  documentPage: (place, citation) => ({
    type: "page_location",
    ...documentOf(place, citation),
    start_page_number: place.start ?? 0,
    end_page_number: place.end ?? 0,
  }),
  documentChunk: (place, citation) => ({
    type: "content_block_location",
    ...documentOf(place, citation),
    start_block_index: place.start ?? 0,
    end_block_index: place.end ?? 0,
  }),
  searchResultLocation: (place, { source, title }) => ({
    type: "search_result_location",
    search_result_index: place.searchResultIndex ?? 0,
    source: source ?? "",
    title: title ?? null,
    start_block_index: place.start ?? 0,
    end_block_index: place.end ?? 0,
  }),
  web: (place, { title }) => ({
    type: "web_search_result_location",
    url: place.url ?? "",
    title: title ?? null,
    // Anthropic's own search would use it to find the page again.
    encrypted_index: "",
  }),
};

function documentOf(place: JsonObject, { title }: Citation): JsonObject {
  return { document_index: place.documentIndex ?? 0, document_title: title ?? null };
}

/** The citation, or undefined if Messages does not have that kind of location. */
export function messagesCitation(citation: Citation): JsonObject | undefined {
  const { location } = citation;
  const name = firstMember(location);
  const place = member(location, name);
  const read = Object.hasOwn(LOCATIONS, name) ? LOCATIONS[name] : undefined;
  if (read === undefined || !isJsonObject(place)) return undefined;
  return { ...read(place, citation), cited_text: citedText(citation.sourceContent) };
}

function citedText(sourceContent: JsonValue | undefined): string {
  if (!Array.isArray(sourceContent)) return "";
  return sourceContent.map((each: JsonValue) => member(each, "text")).filter((text) =>
    typeof text === "string"
  )
    .join("");
}
