/** Prepares text from elsewhere for the log: limits its length and removes quoted values. */

/** Enough for all of AWS's own messages. */
const MAX_CHARS = 300;

/** The rest would not be shown anyway. */
const MAX_READ_CHARS = 8192;

/** Closing quotes by opening quote. */
const CLOSING: ReadonlyMap<string, string> = new Map([
  ...[...`"'\``].map((quote) => [quote, quote] as const),
  ["“", "”"],
  ["‘", "’"],
  ["„", "“"],
  ["«", "»"],
]);
const OPENING = /["'`“‘„«]/g;
const WORD = /\w/;

/** An upstream's message for the operator: without quoted values, and truncated to a few hundred characters. */
export function logWords(text: string): string {
  return cut(withoutQuotations(text.slice(0, MAX_READ_CHARS)), MAX_CHARS);
}

/**
 * Quoted text often comes from callers. An apostrophe inside a word is not a quote, and empty quotes stay. An unclosed
 * quotation extends to the end, because the text may have been truncated.
 */
function withoutQuotations(text: string): string {
  let kept = "";
  let from = 0;
  OPENING.lastIndex = 0;
  for (let found = OPENING.exec(text); found !== null; found = OPENING.exec(text)) {
    const { index: start } = found;
    const closing = CLOSING.get(text.charAt(start)) ?? "";
    if (closing === text.charAt(start)) {
      if (WORD.test(text.charAt(start - 1))) continue;
      if (text.charAt(start + 1) === closing && !WORD.test(text.charAt(start + 2))) {
        OPENING.lastIndex = start + 2;
        continue;
      }
    }
    const end = endOfQuotation(text, start + 1, closing);
    kept += `${text.slice(from, start)}[value]`;
    OPENING.lastIndex = from = end;
  }
  return kept + text.slice(from);
}

/** The offset after the closing quote, which is neither escaped nor an apostrophe inside a word. */
function endOfQuotation(text: string, from: number, closing: string): number {
  for (let at = text.indexOf(closing, from); at !== -1; at = text.indexOf(closing, at + 1)) {
    if (text.charAt(at - 1) !== "\\" && !WORD.test(text.charAt(at + 1))) return at + 1;
  }
  return text.length;
}

/** The text, truncated with an ellipsis if necessary, but never within a character. */
export function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, "")}…` : text;
}

/** The first items, each truncated, and the number of the others. */
export function cutList(
  list: readonly string[],
  { items, chars }: { readonly items: number; readonly chars: number },
): readonly string[] {
  if (list.length === 0) return list;
  const kept = list.slice(0, items).map((each) => cut(each, chars));
  return list.length > items ? [...kept, `… and ${list.length - items} more`] : kept;
}
