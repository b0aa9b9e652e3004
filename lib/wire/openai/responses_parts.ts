/** The content parts of Responses items. */

import { invalidField } from "../../base/errors.ts";
import type { CacheControl } from "../anthropic/cache_control.ts";
import { oneOf, unexpected, unindexed } from "../fields.ts";
import type { Fields } from "../fields.ts";
import type { UrlField } from "./message_types.ts";

/** `path` is its position in the request, such as `input[2].content[0]`. */
export type InputPart = TextInput | ImageInput | FileInput;

interface PartBase {
  readonly path: string;
  readonly cache: CacheControl | undefined;
}
export interface TextInput extends PartBase {
  readonly type: "text";
  readonly text: string;
}
export interface ImageInput extends PartBase {
  readonly type: "image";
  readonly url: UrlField;
}
export interface FileInput extends PartBase {
  readonly type: "file";
  /** `input[2].content[0].file_data` */
  readonly dataPath: string;
  /** A data URL, or plain base64. */
  readonly data: string;
  readonly filename: string | undefined;
}

/** The parts in a member; a string is one part of text. */
export function parseInputParts(item: Fields, name: "content" | "output"): InputPart[] {
  const value = item.any(name);
  const path = item.pathOf(name);
  if (value === undefined) return [];
  if (typeof value === "string") return [{ type: "text", path, cache: undefined, text: value }];
  if (!Array.isArray(value)) throw unexpected(path, "a string or an array of content parts", value);
  return item.items(name).flatMap(parsePart);
}

/** The parts of a message that allows only text. */
export function parseTextParts(item: Fields): TextInput[] {
  return parseInputParts(item, "content").map((part) => {
    if (part.type === "text") return part;
    throw invalidField(
      part.path,
      `expected text, found ${part.type === "image" ? "an image" : "a file"}`,
    );
  });
}

const PART_READERS: Readonly<Record<string, (part: Fields) => InputPart[]>> = {
  input_text: (part) => [textOf(part, "text")],
  text: (part) => [textOf(part, "text")],
  output_text: (part) => {
    // They describe the text, which is sent in any case.
    for (const name of ["annotations", "logprobs"]) part.any(name);
    return [textOf(part, "text")];
  },
  summary_text: (part) => [textOf(part, "text")],
  reasoning_text: (part) => [textOf(part, "text")],
  refusal: (part) => [textOf(part, "refusal")],
  // A message between agents that only its issuer can read.
  encrypted_content: (part) => {
    part.leaveOut(unindexed(part.path));
    return [];
  },
  input_image: (part) => {
    refuseFileId(part, "image_url");
    return [{
      type: "image",
      ...partBase(part),
      url: { path: part.pathOf("image_url"), value: part.string("image_url") },
    }];
  },
  input_file: (part) => {
    refuseFileId(part, "file_data");
    if (part.any("file_data") === undefined && part.any("file_url") !== undefined) {
      throw invalidField(
        part.pathOf("file_url"),
        "the gateway does not fetch files; send the content as file_data",
      );
    }
    return [{
      type: "file",
      ...partBase(part),
      dataPath: part.pathOf("file_data"),
      data: part.string("file_data"),
      filename: part.optionalString("filename"),
    }];
  },
};

function parsePart(part: Fields): InputPart[] {
  const type = part.string("type");
  const read = Object.hasOwn(PART_READERS, type) ? PART_READERS[type] : undefined;
  if (read === undefined) {
    throw unexpected(
      part.pathOf("type"),
      oneOf(["input_text", "input_image", "input_file", "output_text"]),
      type,
    );
  }
  return read(part);
}

function textOf(part: Fields, name: "text" | "refusal"): TextInput {
  return { type: "text", ...partBase(part), text: part.string(name) };
}

function refuseFileId(part: Fields, otherwise: string): void {
  if (part.any(otherwise) === undefined && part.any("file_id") !== undefined) {
    throw invalidField(
      part.pathOf("file_id"),
      `the gateway does not store files; send the content as ${otherwise}`,
    );
  }
}

function partBase(part: Fields): PartBase {
  return { path: part.path, cache: parseBreakpoint(part) };
}

/** OpenAI's lifetimes are 30 minutes and more; the closest that Bedrock has is one hour. */
function parseBreakpoint(part: Fields): CacheControl | undefined {
  const breakpoint = part.optionalObject("prompt_cache_breakpoint");
  if (breakpoint === undefined) return undefined;
  breakpoint.oneOf("mode", ["explicit"]);
  breakpoint.any("ttl");
  return { path: breakpoint.path, ttl: "1h" };
}
