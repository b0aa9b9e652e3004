/** Requests for stored responses, which the gateway does not keep, and for the WebSocket that would need them. */

import { AditError } from "../../base/errors.ts";
import type { CallerEndpoint } from "../../gateway/endpoint.ts";

const NOT_STORED = new AditError(
  "route_not_found",
  "the gateway does not store responses; send the whole conversation in `input` of POST /v1/responses",
);

/** `GET`, `DELETE` or `POST` below `/v1/responses/`. */
export const storedResponse: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "storedResponse" },
  counts: undefined,
  refusal: NOT_STORED,
  read() {
    throw NOT_STORED;
  },
};

/** `GET /v1/responses`, which only opens a WebSocket. */
export const responsesSocket: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "responsesSocket" },
  counts: undefined,
  read({ received: { method, headers } }) {
    if (headers.has("upgrade")) throw new AditError("upgrade_refused");
    throw new AditError("method_not_allowed", `method ${method} is not allowed on this route; use POST`, {
      allow: "POST",
    });
  },
};
