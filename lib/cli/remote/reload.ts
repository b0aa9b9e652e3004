/** `adit reload`: reloads the configuration of the running gateway, and prints the result. */

import process from "node:process";
import { messageOf } from "../../base/errors.ts";
import { member } from "../../base/json.ts";
import type { CliIo } from "../io.ts";
import { parseOptions, wrongUsage } from "../options.ts";
import { type AdminAnswer, askAdmin, keyRefusal, unexpectedAnswer } from "./admin_client.ts";
import { findAdmin } from "./find_admin.ts";

/** Runs `adit reload`; returns 0, 1 if the configuration is rejected or the gateway not reached, or 2 for wrong usage. */
export async function reload(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("reload", args, io);
  if (typeof options === "number") return options;
  const pid = options.pid === undefined ? undefined : Number(options.pid);
  if (pid !== undefined && !(Number.isInteger(pid) && pid > 1)) {
    return wrongUsage(
      "reload",
      `Cannot send a signal to ${JSON.stringify(options.pid)}: expected a process id`,
      io,
    );
  }
  const place = await findAdmin(options, io);
  if (typeof place === "string") return instead(place, pid, io);
  if (typeof place === "number") return place;
  let answer: AdminAnswer;
  try {
    answer = await askAdmin(place, "POST /-/reload", io.env["ADIT_ADMIN_KEY"]);
  } catch (error) {
    return instead(`Cannot ask the gateway at ${place.shown}: ${messageOf(error)}`, pid, io);
  }
  const { status, view } = answer;
  const problems = member(view, "problems");
  if (status === 200 && member(view, "status") === "reloaded") {
    io.out("reloaded\n");
    return 0;
  }
  if (status === 422 && Array.isArray(problems)) {
    for (const problem of problems) io.err(`${problem}\n`);
    io.err("The configuration is rejected; the running one stays in use\n");
    return 1;
  }
  if (status === 401 || status === 403) return instead(keyRefusal(place, io.env["ADIT_ADMIN_KEY"]), pid, io);
  io.err(`${unexpectedAnswer(place, status)}\n`);
  return 1;
}

/** Prints why the gateway could not be asked, and sends SIGHUP if the process is known. */
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
