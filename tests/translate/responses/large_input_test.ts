/** Conversations of many items. */

import { deepEqual, equal } from "node:assert/strict";
import type { JsonObject } from "../../../lib/base/json.ts";
import { sent } from "../../suites/responses_rig.ts";

const USER = { role: "user", content: "Hi" };
const LOOK: JsonObject = { type: "function", name: "look", parameters: { type: "object", properties: {} } };
const call = (call_id: string) => ({ type: "function_call", call_id, name: "look", arguments: "{}" });
const output = (call_id: string) => ({ type: "function_call_output", call_id, output: call_id });
const ids = Array.from({ length: 2_000 }, (_, index) => `call_${index}`);

Deno.test("many calls in one turn get their outputs, in the order of the calls", () => {
  const input = [USER, ...ids.map(call), ...ids.toReversed().map(output)];
  const { messages } = sent({ tools: [LOOK], input });
  equal(messages.length, 3);
  const results = messages[2]?.content.map((block) =>
    "toolResult" in block ? block.toolResult.toolUseId : ""
  );
  deepEqual(results, ids);
});

Deno.test("one call id in many turns gets the outputs in their order", () => {
  const input = [USER, ...ids.flatMap((id) => [call("c"), { ...output("c"), output: id }])];
  const { messages } = sent({ tools: [LOOK], input });
  const texts = messages.flatMap(({ content }) =>
    content.flatMap((block) => "toolResult" in block ? block.toolResult.content : [])
  );
  deepEqual(texts, ids.map((text) => ({ text })));
});
