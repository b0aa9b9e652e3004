/** Labels are bounded in number, whatever is counted. */

import { deepEqual } from "node:assert/strict";
import { BoundedLabel } from "../../lib/telemetry/bounded_label.ts";

Deno.test("the first names keep their own value, and all later ones share one", () => {
  const label = new BoundedLabel(2);
  deepEqual(["a", "b", "c", "a", "d"].map((name) => label.of(name)), ["a", "b", "(others)", "a", "(others)"]);
});
