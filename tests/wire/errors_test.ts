/** Error bodies: each dialect's own, without what only the operator may read. */

import assert from "node:assert/strict";
import { AditError, ERRORS, invalidField } from "../../lib/base/errors.ts";
import type { ErrorKind } from "../../lib/base/errors.ts";
import { anthropicErrorBody, bedrockErrorBody, openAiErrorBody } from "../../lib/wire/errors.ts";

Deno.test("the invalid field is reported in every dialect", () => {
  const error = invalidField("n", "expected 1");
  assert.deepEqual(openAiErrorBody(error), {
    error: {
      message: "n: expected 1",
      type: "invalid_request_error",
      param: "n",
      code: "invalid_request_error",
    },
  });
  assert.deepEqual(anthropicErrorBody(error, "req_1"), {
    type: "error",
    error: { type: "invalid_request_error", message: "n: expected 1" },
    request_id: "req_1",
  });
  assert.deepEqual(bedrockErrorBody(error), { message: "n: expected 1" });
});

Deno.test("no error body contains the upstream's words or the cause of the error", () => {
  for (const kind of Object.keys(ERRORS) as ErrorKind[]) {
    const error = new AditError(kind, undefined, {
      upstream: { message: "HEMMELIG" },
      cause: new Error("HEMMELIG"),
    });
    const bodies = [openAiErrorBody(error), anthropicErrorBody(error, "req_1"), bedrockErrorBody(error)];
    assert.ok(!JSON.stringify(bodies).includes("HEMMELIG"), kind);
  }
});
