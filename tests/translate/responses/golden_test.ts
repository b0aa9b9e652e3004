/** Every golden case of the Responses translation. */

import assert from "node:assert/strict";
import { responsesCases, runResponsesCase } from "../../suites/responses_golden.ts";

for (const path of responsesCases()) {
  Deno.test(`golden responses: ${path}`, () => runResponsesCase(path));
}

Deno.test("the golden cases of responses are found", () => assert.ok(responsesCases().length >= 80));
