/** Adit's own errors in each dialect. */

import { deepEqual, equal } from "node:assert/strict";
import { AditError, type ErrorKind, errorRow, ERRORS, invalidField } from "../../lib/base/errors.ts";
import { type Dialect, DIALECTS, errorResponse } from "../../lib/gateway/dialect.ts";

const KINDS = Object.keys(ERRORS) as ErrorKind[];

Deno.test("an OpenAI error names the invalid field", async () => {
  const response = errorResponse(invalidField("messages[0].role", "expected a role"), "openai", "req_1");
  equal(response.status, 400);
  deepEqual(await response.json(), {
    error: {
      message: "messages[0].role: expected a role",
      type: "invalid_request_error",
      param: "messages[0].role",
      code: "invalid_request_error",
    },
  });
});

Deno.test("an Anthropic error has the request id in its body and header", async () => {
  const response = errorResponse(new AditError("overloaded"), "anthropic", "req_1");
  equal(response.status, 529);
  equal(response.headers.get("request-id"), "req_1");
  deepEqual(await response.json(), {
    type: "error",
    error: { type: "overloaded_error", message: ERRORS.overloaded.text },
    request_id: "req_1",
  });
});

Deno.test("an error on a native route has its name in a header, and is marked as coming from the gateway", async () => {
  const response = errorResponse(new AditError("model_not_found", "no such model"), "bedrock", "req_1");
  equal(response.status, 403);
  equal(response.headers.get("x-amzn-errortype"), "AccessDeniedException");
  equal(response.headers.get("x-amzn-requestid"), "req_1");
  equal(response.headers.get("x-adit-error"), "true");
  deepEqual(await response.json(), { message: "no such model" });
});

for (const dialect of DIALECTS) {
  Deno.test(`every kind of error has a JSON answer in ${dialect}'s dialect`, async () => {
    for (const kind of KINDS) {
      const response = errorResponse(new AditError(kind), dialect, "req_1");
      equal(response.status >= 400 && response.status < 600, true, kind);
      equal(response.headers.get("content-type"), "application/json");
      equal(response.headers.get("x-request-id"), "req_1");
      equal(response.headers.has("x-adit-error"), dialect === "bedrock");
      equal((await response.text()).includes(JSON.stringify(errorRow(kind).text)), true, kind);
    }
  });
}

const HEADERS: readonly (readonly [AditError, header: string, value: string | null])[] = [
  [new AditError("rate_limited", undefined, { retryAfter: "17" }), "retry-after", "17"],
  [new AditError("rate_limited"), "retry-after", null],
  [new AditError("busy"), "retry-after", "1"],
  [new AditError("model_not_ready"), "retry-after", "5"],
  [new AditError("model_not_ready", undefined, { retryAfter: "2" }), "retry-after", "2"],
  [new AditError("upstream_credentials"), "x-should-retry", "false"],
  [new AditError("upstream_error"), "x-should-retry", null],
];

for (const [error, header, value] of HEADERS) {
  Deno.test(`${error.kind} is answered with ${header}: ${value}`, () => {
    equal(errorResponse(error, "openai", "req_1").headers.get(header), value);
  });
}

Deno.test("Claude Code is told to stop when a budget is spent, and only then", () => {
  const header = (kind: ErrorKind, dialect: Dialect) =>
    errorResponse(new AditError(kind), dialect, "req_1").headers.get("anthropic-ratelimit-unified-status");
  equal(header("budget_spent", "anthropic"), "rejected");
  for (const kind of KINDS.filter((each) => each !== "budget_spent")) {
    equal(header(kind, "anthropic"), null, kind);
  }
  equal(header("budget_spent", "openai"), null);
  equal(header("budget_spent", "bedrock"), null);
});

Deno.test("errors show neither the upstream's message nor the cause", async () => {
  const error = new AditError("internal", undefined, {
    upstream: { message: "Confidential" },
    cause: new Error("Confidential"),
  });
  for (const dialect of DIALECTS) {
    equal((await errorResponse(error, dialect, "req_1").text()).includes("Confidential"), false);
  }
});
