/** `adit reload`: lets the running gateway read its configuration again, and prints the result. */

import process from "node:process";
import { join, resolve } from "node:path";
import { messageOf } from "../base/errors.ts";
import { isJsonObject, parseJsonBody } from "../base/json.ts";
import { adminAddressOf } from "../config/admin_address.ts";
import { readFile } from "../config/file/files.ts";
import { type AdminPlace, askAdmin, parsePlace } from "./admin_client.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { parseOptions, wrongUsage } from "./options.ts";

/** Runs `adit reload`; returns 0, 1 if the configuration is refused or the gateway cannot be asked, or 2 for wrong usage. */
export async function reload(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("reload", args, io);
  if (typeof options === "number") return options;
  const pid = options.pid === undefined ? undefined : Number(options.pid);
  if (pid !== undefined && !(Number.isInteger(pid) && pid > 1)) {
    return wrongUsage("reload", `Cannot send a signal to "${options.pid}": expected the id of a process`, io);
  }
  const place = await findPlace(options, io);
  if (typeof place === "string") return place === "" ? 2 : instead(place, pid, io);
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await askAdmin(place, "POST /-/reload", io.env["ADIT_ADMIN_KEY"]);
  } catch (error) {
    return instead(`Cannot ask the gateway at ${place.shown}: ${messageOf(error)}`, pid, io);
  }
  switch (answer.status) {
    case 200:
      io.out("reloaded\n");
      return 0;
    case 422:
      for (const problem of problemsIn(answer.body)) io.err(`${problem}\n`);
      io.err("The configuration is refused; the running one stays in use\n");
      return 1;
    case 401:
    case 403:
      return instead(`The gateway at ${place.shown} needs a key: set ADIT_ADMIN_KEY`, pid, io);
    default:
      io.err(`The gateway at ${place.shown} answered with status ${answer.status}\n`);
      return 1;
  }
}

interface Where {
  readonly admin?: string;
  readonly config?: string;
}

/** Where the gateway listens, or why that is not known; empty after wrong usage. */
async function findPlace({ admin, config }: Where, io: CliIo): Promise<AdminPlace | string> {
  const path = findConfig(config, io.env);
  const configured = await adminAddressOf(resolve(path), { readFile, env: io.env });
  const given = admin ?? await written(io.env);
  if (given !== undefined) {
    const place = parsePlace(given, configured?.certificate);
    if (place !== undefined) return place;
    wrongUsage(
      "reload",
      `Cannot use the admin address "${given}": expected HOST:PORT, a URL, or unix:PATH`,
      io,
    );
    return "";
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

/** Sends the signal, whose result is in the log, or says why the gateway was not asked. */
function instead(reason: string, pid: number | undefined, io: CliIo): number {
  io.err(`${reason}\n`);
  if (pid === undefined) return 1;
  try {
    process.kill(pid, "SIGHUP");
  } catch (error) {
    io.err(`Cannot send SIGHUP to process ${pid}: ${messageOf(error)}\n`);
    return 1;
  }
  io.err(`Sent SIGHUP to process ${pid} instead; its log has the result\n`);
  return 0;
}

function problemsIn(body: string): readonly string[] {
  const value = parseJsonBody(new TextEncoder().encode(body), { maxDepth: 8 });
  const problems = isJsonObject(value) ? value["problems"] : undefined;
  return Array.isArray(problems) ? problems.map(String) : [];
}
