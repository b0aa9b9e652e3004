/** The traceparent header: what is a context, and what is not. */

import { deepEqual, equal } from "node:assert/strict";
import { parseTraceparent } from "../../lib/base/trace_context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

Deno.test("a traceparent names the trace, the caller's span, and whether it is recorded", () => {
  const context = { traceId: TRACE, parentId: SPAN };
  deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { ...context, sampled: true });
  deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-00`), { ...context, sampled: false });
  deepEqual(parseTraceparent(` 00-${TRACE}-${SPAN}-03 `), { ...context, sampled: true });
});

Deno.test("a later version may have more parts", () => {
  equal(parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)?.traceId, TRACE);
});

const INVALID: readonly (string | null)[] = [
  null,
  "",
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `01-${TRACE}-${SPAN}-01-${"x".repeat(300)}`,
];

for (const header of INVALID) {
  Deno.test(`${JSON.stringify(header)?.slice(0, 90)} is no context`, () => {
    equal(parseTraceparent(header), undefined);
  });
}
