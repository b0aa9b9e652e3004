/**
 * What callers see of Bedrock's native answers: all of it, or without identifiers of the operator's account for callers
 * who only know the names of configured models.
 */

import { EMPTY, encodeUtf8 } from "../../base/bytes.ts";
import type { AditError } from "../../base/errors.ts";
import { encodeFrame } from "../../codec/eventstream.ts";
import type { WholeAnswer } from "../../gateway/outcome.ts";
import { scrub } from "../../aws/scrub.ts";
import type { FrameReplacement } from "../../providers/bedrock/native.ts";
import type { Operation } from "../../providers/bedrock/operations.ts";
import { answerHeaders, pickHeaders } from "./headers.ts";
import { withoutEventTraceArns, withoutTraceArns } from "./traces.ts";

export interface NativeView {
  /** The headers of an answer. */
  headers(upstream: Headers): Headers;
  /** The answer to a request that Bedrock refused. */
  refusal(answer: WholeAnswer, error: AditError): WholeAnswer;
  /** The body of an answer to a request that Bedrock accepted. */
  body(operation: Operation, body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  /** Replaces frames of a stream; undefined to pass all on unchanged. */
  readonly frames: FrameReplacement | undefined;
}

/** For callers with `native`, who use the account by its own ids: everything, unchanged. */
export const FULL: NativeView = {
  headers: answerHeaders,
  refusal: (answer) => answer,
  body: (_operation, body) => body,
  frames: undefined,
};

/** What an AWS SDK reads; everything else may describe the account or the network. */
const SHOWN = /^(?:content-(?:type|encoding)|retry-after|x-amzn-(?:requestid|errortype|bedrock-.*))$/;

/** For callers without `native`: as scrubbed as in Chat and Messages. */
export const REDACTED: NativeView = {
  headers(upstream) {
    const shown = new Headers();
    upstream.forEach((value, name) => {
      // ARNs and URLs contain a colon, which other values of these headers do not.
      if (SHOWN.test(name)) shown.set(name, value.includes(":") ? scrub(value) : value);
    });
    return shown;
  },
  refusal(answer, { message, details }) {
    const headers = pickHeaders(answer.headers, (name) => name !== "content-encoding");
    headers.set("content-type", "application/json");
    const type = details.upstream?.type;
    if (headers.has("x-amzn-errortype") && type !== undefined) headers.set("x-amzn-errortype", type);
    return { ...answer, headers, body: JSON.stringify({ message }) };
  },
  body: (operation, body) => withoutTraceArns(body, operation === "converse" ? "converse" : "invoke"),
  frames: {
    exception: ({ headers }, { message }) =>
      headers.has(":error-message")
        ? encodeFrame(new Map(headers).set(":error-message", message), EMPTY)
        : encodeFrame(headers, encodeUtf8(JSON.stringify({ message }))),
    payload: withoutEventTraceArns,
  },
};
