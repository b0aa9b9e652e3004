/** Reads responses that should be small, with a size limit. */

import { decodeUtf8 } from "./bytes.ts";

/** The text of a response, truncated after about `maxLength` characters; the rest is not read. */
export async function readStart(answer: Response, maxLength: number): Promise<string> {
  const reader = answer.body?.getReader();
  let text = "";
  while (reader !== undefined && text.length < maxLength) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decodeUtf8(value);
  }
  await reader?.cancel();
  return text;
}
