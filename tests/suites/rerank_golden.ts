/** Golden cases of the Rerank translation: `tests/golden/rerank/CASE`. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { AditError } from "../../lib/base/errors.ts";
import { parseJsonBody } from "../../lib/base/json.ts";
import { findReranker } from "../../lib/emulator/invoke/rerank.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelSettings } from "../../lib/snapshot/snapshot.ts";
import { rerankToCohere } from "../../lib/translate/rerank/answer.ts";
import { type RerankCall, rerankToInvoke } from "../../lib/translate/rerank/request.ts";
import { parseRerankRequest, type RerankRequest } from "../../lib/wire/cohere/rerank.ts";
import { openAiErrorBody } from "../../lib/wire/errors.ts";
import { casePaths, GOLDEN, GoldenFiles } from "./golden_files.ts";

const INPUT = "client_request.json";
const FOLDER = new URL("rerank/", GOLDEN);

/** The paths of the cases. */
export function rerankCases(): string[] {
  return casePaths(FOLDER, INPUT);
}

/**
 * Runs one case. Input: `client_request.json` (its `model` is the Bedrock id), `settings.json` if the operator sets
 * something, and `upstream_response.json`. Expected: `upstream_request.json`, which the emulator must accept,
 * `client_response.json`, and `reported.json`. The response to a refused request is an error.
 */
export function runRerankCase(path: string): void {
  const files = new GoldenFiles(new URL(`${path}/`, FOLDER));
  const settings = files.read("settings.json");
  let request: RerankRequest;
  let call: RerankCall;
  try {
    request = parseRerankRequest(parseJsonBody(encodeUtf8(files.require(INPUT)), { maxDepth: 64 }));
    call = rerankToInvoke(request, {
      traits: traitsOf(request.model, builtInModelTable()),
      ...(settings !== undefined && { settings: JSON.parse(settings) as ModelSettings }),
    });
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    files.expectJson("client_response.json", openAiErrorBody(error));
    return;
  }
  const reranker = findReranker(request.model);
  assert.ok(reranker !== undefined);
  reranker.rank(JSON.parse(JSON.stringify(call.body)));
  files.expectJson("upstream_request.json", { headers: call.headers, body: call.body });
  const value = JSON.parse(files.require("upstream_response.json"));
  const context = { id: "rerank-golden", request, inputTokens: undefined };
  files.expectJson("client_response.json", rerankToCohere(value, context));
  files.expectJson("reported.json", { ignored: call.ignored });
}
