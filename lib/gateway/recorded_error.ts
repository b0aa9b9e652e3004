/** Why a request failed, as its record has it: for the operator, and without values of the request. */

import { scrub } from "../aws/scrub.ts";
import { type AditError, codeOf, errorRow, type UpstreamDetail } from "../base/errors.ts";
import { cut, logWords } from "../base/log/log_words.ts";
import type { RecordedError } from "../snapshot/record.ts";

/** Maximum length of a name that the caller or the upstream chose. */
export const MAX_NAME_CHARS = 128;

/** Maximum length of a reason in the words of the gateway. */
const MAX_REASON_CHARS = 300;

/** The error of a record, with what the upstream said cut to a line of the log. */
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

/** What the caller was told. The words of a rule and those of the table quote nothing of the request. */
function ownWords({ kind, message, details: { limit } }: AditError): string {
  return limit !== undefined || message === errorRow(kind).text
    ? cut(message, MAX_REASON_CHARS)
    : logWords(message);
}

/** What the upstream said, which may quote the request. */
function recordedWords({ type, message, requestId, ...detail }: UpstreamDetail): UpstreamDetail {
  return {
    ...detail,
    ...(type !== undefined && { type: cut(type, MAX_NAME_CHARS) }),
    ...(message !== undefined && { message: logWords(scrub(message)) }),
    ...(requestId !== undefined && { requestId: cut(requestId, MAX_NAME_CHARS) }),
  };
}

/** Maximum length of the causes of an error, or of its stack. */
const MAX_CAUSE_CHARS = 2048;

/** Maximum depth of the chain of causes. */
const MAX_CAUSES = 4;

/** The cause of one of our errors, for the operator: names and codes of system errors and bugs. */
function causeOf(error: AditError): string | undefined {
  const { cause } = error.details;
  if (error.kind === "internal" && cause instanceof Error) {
    return cut(cause.stack ?? String(cause), MAX_CAUSE_CHARS);
  }
  const texts: string[] = [];
  // Deno 2.9.6 reports "fetch failed", and only the cause says whether it was the name, the connection or TLS.
  for (let each = cause; each !== undefined && texts.length < MAX_CAUSES;) {
    texts.push(each instanceof Error ? `${each.name}: ${each.message}` : String(each));
    each = each instanceof Error ? each.cause : undefined;
  }
  return texts.length === 0 ? undefined : cut(texts.join(": "), MAX_CAUSE_CHARS);
}
