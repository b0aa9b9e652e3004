/** Anthropic's Messages as they are sent to Anthropic: the equivalent body of InvokeModel. */

import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { invalid } from "../server/exception.ts";
import type { OwnCall } from "./own_call.ts";

/** Throws for what the endpoint refuses: structured output on mantle, and a request without the version. */
export function messagesBody({ body, headers, isMantle }: OwnCall): JsonObject {
  if (headers.get("anthropic-version") !== "2023-06-01") {
    throw invalid("anthropic-version: header is required");
  }
  const { model: _model, stream: _stream, ...rest } = body;
  const { output_config: output, tools } = rest;
  if (isMantle && isJsonObject(output) && output["format"] !== undefined) {
    throw invalid("output_config.format: Extra inputs are not permitted");
  }
  const strict = isMantle && Array.isArray(tools)
    ? tools.findIndex((tool) => isJsonObject(tool) && tool["strict"] !== undefined)
    : -1;
  if (strict >= 0) throw invalid(`tools.${strict}.custom.strict: Extra inputs are not permitted`);
  const betas = headers.get("anthropic-beta")?.split(",").map((beta) => beta.trim()) ?? [];
  return {
    ...rest,
    anthropic_version: "bedrock-2023-05-31",
    ...(betas.length > 0 && { anthropic_beta: betas }),
  };
}
