/** Text of others on its way into the log: bounded, and without what it may quote. */

/** Enough for every message that AWS writes itself. */
const MAX_CHARS = 300;

/** More is not looked at, since nothing after it would be shown. */
const MAX_READ_CHARS = 8192;

/** What closes a quotation, by what opens it. */
const CLOSING: ReadonlyMap<string, string> = new Map([
  ...[...`"'\``].map((quote) => [quote, quote] as const),
  ["“", "”"],
  ["‘", "’"],
  ["„", "“"],
  ["«", "»"],
]);
const OPENING = /["'`“‘„«]/g;
const WORD = /\w/;

/** Words of an upstream for the operator: without quoted values, and cut to a few hundred characters. */
export function logWords(text: string): string {
  return cut(withoutQuotations(text.slice(0, MAX_READ_CHARS)), MAX_CHARS);
}

/**
 * Quoted is what callers have sent, as often as not. An apostrophe inside a word quotes nothing, nor do empty quotes. What
 * is not closed is quoted to the end, because it has been cut off.
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

/** The offset after what closes the quotation: neither escaped, nor an apostrophe inside a word. */
function endOfQuotation(text: string, from: number, closing: string): number {
  for (let at = text.indexOf(closing, from); at !== -1; at = text.indexOf(closing, at + 1)) {
    if (text.charAt(at - 1) !== "\\" && !WORD.test(text.charAt(at + 1))) return at + 1;
  }
  return text.length;
}

/** The text, or as much of it as fits with an ellipsis, without half a character. */
export function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, "")}…` : text;
}

/** At most so many items, each cut. */
export function cutList(
  list: readonly string[],
  { items, chars }: { readonly items: number; readonly chars: number },
): readonly string[] {
  if (list.length === 0) return list;
  const kept = list.slice(0, items).map((each) => cut(each, chars));
  return list.length > items ? [...kept, `… and ${list.length - items} more`] : kept;
}
