/** The last lines of the log, in memory. */

import { deepEqual, equal } from "node:assert/strict";

import { createLogger } from "../../../lib/base/log/log.ts";
import { LogTail } from "../../../lib/base/log/log_tail.ts";
import { fakeTime } from "../../fakes/time.ts";

Deno.test("the tail has the lines as they are written, without priorities", async () => {
  const tail = new LogTail();
  let written = "";
  const logger = createLogger((text) => {
    written += text;
    return Promise.resolve();
  }, { clock: fakeTime().clock, priorities: true, onLine: tail.add });
  logger.log("debug", "below the level");
  logger.log("info", "plain");
  logger.log("warn", "odd\u202e", { name: "\u200bx" });
  await logger.flush();
  const lines = tail.after(0);
  deepEqual(lines.map(({ seq, level }) => [seq, level]), [[1, "info"], [2, "warn"]]);
  equal(written, lines.map(({ level, line }) => `<${level === "info" ? 6 : 4}>${line}\n`).join(""));
});

Deno.test("the last thousand lines are kept, a long one without its text", () => {
  const tail = new LogTail();
  deepEqual([tail.lastSeq, tail.after(0)], [0, []]);
  for (let number = 1; number <= 1500; number++) tail.add("info", `line ${number}`);
  tail.add("error", "x".repeat(100_000));
  const lines = tail.after(0);
  deepEqual([lines.length, lines[0]?.line, lines.at(-1)], [1000, "line 502", {
    seq: 1501,
    level: "error",
    line: "",
  }]);
  deepEqual(tail.after(1499).map(({ seq }) => seq), [1500, 1501]);
  deepEqual(tail.after(1501), []);
});
