/**
 * System text between turns, for models that accept it only before the first turn: it stays in place, as marked user
 * text.
 */

const OPEN = "<system-reminder>";
const CLOSE = "</system-reminder>";

/**
 * The text in the tags that Claude Code uses for models without such messages; text that already has them is unchanged.
 */
export function asReminder(text: string): string {
  return text.trimStart().startsWith(OPEN) ? text : `${OPEN}\n${text}\n${CLOSE}`;
}
