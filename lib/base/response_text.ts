/** Reads responses that should be small, with a size limit. */

/** The text of a response, truncated after about `maxLength` characters; the rest is not read. */
export async function readStart(answer: Response, maxLength: number): Promise<string> {
  const reader = answer.body?.getReader();
  // A character may be split between two chunks.
  const decoder = new TextDecoder();
  let text = "";
  while (reader !== undefined && text.length < maxLength) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return text;
}
