/** Efforts of reasoning: what the model has for each, or the nearest. */

import { deepEqual, equal } from "node:assert/strict";
import type { JsonObject } from "../../../../lib/base/json.ts";
import { effortFields, effortOfBudget } from "../../../../lib/translate/converse/thinking/efforts.ts";

const THREE = new Map<string, JsonObject>([
  ["low", { e: "low" }],
  ["medium", { e: "medium" }],
  ["high", { e: "high" }],
]);

const TAKEN: readonly (readonly [asked: string, taken: string | undefined])[] = [
  ["minimal", "low"],
  ["low", "low"],
  ["high", "high"],
  ["xhigh", "high"],
  ["max", "high"],
  ["none", undefined],
  ["turbo", undefined],
];

for (const [asked, taken] of TAKEN) {
  Deno.test(`the effort ${asked} of a model with three is ${taken}`, () => {
    const found = effortFields(asked, { reasoningEffort: THREE, thoughtText: "always" });
    deepEqual(found, taken === undefined ? undefined : { fields: { e: taken }, isClamped: taken !== asked });
  });
}

Deno.test("a model without efforts has none", () => {
  equal(effortFields("low", { reasoningEffort: new Map(), thoughtText: "always" }), undefined);
});

Deno.test("an effort requests hidden thoughts, unless thinking is off or its display is set", () => {
  const fields = (thinking: JsonObject) =>
    effortFields("low", { reasoningEffort: new Map([["low", { thinking }]]), thoughtText: "on_request" })
      ?.fields;
  deepEqual(fields({ type: "adaptive" }), { thinking: { type: "adaptive", display: "summarized" } });
  deepEqual(fields({ type: "disabled" }), { thinking: { type: "disabled" } });
  deepEqual(fields({ type: "adaptive", display: "omitted" }), {
    thinking: { type: "adaptive", display: "omitted" },
  });
});

Deno.test("a budget becomes the effort whose budget it reaches", () => {
  deepEqual([undefined, 1024, 4095, 4096, 16_383, 16_384].map(effortOfBudget), [
    "medium",
    "low",
    "low",
    "medium",
    "medium",
    "high",
  ]);
});
