/** The files of the operator's page, embedded in the program; loaded when the page is first requested. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import script from "./page/built/page.js" with { type: "text" };
import style from "./page/built/page.css" with { type: "text" };
import icon from "./page/icon.svg" with { type: "text" };
import html from "./page/page.html" with { type: "text" };

/** A file, ready to be sent. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
  /** Changes with the content. */
  readonly etag: string;
}

/** By path. The files refer to each other by relative paths, so that they also work under another path. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map([
  ["/", toFile("text/html; charset=utf-8", html)],
  ["/page/page.js", toFile("text/javascript; charset=utf-8", script)],
  ["/page/page.css", toFile("text/css; charset=utf-8", style)],
  ["/page/icon.svg", toFile("image/svg+xml", icon)],
]);

function toFile(type: string, text: string): PageFile {
  const bytes = new Uint8Array(Buffer.from(text));
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  return { type, bytes, gzipped: new Uint8Array(gzipSync(bytes)), etag: `"${hash}"` };
}
