/** The error in the record of a request: the message that the caller got, without values of the request. */

import { deepEqual, equal } from "node:assert/strict";
import { AditError, ERROR_KINDS, errorRow, invalidField } from "../../lib/base/errors.ts";
import { errorResponse } from "../../lib/gateway/dialect.ts";
import { recordedError } from "../../lib/gateway/recorded_error.ts";
import { requestFields } from "../../lib/telemetry/log_line.ts";
import { record } from "../telemetry/record.ts";

/** The log fields about an error. */
function logged(error: AditError) {
  const { error: code, openai_code, reason } = requestFields(record({ error: recordedError(error) }));
  return { code, openai_code, reason };
}

async function toldCode(error: AditError): Promise<unknown> {
  return (await errorResponse(error, "openai", "req_1").json()).error.code;
}

for (const kind of ERROR_KINDS) {
  Deno.test(`the log names ${kind} as its caller was told, in code and words`, async () => {
    const error = new AditError(kind);
    deepEqual(logged(error), {
      code: await toldCode(error),
      openai_code: undefined,
      reason: errorRow(kind).text,
    });
  });
}

Deno.test("a code that is more specific than that of the kind is logged as well", async () => {
  const error = invalidField("input", "the content has been changed", "invalid_encrypted_content");
  const { code, openai_code } = logged(error);
  deepEqual([code, openai_code], ["invalid_request_error", await toldCode(error)]);
  equal(openai_code, "invalid_encrypted_content");
  const same = new AditError("rate_limited", undefined, { openAiCode: "rate_limit_exceeded" });
  equal(logged(same).openai_code, undefined);
});

Deno.test("the rule that refuses is named, and values of the request are not", () => {
  const message = 'refused by this gateway: rate limit "team-share" allows 60 requests per minute';
  const limit = { rule: "team-share", what: "requests" };
  equal(logged(new AditError("limit_requests", message, { limit })).reason, message);
  equal(
    logged(new AditError("limit_requests", "x".repeat(400), { limit })).reason,
    `${"x".repeat(299)}…`,
  );
  equal(
    logged(invalidField("n", 'expected a number, found "secret"')).reason,
    "n: expected a number, found [value]",
  );
});
