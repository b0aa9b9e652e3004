/** Reads PEM in the configuration, or in a file that it names. */

import { decodeUtf8 } from "../../base/bytes.ts";
import { type Path, quotePath } from "../../base/problems.ts";
import type { Outside } from "../file/interpolate.ts";
import type { SourceMap } from "../file/source_map.ts";

export interface PemOptions {
  readonly path: Path;
  /** The expected content, such as `certificate`. */
  readonly name: string;
  /** The command that converts DER to PEM. */
  readonly fromDer: string;
  readonly sourceMap: SourceMap;
  readonly outside: Outside;
  readonly fail: (message: string) => undefined;
}

/** The text of the PEM; undefined if it cannot be read or is clearly not PEM, after calling `fail`. */
export async function readPem(value: string, options: PemOptions): Promise<string | undefined> {
  const { path, name, fromDer, sourceMap, outside, fail } = options;
  if (value.includes("-----BEGIN ")) return value;
  const reference = sourceMap.referenceAt(path);
  const read = await outside.readFile(value);
  if (!read.ok) {
    return fail(
      reference === undefined
        ? `cannot read file ${quotePath(value)}: ${read.reason}`
        : `the value of ${reference} is neither PEM nor a readable file: ${read.reason}`,
    );
  }
  const file = reference === undefined ? `file ${quotePath(value)}` : `the file named by ${reference}`;
  if (read.bytes.length === 0) return fail(`${file} is empty: expected a PEM ${name}`);
  if (isDer(read.bytes)) return fail(`${file} is DER, expected a PEM ${name}; convert it with "${fromDer}"`);
  return decodeUtf8(read.bytes);
}

/** Whether the bytes begin like an ASN.1 sequence longer than 127 bytes, unlike any text. */
function isDer([tag, length]: Uint8Array): boolean {
  return tag === 0x30 && (length === 0x81 || length === 0x82 || length === 0x83);
}

/** Describes an unusable text by the label of its first block. */
export function describePem(text: string): string {
  const [, label] = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text) ?? [];
  if (label === undefined) return "something else";
  if (label === "ENCRYPTED PRIVATE KEY" || text.includes("Proc-Type: 4,ENCRYPTED")) {
    return "a key with a passphrase";
  }
  const isWhole = /-----END [A-Z0-9 ]{1,40}-----/.test(text);
  if (!isWhole) return `an incomplete "${label}" block`;
  return text.trim().includes("\n")
    ? `a block "${label}"`
    : `a "${label}" block on one line; paste it after | and indent it`;
}
