/** Citations of Converse as annotations of Chat Completions. */

import { isJsonObject } from "../../base/json.ts";
import type { Citation } from "../../wire/bedrock/converse.ts";
import type { Annotation } from "../../wire/openai/completion.ts";

/** Range of the cited text in the content, in UTF-16 code units. */
export interface CitedRange {
  readonly start: number;
  readonly end: number;
}

/** A web page becomes OpenAI's `url_citation`; other sources have no OpenAI shape and keep Bedrock's. */
export function annotation(citation: Citation, { start, end }: CitedRange): Annotation {
  const { location, title } = citation;
  const web = isJsonObject(location) ? location.web : undefined;
  const url = isJsonObject(web) ? web.url : undefined;
  if (typeof url !== "string") return { type: "bedrock_citation", bedrock_citation: citation };
  return {
    type: "url_citation",
    url_citation: { url, title: typeof title === "string" ? title : "", start_index: start, end_index: end },
  };
}
