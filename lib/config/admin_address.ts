/** The admin address of a configuration, even if other parts of it are invalid. */

import { dirname, resolve } from "node:path";
import { decodeUtf8 } from "../base/bytes.ts";
import type { ListenAddress, SocketAddress } from "../snapshot/snapshot.ts";
import type { ReadFile } from "./file/files.ts";
import { isMapping } from "./file/merge.ts";
import { loadConfig, readWritten } from "./load.ts";
import { Config } from "./schema/config_file.ts";

export interface AdminAddress {
  /** Undefined for `admin: off`. */
  readonly address: ListenAddress | SocketAddress | undefined;
  readonly hasTls: boolean;
  /** PEM of the certificate, if it is known and the address uses TLS. */
  readonly certificate: string | undefined;
}

interface Reading {
  readonly readFile: ReadFile;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The value of the key `admin`, or its default; undefined if the file cannot be read or the key is invalid. */
export async function adminAddressOf(path: string, options: Reading): Promise<AdminAddress | undefined> {
  const loaded = await loadConfig(path, options);
  if (loaded.ok) {
    const { admin, adminTls } = loaded.snapshot;
    return { address: admin, hasTls: adminTls !== undefined, certificate: adminTls?.certificate };
  }
  const keys = await keysOf(path, options);
  if (keys === undefined) return undefined;
  const parsed = Config.shape.admin.safeParse(keys.admin);
  if (!parsed.success) return undefined;
  return {
    address: parsed.data === "off" ? undefined : parsed.data,
    hasTls: keys.hasTls,
    certificate: typeof keys.certificate === "string"
      ? await pemIn(keys.certificate, dirname(path), options)
      : undefined,
  };
}

interface Keys {
  readonly admin: unknown;
  readonly hasTls: boolean;
  /** PEM, or the path of a PEM file. */
  readonly certificate: unknown;
}

/** The keys about the admin listener, of a configuration with problems elsewhere. */
async function keysOf(path: string, options: Reading): Promise<Keys | undefined> {
  const written = await readWritten(path, options);
  const value = written?.value;
  if (isMapping(value)) {
    const { admin, admin_tls: tls } = value;
    return { admin, hasTls: tls !== undefined, certificate: isMapping(tls) ? tls["certificate"] : undefined };
  }
  const bytes = await options.readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const text = decodeUtf8(bytes);
  return {
    admin: scalarIn(ADMIN, text),
    hasTls: /^admin_tls:/m.test(text),
    certificate: scalarIn(CERTIFICATE, text),
  };
}

// Broken YAML has no values, but its lines can be searched.
const SCALAR = String.raw`[ \t]*(?:"([^"\\\n]*)"|'([^'\n]*)'|([^\s"',#{}]+))`;
const ADMIN = new RegExp(`^admin:${SCALAR}`, "m");
const CERTIFICATE = new RegExp(
  String.raw`^admin_tls:(?:[ \t]*\{[^\n}]*?|[^\n{]*\n(?:[ \t]+[^\n]*\n)*?[ \t]+)certificate:${SCALAR}`,
  "m",
);

function scalarIn(pattern: RegExp, text: string): string | undefined {
  return pattern.exec(text)?.slice(1).find((part) => part !== undefined);
}

async function pemIn(value: string, folder: string, { readFile }: Reading): Promise<string | undefined> {
  if (value.includes("-----BEGIN ")) return value;
  const bytes = await readFile(resolve(folder, value)).catch(() => undefined);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}
