/** Golden cases of the Embeddings translation: `tests/golden/embeddings/TOPIC/CASE`. */

import assert from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import { parseJsonBody } from "../../lib/base/json.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { findEmbedder } from "../../lib/emulator/invoke/embeddings/embeddings.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelSettings } from "../../lib/snapshot/snapshot.ts";
import { embeddingsToOpenAi, readPiece, usageOfPieces } from "../../lib/translate/embeddings/answer.ts";
import { type EmbeddingsCall, embeddingsToInvoke } from "../../lib/translate/embeddings/request.ts";
import { openAiErrorBody } from "../../lib/wire/errors.ts";
import { parseEmbeddingsRequest } from "../../lib/wire/openai/embeddings.ts";
import { casePaths, GOLDEN, GoldenFiles } from "./golden_files.ts";

const INPUT = "client_request.json";
const FOLDER = new URL("embeddings/", GOLDEN);

/** The paths of the cases, such as `titan/text`. */
export function embeddingsCases(): string[] {
  return casePaths(FOLDER, INPUT);
}

/**
 * Runs one case. Input: `client_request.json` (its `model` is the Bedrock id), `settings.json` if the operator sets
 * something, and `upstream_responses.json`, a list with a body and the count of the token header for each request.
 * Expected: `upstream_requests.json`, which the emulator must accept, `client_response.json`, and `reported.json`. The
 * response to a refused request is an error.
 */
export function runEmbeddingsCase(path: string): void {
  const files = new GoldenFiles(new URL(`${path}/`, FOLDER));
  const body = parseJsonBody(encodeUtf8(files.require(INPUT)), { maxDepth: 64 });
  const settings = files.read("settings.json");
  let call: EmbeddingsCall;
  try {
    const request = parseEmbeddingsRequest(body);
    call = embeddingsToInvoke(request, {
      traits: traitsOf(request.model, builtInModelTable()),
      ...(settings !== undefined && { settings: JSON.parse(settings) as ModelSettings }),
    });
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    files.expectJson("client_response.json", openAiErrorBody(error));
    return;
  }
  const requests = JSON.parse(JSON.stringify(call.pieces.map((piece) => piece.body)));
  const embedder = findEmbedder(String(body["model"]));
  assert.ok(embedder !== undefined);
  for (const request of requests) embedder.embed(request);
  files.expectJson("upstream_requests.json", { headers: call.headers, requests });
  const answers: readonly { readonly body: object; readonly tokens?: number }[] = JSON.parse(
    files.require("upstream_responses.json"),
  );
  const pieces = call.pieces.map(({ count }, index) => {
    const answer = answers[index];
    assert.ok(answer !== undefined, `upstream_responses.json has no answer ${index}`);
    const value = JSON.parse(JSON.stringify(answer.body));
    return readPiece(call, { value, headerTokens: answer.tokens, count });
  });
  const { encoding } = parseEmbeddingsRequest(body);
  files.expectJson(
    "client_response.json",
    embeddingsToOpenAi(pieces, { model: "the-callers-name", encoding }),
  );
  files.expectJson("reported.json", { ignored: call.ignored, usage: usageOfPieces(pieces) ?? null });
}
