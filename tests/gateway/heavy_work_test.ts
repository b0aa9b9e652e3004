/** Work for large bodies, one piece at a time. */

import { deepEqual, rejects } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { HEAVY_BYTES, HeavyWork } from "../../lib/gateway/heavy_work.ts";

Deno.test("heavy work is done in order, and other events are handled before each piece", async () => {
  const heavy = new HeavyWork();
  const seen: string[] = [];
  const note = (text: string) => () => {
    seen.push(text);
    // Events that wait in the loop are handled before the next piece.
    setImmediate(() => seen.push(`after ${text}`));
  };
  await Promise.all(["a", "b", "c"].map((text) => heavy.run(HEAVY_BYTES, note(text))));
  deepEqual(seen.slice(0, 5), ["a", "after a", "b", "after b", "c"]);
});

Deno.test("other work does not wait, and the asynchronous rest of heavy work blocks nothing", async () => {
  const heavy = new HeavyWork();
  const upstream = Promise.withResolvers<string>();
  const first = heavy.run(HEAVY_BYTES, () => upstream.promise);
  deepEqual(await heavy.run(HEAVY_BYTES - 1, () => "light"), "light");
  deepEqual(await heavy.run(HEAVY_BYTES, () => "second"), "second");
  upstream.resolve("first");
  deepEqual(await first, "first");
});

Deno.test("work that fails does not stop later work", async () => {
  const heavy = new HeavyWork();
  await rejects(
    heavy.run(HEAVY_BYTES, () => {
      throw new Error("no");
    }),
    { message: "no" },
  );
  deepEqual(await heavy.run(HEAVY_BYTES, () => 1), 1);
});
