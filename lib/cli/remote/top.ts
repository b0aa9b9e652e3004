/** `adit top`: what the running gateway is doing, in a terminal. */

import type { NowView } from "../../admin/contract/contract.ts";
import { messageOf } from "../../base/errors.ts";
import { type JsonValue, member } from "../../base/json.ts";
import type { CliIo } from "../io.ts";
import { parseOptions } from "../options.ts";
import { type AdminPlace, askAdmin, keyRefusal, watchAdmin } from "./admin_client.ts";
import { findAdmin } from "./find_admin.ts";
import { isTerminal, Terminal } from "./terminal.ts";
import { topScreen } from "./top_screen.ts";

const PATH = "/admin/v1/now";
/** Time until a lost gateway is asked again. */
const RETRY_MS = 2_000;

/** Runs `adit top`; returns 0, 1 if the gateway cannot be asked, or 2 for wrong usage. */
export async function top(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("top", args, io);
  if (typeof options === "number") return options;
  const place = await findAdmin(options, io, "top");
  if (typeof place === "number") return place;
  if (typeof place === "string") {
    io.err(`${place}\n`);
    return 1;
  }
  // Whatever is wrong is said before the screen is taken.
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

/** What the gateway is doing now, or why it does not say. */
async function ask(place: AdminPlace, key: string | undefined): Promise<NowView | string> {
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await askAdmin(place, `GET ${PATH}`, key);
  } catch (error) {
    return `Cannot ask the gateway at ${place.shown}: ${messageOf(error)}`;
  }
  switch (answer.status) {
    case 200:
      return parseNow(answer.body) ??
        `Cannot ask the gateway at ${place.shown}: its answer is not what was expected`;
    case 401:
    case 403:
      return keyRefusal(place, key);
    default:
      return `The gateway at ${place.shown} answered with status ${answer.status}`;
  }
}

function parseNow(text: string): NowView | undefined {
  try {
    const view: JsonValue = JSON.parse(text);
    return isNow(view) ? view : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a gateway has sent it, and not something else that listens there. */
function isNow(view: JsonValue): view is JsonValue & NowView {
  return ["rate", "in_flight", "seconds"].every((name) => typeof member(view, name) === "object");
}

/** Until the user leaves. */
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
        view = parseNow(data) ?? view;
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
