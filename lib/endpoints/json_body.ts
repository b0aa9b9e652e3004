/** The JSON body of a request. */

import { type JsonObject, parseJsonBody } from "../base/json.ts";
import type { EndpointRequest } from "../gateway/endpoint.ts";

/** The object in the body. Throws `invalid_request`. */
export function jsonBody({ received, snapshot }: EndpointRequest): JsonObject {
  return parseJsonBody(received.body, {
    maxDepth: snapshot.limits.jsonDepth,
    maxValues: snapshot.limits.jsonValues,
  });
}
