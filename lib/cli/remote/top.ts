/** `adit top`: what the running gateway is doing, in a terminal. */

import type { NowView } from "../../admin/contract/contract.ts";
import { messageOf } from "../../base/errors.ts";
import { type JsonValue, member } from "../../base/json.ts";
import type { CliIo } from "../io.ts";
import { parseOptions } from "../options.ts";
import {
  type AdminAnswer,
  type AdminPlace,
  askAdmin,
  keyRefusal,
  parsedJson,
  unexpectedAnswer,
  watchAdmin,
} from "./admin_client.ts";
import { findAdmin } from "./find_admin.ts";
import { isTerminal, Terminal } from "./terminal.ts";
import { topScreen } from "./top_screen.ts";

const PATH = "/admin/v1/now";
/** Time until the next attempt to connect to a gateway that was lost. */
const RETRY_MS = 2_000;

/** Runs `adit top`; returns 0, 1 if the gateway cannot be reached, or 2 for wrong usage. */
export async function top(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("top", args, io);
  if (typeof options === "number") return options;
  const place = await findAdmin(options, io, "top");
  if (typeof place === "number") return place;
  if (typeof place === "string") {
    io.err(`${place}\n`);
    return 1;
  }
  // Errors are printed before the screen is taken over.
  const first = await ask(place, io.env["ADIT_ADMIN_KEY"]);
  if (typeof first === "string") {
    io.err(`${first}\n`);
    return 1;
  }
  if (options.once === true || !isTerminal()) {
    const lines = topScreen(first, { size: undefined, isBold: false, lost: undefined });
    io.out(lines.map((line) => `${line.trimEnd()}\n`).join(""));
    return 0;
  }
  await watch(first, place, io);
  return 0;
}

/** What the gateway is doing now, or the error message. */
async function ask(place: AdminPlace, key: string | undefined): Promise<NowView | string> {
  let answer: AdminAnswer;
  try {
    answer = await askAdmin(place, `GET ${PATH}`, key);
  } catch (error) {
    return `Cannot ask the gateway at ${place.shown}: ${messageOf(error)}`;
  }
  const { status, view } = answer;
  if (status === 200 && isNow(view)) return view;
  return status === 401 || status === 403 ? keyRefusal(place, key) : unexpectedAnswer(place, status);
}

/** Whether it comes from a gateway, rather than from another program at this address. */
function isNow(view: JsonValue | undefined): view is JsonValue & NowView {
  return ["rate", "in_flight", "seconds"].every((name) => typeof member(view, name) === "object");
}

/** Shows the screen until the user leaves. */
async function watch(first: NowView, place: AdminPlace, io: CliIo): Promise<void> {
  const terminal = new Terminal();
  const isBold = (io.env["NO_COLOR"] ?? "") === "";
  let view = first;
  let lost: string | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stop = () => {};
  const draw = () => terminal.draw(topScreen(view, { size: terminal.size, isBold, lost }));
  const connect = () => {
    stop = watchAdmin(place, PATH, {
      key: io.env["ADIT_ADMIN_KEY"],
      onEvent: (data) => {
        const next = parsedJson(data);
        if (isNow(next)) view = next;
        lost = undefined;
        draw();
      },
      onEnd: (reason) => {
        lost = reason;
        draw();
        retry = setTimeout(connect, RETRY_MS);
      },
    });
  };
  try {
    terminal.onResize(draw);
    draw();
    connect();
    await terminal.left;
  } finally {
    clearTimeout(retry);
    stop();
    terminal.close();
  }
}
