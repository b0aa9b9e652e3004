/** Finds the admin listener of the running gateway. */

import { join, resolve } from "node:path";
import { adminAddressOf } from "../../config/admin_address.ts";
import { readFile, readText } from "../../config/file/files.ts";
import type { CommandName } from "../commands.ts";
import { findConfig } from "../config_path.ts";
import type { CliIo } from "../io.ts";
import { wrongUsage } from "../options.ts";
import { type AdminPlace, parsePlace } from "./admin_client.ts";

/** The options that say where the gateway is. */
interface Where {
  readonly admin?: string;
  readonly config?: string;
}

/** The admin listener, or the reason it is not known; the exit code after wrong usage, which has been reported. */
export async function findAdmin(
  { admin, config }: Where,
  io: CliIo,
  command: CommandName = "reload",
): Promise<AdminPlace | string | number> {
  const path = findConfig(config, io.env);
  const configured = await adminAddressOf(resolve(path), { readFile, env: io.env });
  const given = admin ?? await written(adminFileFor(resolve(path), io.env));
  if (given !== undefined) {
    const place = parsePlace(given, configured);
    if (place !== undefined) return place;
    return wrongUsage(
      command,
      `Cannot use the admin address ${JSON.stringify(given)}: expected HOST:PORT, a URL, or unix:PATH`,
      io,
    );
  }
  if (configured === undefined) return await notFound(path);
  const { address } = configured;
  if (address === undefined) return `The gateway has no admin address: admin is off in ${path}`;
  const text = "path" in address ? `unix:${address.path}` : hostOf(address);
  return parsePlace(text, configured) ?? `Cannot use the admin address in ${path}`;
}

/** Why the configuration does not say where the gateway listens. */
async function notFound(path: string): Promise<string> {
  const read = await readText(path);
  const reason = read.ok ? "the key admin is invalid" : read.reason;
  return `Cannot find the admin address in ${path}: ${reason}; give it with --admin`;
}

function hostOf({ hostname, port }: { readonly hostname: string; readonly port: number }): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** The configuration and the runtime directory of the systemd unit in config/. */
const SERVICE = { config: "/etc/adit/adit.yaml", folder: "/run/adit" } as const;

/** The file to which a gateway with this configuration writes its admin address; undefined if it does not. */
export function adminFileFor(configPath: string, env: CliIo["env"]): string | undefined {
  // Of several folders, separated by colons, the first: systemd.exec(5).
  const [own = ""] = (env["RUNTIME_DIRECTORY"] ?? "").split(":");
  const folder = own === "" && configPath === SERVICE.config ? SERVICE.folder : own;
  return folder === "" ? undefined : join(folder, "admin");
}

/** The address of the running configuration, which the service writes at start and after every reload. */
async function written(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readFile(file).catch(() => undefined);
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes).trim();
  return text === "" ? undefined : text;
}
