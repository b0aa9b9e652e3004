/** Sources of images and documents in Claude's own body: supported kinds, and matching media types. */

import { Buffer } from "node:buffer";
import { ModelRefusal } from "../server/exception.ts";
import { listed, wrongTag } from "./claude_issues.ts";

export interface MediaSource {
  readonly type: string;
  readonly media_type?: string | undefined;
  readonly data?: string | undefined;
}

/** The first bytes of each kind of image, in hexadecimal. */
const IMAGE_STARTS: Readonly<Record<string, RegExp>> = {
  "image/png": /^89504e470d0a1a0a/,
  "image/jpeg": /^ffd8ff/,
  "image/gif": /^474946383[79]61/,
  "image/webp": /^52494646.{8}57454250/,
};

/** `%PDF-` */
const PDF_START = /^255044462d/;

/** Throws `ModelRefusal` for a source that Claude on Bedrock does not accept; `path` is the source's. */
export const checkMedia = {
  image(source: MediaSource, path: string): void {
    if (source.type !== "base64") throw new ModelRefusal(wrongTag(source.type, path, ["base64"]));
    const start = IMAGE_STARTS[source.media_type ?? ""];
    if (start === undefined) {
      const known = Object.keys(IMAGE_STARTS).map((type) => `'${type}'`);
      throw new ModelRefusal(`${path}.base64.media_type: Input should be ${listed(known)}`);
    }
    if (!start.test(firstBytes(source))) {
      throw new ModelRefusal(
        `${path}.base64: Image does not match the provided media type ${source.media_type}`,
      );
    }
  },
  document(source: MediaSource, path: string): void {
    if (source.type === "text" || source.type === "content") return;
    if (source.type !== "base64") {
      throw new ModelRefusal(wrongTag(source.type, path, ["base64", "content", "text"]));
    }
    if (source.media_type !== "application/pdf") {
      throw new ModelRefusal(`${path}.base64.media_type: Input should be 'application/pdf'`);
    }
    if (!PDF_START.test(firstBytes(source))) {
      throw new ModelRefusal(`${path}.base64.data: The PDF specified was not valid.`);
    }
  },
};

function firstBytes({ data = "" }: MediaSource): string {
  return Buffer.from(data.slice(0, 24), "base64").toString("hex");
}
