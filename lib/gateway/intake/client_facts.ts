/** What a client says about itself and its request, for logs and traces. */

import { cut } from "../../base/log/log_words.ts";
import { parseTraceparent, type TraceContext } from "../../base/trace_context.ts";

export interface ClientFacts {
  /** Truncated to 256 characters. */
  readonly userAgent: string | undefined;
  /** The client's own id for the request. */
  readonly requestId: string | undefined;
  readonly trace: TraceContext | undefined;
}

/** Headers with a client's own id, in order of precedence. */
const REQUEST_IDS = ["x-request-id", "x-client-request-id", "x-correlation-id"] as const;
/** An id is a single word; any other value is ignored, as it could contain anything. */
const REQUEST_ID = /^[\w.:=+/-]{1,128}$/;
const MAX_USER_AGENT_CHARS = 256;

/** Reads these facts from the headers of a request. */
export function clientFacts(headers: Headers): ClientFacts {
  const userAgent = headers.get("user-agent");
  return {
    userAgent: userAgent === null ? undefined : cut(userAgent, MAX_USER_AGENT_CHARS),
    requestId: requestId(headers),
    trace: parseTraceparent(headers.get("traceparent")),
  };
}

function requestId(headers: Headers): string | undefined {
  for (const name of REQUEST_IDS) {
    const id = headers.get(name);
    if (id !== null && REQUEST_ID.test(id)) return id;
  }
  return undefined;
}
