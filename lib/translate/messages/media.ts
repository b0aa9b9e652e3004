/** Anthropic Messages -> Converse: images and documents. */

import { Buffer } from "node:buffer";
import { unexpected } from "../../wire/fields.ts";
import type { Base64Source, DocumentBlock, ImageBlock } from "../../wire/anthropic/content.ts";
import type {
  DocumentBlock as ConverseDocument,
  ImageBlock as ConverseImage,
} from "../../wire/bedrock/converse.ts";
import { readBase64 } from "../converse/media/data_url.ts";
import { DOCUMENT_FORMATS, documentFormat } from "../converse/media/document_formats.ts";
import { DocumentNames } from "../converse/media/document_names.ts";
import { imageBlock } from "../converse/media/images.ts";

/** Converse's document with the fields that only Claude's citations use. */
interface CitedDocument extends ConverseDocument {
  readonly context?: string | undefined;
  readonly citations?: { readonly enabled: boolean } | undefined;
}

/** Translates the media of one request; document names are unique within it. */
export class MessagesMedia {
  readonly #names = new DocumentNames();

  /**
   * The block for an image, whose format is detected from its bytes. Throws `invalid_request` with the path of the
   * data.
   */
  image({ source }: ImageBlock): { readonly image: ConverseImage } {
    const path = `${source.path}.data`;
    return imageBlock(readBase64(source.data, path), path);
  }

  document({ source, title, context, citations }: DocumentBlock): { readonly document: CitedDocument } {
    return {
      document: {
        ...(source.type === "text" ? plainText(source.text) : decode(source, title)),
        // Titles are not file names: a dot does not begin an extension.
        name: this.#names.nameFor(title?.replaceAll(".", " ")),
        context,
        citations: citations ? { enabled: true } : undefined,
      },
    };
  }
}

type Contents = Pick<ConverseDocument, "format" | "source">;

function plainText(text: string): Contents {
  return { format: "txt", source: { bytes: Buffer.from(text).toString("base64") } };
}

function decode({ path, mediaType, data }: Base64Source, filename: string | undefined): Contents {
  const base64 = readBase64(data, `${path}.data`);
  const format = documentFormat({ mediaType: mediaType.toLowerCase(), filename, base64 });
  if (format === undefined) {
    throw unexpected(
      `${path}.media_type`,
      `the type of a ${DOCUMENT_FORMATS.join(", ")} document`,
      mediaType,
    );
  }
  return { format, source: { bytes: base64 } };
}
