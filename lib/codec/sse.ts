/** Server-sent events as text (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

/** One unnamed event; `json` is serialised JSON, which has no line break of its own. */
export function encodeSseData(json: string): string {
  return `data: ${json}\n\n`;
}

/** One named event. */
export function encodeSseEvent(event: string, json: string): string {
  return `event: ${event}\ndata: ${json}\n\n`;
}

/** A comment, which clients skip: a sign of life. */
export function encodeSseComment(text: string): string {
  return `: ${text}\n\n`;
}
