import { deepEqual, match } from "node:assert/strict";
import { newCompletionId, newMessageId, newRequestId, newResponseId } from "../../lib/base/ids.ts";

for (
  const { name, newId, form } of [
    { name: "request", newId: newRequestId, form: /^req_[0-9a-f]{32}$/ },
    { name: "chat completion", newId: newCompletionId, form: /^chatcmpl-[0-9a-f]{32}$/ },
    { name: "response", newId: newResponseId, form: /^resp_[0-9a-f]{32}$/ },
    { name: "message", newId: newMessageId, form: /^msg_[0-9a-f]{32}$/ },
  ]
) {
  Deno.test(`1,000 ids of the kind "${name}" have their form and differ`, () => {
    const ids = Array.from({ length: 1000 }, newId);
    for (const id of ids) match(id, form);
    deepEqual(new Set(ids).size, ids.length);
  });
}
