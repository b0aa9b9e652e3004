/** Sends the requests for one list of embeddings, and keeps their answers for further attempts. */

import { scrub } from "../../aws/scrub.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import { AditError, toAditError } from "../../base/errors.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { Call } from "../../gateway/call.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
import type { Exchange } from "../../providers/transport/exchange.ts";
import type { Target } from "../../snapshot/plan.ts";
import { type EmbeddedPiece, readPiece, refusalIn } from "../../translate/embeddings/answer.ts";
import type { EmbeddingsCall, EmbeddingsPiece } from "../../translate/embeddings/request.ts";
import { fanOut } from "../fan_out.ts";

/** Maximum number of requests that run at once for one list of inputs. */
const MAX_AT_ONCE = 8;

/** The pieces of one request: a further attempt sends only those that have no answer yet. */
export class Pieces {
  /** By their body, because another target may have other defaults. */
  readonly #done = new Map<string, EmbeddedPiece>();
  #requestId: string | undefined;

  /** Of the last answer. */
  get requestId(): string | undefined {
    return this.#requestId;
  }

  /** All pieces in order. The first failure ends the others and is thrown with the path of its inputs. */
  async send(embeddings: EmbeddingsCall, target: Target, call: Call): Promise<readonly EmbeddedPiece[]> {
    const open = new Set<Exchange>();
    const isOnly = embeddings.pieces.length === 1;
    try {
      return await fanOut(embeddings.pieces, MAX_AT_ONCE, async (piece) => {
        const text = jsonText(piece.body);
        const done = this.#done.get(text) ??
          await this.#ask(embeddings, { ...piece, text }, { target, call, open }).catch((cause) => {
            throw isOnly ? cause : about(piece.path, toAditError(cause));
          });
        this.#done.set(text, done);
        return done;
      });
    } catch (cause) {
      const error = toAditError(cause);
      for (const exchange of open) exchange.end(error);
      throw error;
    }
  }

  async #ask(
    embeddings: EmbeddingsCall,
    { text, count }: EmbeddingsPiece & { readonly text: string },
    { target, call, open }: Sending,
  ): Promise<EmbeddedPiece> {
    const exchange = call.openAlso(target, {
      operation: "invoke",
      headers: new Headers({ "content-type": "application/json", ...embeddings.headers }),
      body: encodeUtf8(text),
    });
    open.add(exchange);
    const { value, requestId, headerUsage } = await readJsonAnswer(exchange);
    open.delete(exchange);
    this.#requestId = requestId;
    const message = refusalIn(embeddings, value);
    if (message !== undefined) {
      throw new AditError("invalid_request", scrub(message), {
        upstream: { message, ...(requestId !== undefined && { requestId }) },
      });
    }
    return readPiece(embeddings, { value, headerTokens: headerUsage?.inputTokens, count });
  }
}

interface Sending {
  readonly target: Target;
  readonly call: Call;
  /** The exchanges that have not ended. */
  readonly open: Set<Exchange>;
}

function about(param: string, { kind, message, details }: AditError): AditError {
  return new AditError(kind, message, { ...details, param });
}
