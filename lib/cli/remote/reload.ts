/** `adit reload`: lets the running gateway read its configuration again, and prints the result. */

import process from "node:process";
import { messageOf } from "../../base/errors.ts";
import { isJsonObject, parseJsonBody } from "../../base/json.ts";
import type { CliIo } from "../io.ts";
import { parseOptions, wrongUsage } from "../options.ts";
import { askAdmin, keyRefusal } from "./admin_client.ts";
import { findAdmin } from "./find_admin.ts";

/** Runs `adit reload`; returns 0, 1 if the configuration is refused or the gateway cannot be asked, or 2 for wrong usage. */
export async function reload(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("reload", args, io);
  if (typeof options === "number") return options;
  const pid = options.pid === undefined ? undefined : Number(options.pid);
  if (pid !== undefined && !(Number.isInteger(pid) && pid > 1)) {
    return wrongUsage("reload", `Cannot send a signal to "${options.pid}": expected the id of a process`, io);
  }
  const place = await findAdmin(options, io);
  if (typeof place === "string") return instead(place, pid, io);
  if (typeof place === "number") return place;
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
      return instead(keyRefusal(place, io.env["ADIT_ADMIN_KEY"]), pid, io);
    default:
      io.err(`The gateway at ${place.shown} answered with status ${answer.status}\n`);
      return 1;
  }
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
