/** Anthropic's sources of images and documents, read as their equivalents in Chat Completions. */

import { Buffer } from "node:buffer";
import { invalidField } from "../../base/errors.ts";
import type { Fields } from "../fields.ts";
import type { UrlField } from "./message_types.ts";

/** The URL of an image; base64 data becomes a data URL. */
export function parseImageSource(source: Fields): UrlField {
  const type = source.oneOf("type", ["base64", "url"]);
  return type === "url"
    ? { path: source.pathOf("url"), value: source.string("url") }
    : { path: source.pathOf("data"), value: dataUrl(source) };
}

/** A document as a data URL. */
export function parseDocumentSource(source: Fields): string {
  const type = source.oneOf("type", ["base64", "text", "url"]);
  if (type === "url") {
    throw invalidField(
      source.pathOf("url"),
      "the gateway does not fetch documents; send the document itself",
    );
  }
  return type === "base64" ? dataUrl(source) : plainText(source);
}

function dataUrl(source: Fields): string {
  return `data:${source.optionalString("media_type") ?? ""};base64,${source.string("data")}`;
}

function plainText(source: Fields): string {
  source.optionalString("media_type");
  return `data:text/plain;base64,${Buffer.from(source.string("data")).toString("base64")}`;
}
