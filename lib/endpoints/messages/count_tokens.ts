/** `POST /v1/messages/count_tokens`: the token count of a Messages request, by Bedrock's CountTokens. */

import { encodeUtf8 } from "../../base/bytes.ts";
import type { JsonObject } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import type { Target } from "../../snapshot/plan.ts";
import {
  type CountTokensCall,
  countTokensToMessages,
  messagesToConverseCount,
  messagesToInvokeCount,
} from "../../translate/messages/count_tokens.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
import { parseBetaHeader, parseMessagesHead, parseMessagesRequest } from "../../wire/anthropic/messages.ts";
import type { Call } from "../../gateway/call.ts";
import { type Attempt, attemptWith, type CallerEndpoint } from "../../gateway/endpoint.ts";
import { jsonAnswer } from "../../gateway/outcome.ts";
import { withFetchedSources } from "./images.ts";
import { withDottedPaths } from "../../wire/anthropic/paths.ts";
import { jsonBody, plainBody } from "../json_body.ts";
import { countedModelId, messagesApi, settingsOf } from "../model_api.ts";
import { refuseForeignAddresses } from "../s3_locations.ts";

/** Parses the fields that both ways of counting need. */
export const countTokens: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "countTokens" },
  counts: "requests",
  read(received) {
    const bytes = plainBody(received);
    const body = withDottedPaths(() => jsonBody(received, bytes));
    withDottedPaths(() => refuseForeignAddresses(bytes, received.caller));
    const { model: name } = parseMessagesHead(body);
    const betas = parseBetaHeader(received.received.headers.get("anthropic-beta"));
    const plan = resolveRequested(name, received);
    let whole: Promise<JsonObject> | undefined;
    let known = body;
    const attempt = async (target: Target, call: Call): Promise<Attempt> => {
      whole ??= withFetchedSources(body, call);
      known = await whole;
      const { request, ignored } = countCall(known, { betas, target, call });
      return await attemptWith(ignored, async () => {
        const exchange = call.open({ ...target, modelId: countedModelId(target) }, {
          operation: "countTokens",
          body: encodeUtf8(jsonText(request)),
        });
        const { value, requestId } = await readJsonAnswer(exchange);
        return jsonAnswer(countTokensToMessages(value), { upstreamRequestId: requestId, anomalies: [] });
      });
    };
    const translated = (target: Target, call: Call) => countCall(known, { betas, target, call });
    return { kind: "model", request: { plan, attempt, translated } };
  },
};

interface CountContext {
  readonly betas: readonly string[];
  readonly target: Target;
  readonly call: Call;
}

/** Counts exactly the request that would be sent to the model. */
function countCall(body: JsonObject, { betas, target, call }: CountContext): CountTokensCall {
  const settings = settingsOf(target);
  const context = { traits: settings.traits, betas, betaTable: call.snapshot.betaFlags, settings };
  switch (messagesApi(settings, body)) {
    case "invoke":
      return messagesToInvokeCount(body, context);
    case "converse":
      return messagesToConverseCount(parseMessagesRequest(body), context);
  }
}
