/** Classification of each refusal of the upstream. */

import { deepEqual, equal } from "node:assert/strict";
import { EMPTY, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { type AditError, type ErrorKind, ERRORS } from "../../../lib/base/errors.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../lib/codec/eventstream.ts";
import {
  classifyErrorEvent,
  classifyFrame,
  classifyResponse,
} from "../../../lib/providers/bedrock/classify.ts";
import { errorFrame, eventFrame, exceptionFrame } from "../../fakes/frames.ts";

const CORAL = ":http://internal.amazon.com/coral/com.amazon.bedrock/";

interface Response {
  readonly status: number;
  readonly type?: string;
  readonly body?: unknown;
}

function classify({ status, type, body }: Response): AditError {
  const headers = new Headers({ "x-amzn-requestid": "r-1" });
  if (type !== undefined) headers.set("x-amzn-errortype", type);
  return classifyResponse(
    status,
    headers,
    encodeUtf8(typeof body === "string" ? body : JSON.stringify(body)),
  );
}

const RESPONSES: readonly (readonly [Response, ErrorKind])[] = [
  [{ status: 400, type: "ValidationException" }, "invalid_request"],
  [{ status: 400, type: `ValidationException${CORAL}` }, "invalid_request"],
  [{ status: 400, type: "ValidationException,other" }, "invalid_request"],
  [{ status: 400, body: { __type: "com.amazon.coral#ValidationException" } }, "invalid_request"],
  [{ status: 400, body: { code: "ThrottlingException" } }, "rate_limited"],
  [{ status: 400, type: "ServiceQuotaExceededException" }, "quota_exceeded"],
  [{ status: 403, type: "AccessDeniedException" }, "permission_denied"],
  [
    { status: 403, type: "AccessDeniedException", body: { message: "Model access is denied" } },
    "permission_denied",
  ],
  ...[
    "Authentication failed: Please make sure your API Key is valid.",
    "Bearer Token has expired",
    "Invalid API Key format: Must start with pre-defined prefix",
  ].map((message): [Response, ErrorKind] => [
    { status: 403, type: "AccessDeniedException", body: { message } },
    "upstream_credentials",
  ]),
  [{ status: 403, type: "UnrecognizedClientException" }, "upstream_credentials"],
  [{ status: 403, type: "ExpiredTokenException" }, "upstream_credentials"],
  [{ status: 403, type: "InvalidSignatureException" }, "upstream_credentials"],
  [{ status: 403, body: { Message: "Bearer Token has expired" } }, "upstream_credentials"],
  [{ status: 404, type: "ResourceNotFoundException" }, "model_not_found"],
  [{ status: 408, type: "ModelTimeoutException" }, "timeout"],
  [{ status: 424, type: "ModelErrorException" }, "model_error"],
  [{ status: 429, type: "ThrottlingException" }, "rate_limited"],
  [{ status: 429, type: "ModelNotReadyException" }, "model_not_ready"],
  [{ status: 500, type: "InternalServerException" }, "upstream_error"],
  [{ status: 503, type: "ServiceUnavailableException" }, "overloaded"],
  // An unknown type: the status decides.
  [{ status: 400, type: "NewException" }, "invalid_request"],
  [{ status: 413, body: "<html>too large</html>" }, "body_too_large"],
  [{ status: 502, body: "<html>bad gateway</html>" }, "upstream_protocol"],
  [{ status: 403, body: "\n<!DOCTYPE html><html>blocked by the proxy</html>" }, "upstream_protocol"],
  [{ status: 407, body: "<HTML>log in</HTML>" }, "upstream_protocol"],
  [{ status: 400, body: "<html>bad request</html>" }, "upstream_protocol"],
  [{ status: 404, body: "<html>not here</html>" }, "upstream_protocol"],
  [{ status: 503, body: "<html>busy</html>" }, "overloaded"],
  [{ status: 429, body: "<html>slow down</html>" }, "rate_limited"],
  [{ status: 400, type: "ValidationException", body: "<html>" }, "invalid_request"],
  [{ status: 503, body: "" }, "overloaded"],
  [{ status: 504, body: "[]" }, "timeout"],
  [{ status: 500, body: "null" }, "upstream_error"],
  [{ status: 301, body: "" }, "upstream_error"],
  [{ status: 206, body: "" }, "upstream_error"],
  [{ status: 400, type: "constructor", body: { message: 7, code: ["x"] } }, "invalid_request"],
];

for (const [response, kind] of RESPONSES) {
  Deno.test(`${JSON.stringify(response)} is ${kind}`, () => equal(classify(response).kind, kind));
}

Deno.test("AWS's wording is shown scrubbed where clients act on it, and kept whole for the log", () => {
  const message = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/x is not a model";
  const error = classify({ status: 400, type: `ValidationException${CORAL}`, body: { message } });
  equal(error.message.includes("123456789012"), false);
  equal(error.message.endsWith("is not a model"), true);
  deepEqual(error.details.upstream, { status: 400, type: "ValidationException", message, requestId: "r-1" });
});

Deno.test("AWS's wording about the gateway's own credentials is not shown", () => {
  const error = classify({
    status: 403,
    type: "ExpiredTokenException",
    body: { message: "AKID has expired" },
  });
  equal(error.message, ERRORS.upstream_credentials.text);
  equal(error.details.upstream?.message, "AKID has expired");
});

Deno.test("an error without a message, or with an empty one, has the message in the table", () => {
  for (const body of [{}, { message: "" }, "<html>"]) {
    equal(classify({ status: 400, type: "ValidationException", body }).message, ERRORS.invalid_request.text);
  }
  const silent = frameOf(exceptionFrame("validationException", ""));
  equal(classifyFrame(silent, undefined)?.message, ERRORS.invalid_request.text);
});

Deno.test("the message of a refusal is shown in whatever form it comes", () => {
  const shapes = [
    { message: "too warm" },
    { Message: "too warm" },
    { error: { message: "too warm", type: "invalid_request_error" } },
    { error: "too warm" },
    { detail: "too warm" },
    { message: "", error: { message: "too warm" } },
    { message: { text: "not a string" }, error: { message: "too warm" } },
  ];
  for (const body of shapes) equal(classify({ status: 400, body }).message, "too warm", JSON.stringify(body));
});

Deno.test("an error event of the model has the kind of its type", () => {
  const kinds: readonly [string, ErrorKind][] = [
    ["overloaded_error", "overloaded"],
    ["rate_limit_error", "rate_limited"],
    ["invalid_request_error", "invalid_request"],
    ["api_error", "model_error"],
    ["brand_new_error", "model_error"],
  ];
  for (const [type, kind] of kinds) {
    equal(classifyErrorEvent({ type: "error", error: { type, message: "no" } }, undefined).kind, kind, type);
  }
  equal(classifyErrorEvent({ type: "error" }, "r-3").kind, "model_error");
});

Deno.test("a body that is too long for an error of Bedrock is not read", () => {
  const error = classify({
    status: 500,
    body: { message: "x".repeat(100_000), code: "ThrottlingException" },
  });
  equal(error.kind, "upstream_error");
  equal(error.details.upstream?.message, undefined);
});

Deno.test("retry-after is kept", () => {
  const headers = new Headers({ "retry-after": "17" });
  equal(classifyResponse(429, headers, EMPTY).details.retryAfter, "17");
});

const FRAMES:
  readonly (readonly [name: string, frame: Uint8Array<ArrayBuffer>, kind: ErrorKind | undefined])[] = [
    ["an event", eventFrame("messageStart", {}), undefined],
    ["an event without :message-type", encodeFrame({ ":event-type": "messageStart" }, EMPTY), undefined],
    ["a validationException", exceptionFrame("validationException", "no"), "invalid_request"],
    ["a throttlingException", exceptionFrame("throttlingException", "no"), "rate_limited"],
    ["a modelStreamErrorException", exceptionFrame("modelStreamErrorException", "no"), "model_error"],
    ["a modelTimeoutException", exceptionFrame("modelTimeoutException", "no"), "timeout"],
    ["a serviceUnavailableException", exceptionFrame("serviceUnavailableException", "no"), "overloaded"],
    ["an exception that is new", exceptionFrame("newException", "no"), "upstream_error"],
    [
      "an exception without :message-type",
      encodeFrame({ ":exception-type": "throttlingException" }, EMPTY),
      "rate_limited",
    ],
    ["an exception without a name", encodeFrame({ ":message-type": "exception" }, EMPTY), "upstream_error"],
    ["an error", errorFrame("InternalFailure", "no"), "upstream_error"],
    ["an error named like an exception", errorFrame("ThrottlingException", "no"), "rate_limited"],
    ["an error without a code", encodeFrame({ ":message-type": "error" }, EMPTY), "upstream_error"],
  ];

for (const [name, bytes, kind] of FRAMES) {
  Deno.test(`${name} in a stream is ${kind ?? "no error"}`, () => {
    equal(classifyFrame(frameOf(bytes), "r-2")?.kind, kind);
  });
}

Deno.test("the message of an exception or error frame and the request id are kept for the log", () => {
  const type = "ThrottlingException";
  const expected = { type, message: "slow down", requestId: "r-2" };
  deepEqual(
    classifyFrame(frameOf(exceptionFrame("throttlingException", "slow down")), "r-2")?.details.upstream,
    expected,
  );
  deepEqual(classifyFrame(frameOf(errorFrame(type, "slow down")), "r-2")?.details.upstream, expected);
});

function frameOf(bytes: Uint8Array<ArrayBuffer>): Frame {
  const [frame] = new FrameDecoder().push(bytes);
  if (frame === undefined) throw new Error("no frame");
  return frame;
}

Deno.test("a response of another server than Bedrock is upstream_protocol, whatever it says", () => {
  const foreign: readonly (readonly [status: number, body: string])[] = [
    [400, '{"error":"bad"}'],
    [401, '{"message":"log in to the proxy"}'],
    [403, "forbidden"],
    [404, '{"detail":"Not Found"}'],
    [500, ""],
    [302, ""],
  ];
  for (const [status, body] of foreign) {
    equal(classifyResponse(status, new Headers(), encodeUtf8(body)).kind, "upstream_protocol", body);
  }
  // These mean the same from every sender.
  equal(classifyResponse(503, new Headers(), EMPTY).kind, "overloaded");
  // AWS's name in the body is enough.
  const body = encodeUtf8('{"__type":"ThrottlingException","message":"slow down"}');
  equal(classifyResponse(400, new Headers(), body).kind, "rate_limited");
});
