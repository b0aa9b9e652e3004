import { deepEqual } from "node:assert/strict";
import { endOfTurn } from "../../lib/base/end_of_turn.ts";

Deno.test("all who ask in a turn go on together, after what follows without waiting", async () => {
  const events: string[] = [];
  const ends = ["first", "second"].map((name) => endOfTurn().then(() => events.push(name)));
  for (const step of ["one step", "another step"]) {
    await Promise.resolve();
    events.push(step);
  }
  await Promise.all(ends);
  deepEqual(events, ["one step", "another step", "first", "second"]);
});

Deno.test("who asks at the end of a turn waits for the end of the next", async () => {
  const events: string[] = [];
  const later = endOfTurn().then(async () => {
    const next = endOfTurn().then(() => events.push("next end"));
    await Promise.resolve();
    events.push("next turn");
    await next;
  });
  await endOfTurn();
  events.push("end");
  await later;
  deepEqual(events, ["end", "next turn", "next end"]);
});
