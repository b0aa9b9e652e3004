/** Encodes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

/** One unnamed event; `json` is serialized JSON, which contains no line break. */
export function encodeSseData(json: string): string {
  return `data: ${json}\n\n`;
}

/** One named event. */
export function encodeSseEvent(event: string, json: string): string {
  return `event: ${event}\ndata: ${json}\n\n`;
}

/** A comment, which clients ignore; it keeps the connection alive. */
export function encodeSseComment(text: string): string {
  return `: ${text}\n\n`;
}
