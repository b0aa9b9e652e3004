/** Text of others on its way into the log: bounded, and without what it may quote. */

/** Enough for every message that AWS writes itself. */
const MAX_CHARS = 300;

/** A quoted value: of callers' prompts, as often as not. An apostrophe inside a word quotes nothing. */
const QUOTED = /(?<!\w)(["'`])(?:(?!\1).){1,4096}?\1(?!\w)|“[^”]{1,4096}”/gs;

/** Words of an upstream for the operator: without quoted values, and cut to a few hundred characters. */
export function logWords(text: string): string {
  return cut(text.slice(0, 2 * 4096).replace(QUOTED, "[value]"), MAX_CHARS);
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
