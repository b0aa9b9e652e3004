/** System text between turns, for a model that accepts it only before all turns: it stays in place, as marked text of the user. */

const OPEN = "<system-reminder>";
const CLOSE = "</system-reminder>";

/** The text in the tags that Claude Code itself uses where a model has no such messages; text that has them stays. */
export function asReminder(text: string): string {
  return text.trimStart().startsWith(OPEN) ? text : `${OPEN}\n${text}\n${CLOSE}`;
}
