/** Paths in error messages, in the form of Anthropic's API. */

import { AditError, invalidField } from "../../base/errors.ts";

/**
 * Calls `read`; if it throws, the path in the error is rewritten to Anthropic's form with dots only:
 * `messages.2.content.0.source.data`.
 */
export function withDottedPaths<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof AditError ? dotted(error) : error;
  }
}

function dotted(error: AditError): AditError {
  const { param } = error.details;
  if (param === undefined || !error.message.startsWith(`${param}: `)) return error;
  return invalidField(param.replaceAll(/\[(\d+)\]/g, ".$1"), error.message.slice(param.length + 2));
}
