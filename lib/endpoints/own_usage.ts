/** `GET /v1/usage`: the caller's own usage and its cost. */

import { AditError } from "../base/errors.ts";
import type { CallerEndpoint } from "../gateway/endpoint.ts";
import { jsonAnswer } from "../gateway/outcome.ts";
import { queryOf } from "../server/path.ts";

/** The caller's own sums from the ledger. */
export const ownUsage: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "usage" },
  counts: undefined,
  read({ caller, views, target }) {
    if (views === undefined) throw new AditError("unsupported", "this gateway does not record usage");
    const usage = views.usage(caller, queryOf(target));
    return { kind: "later", answer: usage.then((value) => jsonAnswer(value)) };
  },
};
