/** `POST /v1/rerank`, `/v2/rerank` and `/rerank`: Cohere's Rerank, through InvokeModel. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { Call } from "../../gateway/call.ts";
import { type Attempt, attemptWith, type CallerEndpoint } from "../../gateway/endpoint.ts";
import { jsonAnswer } from "../../gateway/outcome.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
import type { Target } from "../../snapshot/plan.ts";
import { rerankToCohere } from "../../translate/rerank/answer.ts";
import { rerankToInvoke } from "../../translate/rerank/request.ts";
import { parseRerankRequest } from "../../wire/cohere/rerank.ts";
import { NO_TOKENS, queriesFor } from "../../wire/usage.ts";
import { jsonBody } from "../json_body.ts";
import { settingsOf } from "../model_api.ts";

/** The same on each of its paths; the versions of the API differ only in optional fields. */
export const rerank: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "rerank" },
  counts: "tokens",
  read(received) {
    const request = parseRerankRequest(jsonBody(received));
    const plan = resolveRequested(request.model, received);
    const attempt = async (target: Target, call: Call): Promise<Attempt> => {
      const settings = settingsOf(target);
      const invoke = rerankToInvoke(request, { traits: settings.traits, settings });
      return await attemptWith(invoke.ignored, async () => {
        const exchange = call.open(target, {
          operation: "invoke",
          headers: new Headers({ "content-type": "application/json", ...invoke.headers }),
          body: encodeUtf8(jsonText(invoke.body)),
        });
        const { value, requestId, headerUsage } = await readJsonAnswer(exchange);
        const inputTokens = headerUsage?.inputTokens;
        const answer = rerankToCohere(value, { id: call.id, request, inputTokens });
        const queries = queriesFor(request.documents.length);
        const usage = { ...(headerUsage ?? NO_TOKENS), queries };
        return jsonAnswer(answer, { usage, upstreamRequestId: requestId, anomalies: [] });
      });
    };
    const measure = () => ({
      textBytes: received.received.body.length,
      images: 0,
      documentBytes: 0,
      maxOutputTokens: 0,
    });
    return { kind: "model", request: { plan, attempt, measure } };
  },
};
