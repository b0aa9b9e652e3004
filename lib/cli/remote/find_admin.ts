/** Finds the admin listener of the running gateway. */

import { join, resolve } from "node:path";
import { adminAddressOf } from "../../config/admin_address.ts";
import { readFile } from "../../config/file/files.ts";
import type { CommandName } from "../commands.ts";
import { findConfig } from "../config_path.ts";
import type { CliIo } from "../io.ts";
import { wrongUsage } from "../options.ts";
import { type AdminPlace, parsePlace } from "./admin_client.ts";

/** The options that say where. */
interface Where {
  readonly admin?: string;
  readonly config?: string;
}

/** Where the gateway listens, or why that is not known; the exit code after wrong usage, which has been reported. */
export async function findAdmin(
  { admin, config }: Where,
  io: CliIo,
  command: CommandName = "reload",
): Promise<AdminPlace | string | number> {
  const path = findConfig(config, io.env);
  const configured = await adminAddressOf(resolve(path), { readFile, env: io.env });
  const given = admin ?? await written(io.env);
  if (given !== undefined) {
    const place = parsePlace(given, configured?.certificate);
    if (place !== undefined) return place;
    return wrongUsage(
      command,
      `Cannot use the admin address "${given}": expected HOST:PORT, a URL, or unix:PATH`,
      io,
    );
  }
  if (configured === undefined) return `Cannot find the admin address in ${path}`;
  const { address, certificate } = configured;
  if (address === undefined) return `The gateway has no admin address: admin is off in ${path}`;
  const text = "path" in address ? `unix:${address.path}` : urlOf(address, certificate !== undefined);
  return parsePlace(text, certificate) ?? `Cannot use the admin address in ${path}`;
}

function urlOf(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  hasTls: boolean,
): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${hasTls ? "https" : "http"}://${host}:${port}`;
}

/** The address of the running configuration, which the service writes at its start and at every reload. */
async function written(env: CliIo["env"]): Promise<string | undefined> {
  const folder = env["RUNTIME_DIRECTORY"];
  if (folder === undefined || folder === "") return undefined;
  const bytes = await readFile(join(folder, "admin")).catch(() => undefined);
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes).trim();
  return text === "" ? undefined : text;
}
