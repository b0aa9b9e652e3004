/** Paths in errors as Anthropic's API writes them. */

import { AditError, invalidField } from "../../base/errors.ts";

/**
 * What `read` returns. Where it throws, the path of the field at fault is told in Anthropic's way, with dots alone:
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
