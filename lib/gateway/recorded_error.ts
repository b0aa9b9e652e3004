/** The reason why a request failed, for its record: meant for the operator, and without values of the request. */

import { scrub } from "../aws/scrub.ts";
import { type AditError, codeOf, errorRow, type UpstreamDetail } from "../base/errors.ts";
import { cut, logWords } from "../base/log/log_words.ts";
import type { RecordedError } from "../snapshot/record.ts";

/** Maximum length of a name that the caller or the upstream chose. */
export const MAX_NAME_CHARS = 128;

/** Maximum length of the gateway's own message. */
const MAX_REASON_CHARS = 300;

/** The error of a record, with the upstream's message cut to a line of the log. */
export function recordedError(error: AditError): RecordedError {
  const { upstream, param, openAiCode } = error.details;
  return {
    kind: error.kind,
    ...(openAiCode !== undefined && openAiCode !== codeOf(error.kind) && { openAiCode }),
    reason: upstream === undefined ? ownWords(error) : undefined,
    param: param && cut(param, 256),
    upstream: upstream && recordedWords(upstream),
    cause: causeOf(error),
  };
}

/** The message that the caller got. Unless it is that of a limit or of the error table, it may quote the request. */
function ownWords({ kind, message, details: { limit } }: AditError): string {
  return limit !== undefined || message === errorRow(kind).text
    ? cut(message, MAX_REASON_CHARS)
    : logWords(message);
}

/** The upstream's error, whose message may quote the request. */
function recordedWords({ type, message, requestId, ...detail }: UpstreamDetail): UpstreamDetail {
  return {
    ...detail,
    ...(type !== undefined && { type: cut(type, MAX_NAME_CHARS) }),
    ...(message !== undefined && { message: logWords(scrub(message)) }),
    ...(requestId !== undefined && { requestId: cut(requestId, MAX_NAME_CHARS) }),
  };
}

/** Maximum length of the chain of causes, or of a stack. */
const MAX_CAUSE_CHARS = 2048;

/** Maximum depth of the chain of causes. */
const MAX_CAUSES = 4;

/** The cause of an error, for the operator: the messages of system errors, or the stack of a bug. */
function causeOf(error: AditError): string | undefined {
  const { cause } = error.details;
  if (error.kind === "internal" && cause instanceof Error) {
    return cut(cause.stack ?? String(cause), MAX_CAUSE_CHARS);
  }
  const texts: string[] = [];
  // Deno 2.9.6 reports "fetch failed"; only the cause says whether DNS, the connection or TLS failed.
  for (let each = cause; each !== undefined && texts.length < MAX_CAUSES;) {
    texts.push(each instanceof Error ? `${each.name}: ${each.message}` : String(each));
    each = each instanceof Error ? each.cause : undefined;
  }
  return texts.length === 0 ? undefined : cut(texts.join(": "), MAX_CAUSE_CHARS);
}
