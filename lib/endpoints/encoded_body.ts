/** Compressed request bodies, limited by their uncompressed size. */

import { gunzipSync } from "node:zlib";
import { AditError, invalidField } from "../base/errors.ts";
import { zstdContent } from "./zstd_frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Inflate = (body: Bytes, maxBytes: number) => Bytes;

const gunzip: Inflate = (body, maxBytes) => new Uint8Array(gunzipSync(body, { maxOutputLength: maxBytes }));

const ENCODINGS: Readonly<Record<string, Inflate>> = { gzip: gunzip, "x-gzip": gunzip, zstd: zstdContent };

/** The body without its encoding. Throws `invalid_request` or `body_too_large`. */
export function inflatedBody(body: Bytes, headers: Headers, maxBytes: number): Bytes {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "" || body.length === 0) return body;
  const inflate = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
  if (inflate === undefined) {
    throw invalidField("content-encoding", "unsupported encoding; send gzip, zstd or an uncompressed body");
  }
  try {
    return inflate(body, maxBytes);
  } catch (cause) {
    if (cause instanceof RangeError || codeOf(cause) === "ERR_BUFFER_TOO_LARGE") {
      throw new AditError("body_too_large", `the uncompressed body exceeds the limit of ${maxBytes} bytes`);
    }
    throw invalidField("content-encoding", `the request body is not valid ${encoding}`);
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
