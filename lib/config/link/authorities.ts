/** Reads and checks the certificate authorities of providers. */

import { X509Certificate } from "node:crypto";
import type { Problem } from "../../base/problems.ts";
import type { Outside } from "../file/interpolate.ts";
import type { SourceMap } from "../file/source_map.ts";
import type { Config } from "../schema/config_file.ts";
import { describePem, readPem } from "./pem.ts";

export interface LoadedAuthorities {
  /** By provider: one or more certificates as PEM, without other text. */
  readonly authorities: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

interface AuthoritiesOptions {
  readonly sourceMap: SourceMap;
  readonly outside: Outside;
  readonly nowMs: number;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n[A-Za-z0-9+\/=\s]+-----END \1-----/g;

/** The additional authorities of each provider with `ca`. */
export async function loadAuthorities(
  { providers }: Pick<Config, "providers">,
  { sourceMap, outside, nowMs }: AuthoritiesOptions,
): Promise<LoadedAuthorities> {
  const authorities = new Map<string, string>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const [name, provider] of Object.entries(providers)) {
    if (provider.type !== "bedrock" || provider.ca === undefined) continue;
    const path = ["providers", name, "ca"];
    const fail = (message: string): undefined => {
      problems.push(sourceMap.problem(path, message));
    };
    const text = await readPem(provider.ca, {
      path,
      name: "certificate",
      fromDer: "openssl x509 -inform der",
      sourceMap,
      outside,
      fail,
    });
    if (text === undefined) continue;
    const certificates = certificatesIn(text);
    if (certificates === undefined) {
      fail(`expected one or more PEM certificates, found ${describeWrong(text)}`);
      continue;
    }
    authorities.set(name, certificates.map((each) => each.toString()).join(""));
    if (certificates.every(({ validToDate }) => validToDate.getTime() <= nowMs)) {
      warnings.push(sourceMap.problem(path, "every certificate in it has expired"));
    }
  }
  return { authorities, problems, warnings };
}

/** The certificates of a PEM; undefined if there is none, or any other block. */
function certificatesIn(text: string): readonly X509Certificate[] | undefined {
  const blocks = [...text.matchAll(BLOCK)];
  const isWhole = blocks.length === text.split("-----BEGIN ").length - 1;
  if (blocks.length === 0 || !isWhole || blocks.some(([, label]) => label !== "CERTIFICATE")) {
    return undefined;
  }
  try {
    return blocks.map(([block]) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** Describes the first block that is not a certificate. */
function describeWrong(text: string): string {
  const [head = "", ...blocks] = text.split(/(?=-----BEGIN )/);
  const all = head.startsWith("-----BEGIN ") ? [head, ...blocks] : blocks;
  return describePem(all.find((block) => certificatesIn(block) === undefined) ?? text);
}
