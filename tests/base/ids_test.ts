import { deepEqual, match } from "node:assert/strict";
import { newCompletionId, newMessageId, newRequestId, newResponseId } from "../../lib/base/ids.ts";

for (
  const { name, newId, form } of [
    { name: "request", newId: () => newRequestId(1_764_240_000_000), form: /^req_[0-9a-f]{32}$/ },
    { name: "chat completion", newId: newCompletionId, form: /^chatcmpl-[0-9a-f]{32}$/ },
    { name: "response", newId: newResponseId, form: /^resp_[0-9a-f]{32}$/ },
    { name: "message", newId: newMessageId, form: /^msg_[0-9a-f]{32}$/ },
  ]
) {
  Deno.test(`1,000 ids of the kind "${name}" have their form and differ`, () => {
    const ids = Array.from({ length: 1000 }, () => newId());
    for (const id of ids) match(id, form);
    deepEqual(new Set(ids).size, ids.length);
  });
}

Deno.test("request ids begin with their times and are in their order, also after the clock was set back", () => {
  const times = [1000, 0, 1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000, 999];
  const ids = times.map((nowMs) => newRequestId(nowMs));
  deepEqual(ids.map((id) => Number.parseInt(id.slice(4, 16), 16)), times);
  deepEqual(ids.toSorted().map((id) => times[ids.indexOf(id)]), times.toSorted((one, other) => one - other));
});
