/** The listeners' certificate and key: read, and checked before a listener uses them. */

import { createPrivateKey, X509Certificate } from "node:crypto";

import { decodeUtf8 } from "../../base/bytes.ts";
import { seal } from "../../base/secret.ts";
import type { Outside } from "../file/interpolate.ts";
import type { SourceMap } from "../file/source_map.ts";
import { type Problem, quotePath } from "../../base/problems.ts";
import type { Config } from "../schema/config_file.ts";
import type { TlsMaterial } from "../../snapshot/snapshot.ts";

export interface LoadedTls {
  readonly tls: TlsMaterial | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** The sections with a certificate and its key. */
export type TlsSection = "tls" | "admin_tls";

interface TlsOptions {
  readonly section: TlsSection;
  readonly sourceMap: SourceMap;
  readonly outside: Outside;
  readonly nowMs: number;
}

/** Both as PEM, from the configuration or the files it names; undefined if not set or invalid. */
export async function loadTls(
  config: Config,
  { section, sourceMap, outside, nowMs }: TlsOptions,
): Promise<LoadedTls> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];

  function fail(key: TlsKey, message: string): undefined {
    problems.push(sourceMap.problem([section, key], message));
  }

  async function pemText(key: TlsKey, value: string): Promise<string | undefined> {
    if (value.includes("-----BEGIN ")) return value;
    const reference = sourceMap.referenceAt([section, key]);
    const read = await outside.readFile(value);
    if (!read.ok) {
      return fail(
        key,
        reference === undefined
          ? `cannot read file ${quotePath(value)}: ${read.reason}`
          : `the value of ${reference} is neither PEM nor a readable file: ${read.reason}`,
      );
    }
    const file = reference === undefined ? `file ${quotePath(value)}` : `the file named by ${reference}`;
    if (read.bytes.length === 0) return fail(key, `${file} is empty: expected a PEM ${PEM_NAMES[key]}`);
    if (isDer(read.bytes)) {
      return fail(
        key,
        `${file} is DER, expected a PEM ${PEM_NAMES[key]}; convert it with "${DER_TO_PEM[key]}"`,
      );
    }
    return decodeUtf8(read.bytes);
  }

  function parse<Value>(key: TlsKey, text: string, read: (text: string) => Value): Value | undefined {
    try {
      return read(text);
    } catch {
      // The reason is not shown, since it may repeat the file's content.
      return fail(key, `expected a PEM ${PEM_NAMES[key]}, found ${describePem(text)}`);
    }
  }

  const values = config[section];
  if (values === undefined) return { tls: undefined, problems, warnings };
  const certificateText = await pemText("certificate", values.certificate);
  const keyText = await pemText("key", values.key);
  const certificate = certificateText === undefined
    ? undefined
    : parse("certificate", certificateText, (text) => new X509Certificate(text));
  const key = keyText === undefined ? undefined : parse("key", keyText, createPrivateKey);
  if (certificateText === undefined || keyText === undefined || !certificate || !key) {
    return { tls: undefined, problems, warnings };
  }
  if (!certificate.checkPrivateKey(key)) fail("key", "the private key does not match the certificate");
  const outOfDate = datesOf(certificate, nowMs);
  if (outOfDate !== undefined) warnings.push(sourceMap.problem([section, "certificate"], outOfDate));
  const expiresAtMs = certificate.validToDate.getTime();
  return { tls: { certificate: certificateText, key: seal(keyText), expiresAtMs }, problems, warnings };
}

/** Why clients would currently refuse the certificate. */
function datesOf({ validFromDate, validToDate }: X509Certificate, nowMs: number): string | undefined {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  if (nowMs >= validToDate.getTime()) return `the certificate expired on ${day(validToDate)}`;
  return nowMs < validFromDate.getTime()
    ? `the certificate is not valid before ${day(validFromDate)}`
    : undefined;
}

type TlsKey = "certificate" | "key";

const DER_TO_PEM = {
  certificate: "openssl x509 -inform der",
  key: "openssl pkey -inform der",
} as const;

/** Whether the bytes begin as an ASN.1 sequence longer than 127 bytes, which no text does. */
function isDer([tag, length]: Uint8Array): boolean {
  return tag === 0x30 && (length === 0x81 || length === 0x82 || length === 0x83);
}

/** Describes a text that cannot be used, by the label of its first block. */
function describePem(text: string): string {
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

const PEM_NAMES = { certificate: "certificate", key: "private key without a passphrase" } as const;
