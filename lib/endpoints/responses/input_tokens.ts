/** `POST /v1/responses/input_tokens`: the token count of a Responses request, by Bedrock's CountTokens. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import { attemptWith, type CallerEndpoint, type ModelRequest } from "../../gateway/endpoint.ts";
import { jsonAnswer } from "../../gateway/outcome.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
import type { Target } from "../../snapshot/plan.ts";
import { countInput, readTokenCount } from "../../translate/converse/count_tokens.ts";
import { parseResponsesRequest, type ResponsesRequest } from "../../wire/openai/responses.ts";
import { jsonBody } from "../json_body.ts";
import { countedModelId } from "../model_api.ts";
import { withFetchedImages } from "./images.ts";
import { modelName, translateResponses } from "./responses.ts";

/** Counts exactly the request that would be sent to the model. */
export const inputTokens: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "inputTokens" },
  counts: "requests",
  read(received) {
    const request = parseResponsesRequest(jsonBody(received));
    const plan = resolveRequested(modelName(request), received);
    let whole: Promise<ResponsesRequest> | undefined;
    let known = request;
    const attempt: ModelRequest["attempt"] = async (target, call) => {
      if (call.snapshot.limits.fetchImages) known = await (whole ??= withFetchedImages(request, call));
      const { request: converse, ignored } = translateResponses(known, target);
      return await attemptWith(ignored, async () => {
        const exchange = call.open({ ...target, modelId: countedModelId(target) }, {
          operation: "countTokens",
          body: encodeUtf8(jsonText({ input: { converse: countInput(converse) } })),
        });
        const { value, requestId } = await readJsonAnswer(exchange);
        const count = { object: "response.input_tokens", input_tokens: readTokenCount(value) };
        return jsonAnswer(count, { upstreamRequestId: requestId, anomalies: [] });
      });
    };
    const translated = (target: Target) => {
      const { request: converse, ignored } = translateResponses(known, target);
      return { request: countInput(converse), ignored };
    };
    return { kind: "model", request: { plan, attempt, translated } };
  },
};
