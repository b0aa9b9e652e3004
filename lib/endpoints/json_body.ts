/** The JSON body of a request. */

import { type JsonObject, parseJsonBody } from "../base/json.ts";
import type { EndpointRequest } from "../gateway/endpoint.ts";
import { inflatedBody } from "./encoded_body.ts";

/** The object in the body. Throws `invalid_request`. */
export function jsonBody({ received, snapshot }: EndpointRequest): JsonObject {
  const body = inflatedBody(received.body, received.headers, snapshot.limits.bodyBytes);
  return parseJsonBody(body, {
    maxDepth: snapshot.limits.jsonDepth,
    maxValues: snapshot.limits.jsonValues,
  });
}
