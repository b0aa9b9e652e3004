/** Admits requests for models, and sends them to another model if a budget says so. */

import type { Caller } from "../../snapshot/snapshot.ts";
import type { Call } from "../call.ts";
import type { CallerEndpoint, ModelRequest, Reading } from "../endpoint.ts";
import { type Admission, type Elsewhere, Hold } from "./admit.ts";
import { Asked } from "./asked.ts";
import type { Sizes } from "./sizes.ts";

/** A parsed request that has yet to be admitted. */
export interface Admissible {
  readonly call: Call;
  readonly caller: Caller;
  readonly endpoint: CallerEndpoint;
  readonly bodyBytes: number;
}

export interface ModelAdmissionOptions {
  readonly admission: Admission;
  readonly sizes: Sizes;
}

/** Admits requests for models. */
export class ModelAdmission {
  readonly #admission: Admission;
  readonly #sizes: Sizes;

  constructor({ admission, sizes }: ModelAdmissionOptions) {
    this.#admission = admission;
    this.#sizes = sizes;
  }

  /** Admits the request, at once unless it has to wait. Throws or rejects with a refusal. */
  admit(request: ModelRequest, admissible: Admissible): Hold | Elsewhere | Promise<Hold | Elsewhere> {
    const { call, caller, endpoint: { counts = "requests" }, bodyBytes } = admissible;
    const { id, snapshot, options: { dialect } } = call;
    const { plan, measure } = request;
    const parts = { id, snapshot, caller, plan, counts, dialect, bodyBytes };
    return this.#admission.admit(new Asked(parts, { measure, estimate: this.#sizes.estimate }), call);
  }

  /**
   * Admits a request for the model to which a spent budget sends it; a second budget may send it on to a further model.
   * Throws the budget's refusal if that model cannot serve the request.
   */
  async admitElsewhere(
    first: Elsewhere,
    admissible: Admissible,
    instead: (model: string) => Promise<Reading>,
  ): Promise<ModelRequest> {
    const { call } = admissible;
    const tried = new Set([call.plan?.name]);
    for (let next = first;;) {
      const { use, refused } = next;
      if (tried.has(use.model)) throw refused;
      tried.add(use.model);
      const reading = await instead(use.model).catch(() => undefined);
      if (reading?.kind !== "model") throw refused;
      const { request } = reading;
      call.sendElsewhere(request.plan, use);
      const admitted = await this.admit(request, admissible);
      if (admitted instanceof Hold) {
        call.hold = admitted;
        return request;
      }
      next = admitted;
    }
  }
}
