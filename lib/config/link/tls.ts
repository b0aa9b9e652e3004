/** The certificate and key of the listeners: read, and checked before a listener depends on them. */

import { createPrivateKey, X509Certificate } from "node:crypto";

import { Secret } from "../../base/secret.ts";
import type { Outside } from "../file/interpolate.ts";
import type { Places } from "../file/places.ts";
import { type Problem, quote } from "../../base/problems.ts";
import type { Config } from "../schema/config_file.ts";
import type { TlsMaterial } from "../../snapshot/snapshot.ts";

export interface LoadedTls {
  readonly tls: TlsMaterial | undefined;
  readonly problems: readonly Problem[];
}

/** Both as PEM text, from the configuration or the files it names; undefined where left out or unusable. */
export async function loadTls(
  config: Config,
  places: Places,
  outside: Outside,
): Promise<LoadedTls> {
  const problems: Problem[] = [];

  async function pemText(key: "certificate" | "key", value: string): Promise<string | undefined> {
    if (value.includes("-----BEGIN ")) return value;
    const read = await outside.readText(value);
    if (read.ok) return read.text;
    const reference = places.referenceAt(["tls", key]);
    const message = reference === undefined
      ? `cannot read file ${quote(value)}: ${read.reason}`
      : `the value of ${reference} is neither PEM text nor the path of a file: ${read.reason}`;
    problems.push(places.problem(["tls", key], message));
    return undefined;
  }

  function parse<Value>(key: "certificate" | "key", read: () => Value): Value | undefined {
    try {
      return read();
    } catch {
      // The reason is not passed on: it may repeat what was found in the file.
      problems.push(places.problem(["tls", key], `expected a PEM ${PEM_NAMES[key]}, found something else`));
      return undefined;
    }
  }

  if (config.tls === undefined) return { tls: undefined, problems };
  const certificateText = await pemText("certificate", config.tls.certificate);
  const keyText = await pemText("key", config.tls.key);
  const certificate = certificateText && parse("certificate", () => new X509Certificate(certificateText));
  const key = keyText && parse("key", () => createPrivateKey(keyText));
  if (!certificateText || !keyText || !certificate || !key) return { tls: undefined, problems };
  if (!certificate.checkPrivateKey(key)) {
    problems.push(places.problem(["tls", "key"], "the private key does not belong to the certificate"));
  }
  return { tls: { certificate: certificateText, key: new Secret(keyText) }, problems };
}

const PEM_NAMES = { certificate: "certificate", key: "private key without a passphrase" } as const;
