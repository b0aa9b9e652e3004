/** `GET /healthz` and `/`: liveness. */

import type { OpenEndpoint } from "../gateway/endpoint.ts";
import { jsonAnswer } from "../gateway/outcome.ts";

export const health: OpenEndpoint = {
  needs: "nothing",
  about: { endpoint: "health" },
  answer: () => jsonAnswer({ status: "ok" }),
};
