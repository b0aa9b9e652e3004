/** The emulator's tokenizer: simple enough to count by hand, and about as fine as a real one. */

/** Up to four letters or digits, or one other character, with the white space before it. */
const PIECE = /\s*(?:[\p{L}\p{M}\p{N}]{1,4}|[^\s\p{L}\p{M}\p{N}])/gu;

/** Splits the text into tokens; joined they are the text again, including trailing white space. */
export function tokenize(text: string): string[] {
  const pieces: string[] = text.match(PIECE) ?? [];
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length < text.length) pieces.push((pieces.pop() ?? "") + text.slice(length));
  return pieces;
}

/** The number of tokens of a text. */
export function countTokens(text: string): number {
  return tokenize(text).length;
}

/** The number of tokens of an image, document, video or sound of this many bytes. */
export function countMediaTokens(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 512));
}
