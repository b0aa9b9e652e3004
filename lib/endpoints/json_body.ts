/** The JSON body of a request. */

import { type JsonObject, parseJsonBody } from "../base/json.ts";
import type { EndpointRequest } from "../gateway/endpoint.ts";
import { inflatedBody } from "./encoded_body.ts";

/** The bytes of the body without its encoding. Throws `invalid_request` or `body_too_large`. */
export function plainBody({ received, snapshot }: EndpointRequest): Uint8Array<ArrayBuffer> {
  return inflatedBody(received.body, received.headers, snapshot.limits.bodyBytes);
}

/** The object in the body. Throws `invalid_request`. */
export function jsonBody(request: EndpointRequest, bytes = plainBody(request)): JsonObject {
  const { limits } = request.snapshot;
  return parseJsonBody(bytes, { maxDepth: limits.jsonDepth, maxValues: limits.jsonValues });
}
