/** The admin address of a configuration that may be invalid otherwise. */

import type { ListenAddress, SocketAddress } from "../snapshot/snapshot.ts";
import type { ReadFile } from "./file/files.ts";
import { loadConfig } from "./load.ts";
import { Config } from "./schema/config_file.ts";

export interface AdminAddress {
  /** Undefined for `admin: off`. */
  readonly address: ListenAddress | SocketAddress | undefined;
  /** PEM of the certificate, if it is known and the address uses TLS. */
  readonly certificate: string | undefined;
}

/** The default, or what the key `admin` says; undefined if the file cannot be read or the key is invalid. */
export async function adminAddressOf(
  path: string,
  { readFile, env }: {
    readonly readFile: ReadFile;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<AdminAddress | undefined> {
  const loaded = await loadConfig(path, { readFile, env });
  if (loaded.ok) {
    return { address: loaded.snapshot.admin, certificate: loaded.snapshot.adminTls?.certificate };
  }
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  // YAML that is broken elsewhere has no value to ask, but its lines are there.
  const [, text] = /^admin:[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]+))/m.exec(new TextDecoder().decode(bytes))
    ?.filter((part) => part !== undefined) ?? [];
  const parsed = Config.shape.admin.safeParse(text);
  if (!parsed.success) return undefined;
  return { address: parsed.data === "off" ? undefined : parsed.data, certificate: undefined };
}
