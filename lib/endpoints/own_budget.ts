/** `GET /v1/budget`: the state of the budgets that apply to the caller. */

import { AditError } from "../base/errors.ts";
import type { CallerEndpoint } from "../gateway/endpoint.ts";
import { jsonAnswer } from "../gateway/outcome.ts";

/** The caller's budgets in their current windows. */
export const ownBudget: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "budget" },
  counts: undefined,
  read({ caller, views }) {
    if (views === undefined) throw new AditError("unsupported", "this gateway has no budgets");
    return { kind: "later", answer: views.budgets(caller).then((budgets) => jsonAnswer({ budgets })) };
  },
};
