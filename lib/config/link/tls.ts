/** Reads and checks the certificates and keys of listeners. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { seal } from "../../base/secret.ts";
import type { Outside } from "../file/interpolate.ts";
import type { SourceMap } from "../file/source_map.ts";
import type { Problem } from "../../base/problems.ts";
import type { Config } from "../schema/config_file.ts";
import type { TlsMaterial } from "../../snapshot/snapshot.ts";
import { describePem, readPem } from "./pem.ts";

export interface LoadedTls {
  readonly tls: TlsMaterial | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Sections with a certificate and its key. */
export type TlsSection = "tls" | "admin_tls";

interface TlsOptions {
  readonly section: TlsSection;
  readonly sourceMap: SourceMap;
  readonly outside: Outside;
  readonly nowMs: number;
}

/** Certificate and key of a section as PEM; undefined if not set or invalid. */
export async function loadTls(
  config: Config,
  { section, sourceMap, outside, nowMs }: TlsOptions,
): Promise<LoadedTls> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];

  function fail(key: TlsKey, message: string): undefined {
    problems.push(sourceMap.problem([section, key], message));
  }

  const pemText = (key: TlsKey, value: string) =>
    readPem(value, {
      path: [section, key],
      name: PEM_NAMES[key],
      fromDer: DER_TO_PEM[key],
      sourceMap,
      outside,
      fail: (message) => fail(key, message),
    });

  function parse<Value>(key: TlsKey, text: string, read: (text: string) => Value): Value | undefined {
    try {
      return read(text);
    } catch {
      // The parser's reason is not shown, because it may repeat the content.
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

/** The reason clients refuse the certificate today; undefined if it is valid. */
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

const PEM_NAMES = { certificate: "certificate", key: "private key without a passphrase" } as const;
