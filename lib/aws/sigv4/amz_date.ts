/** The time of a signature, `20261120T090000Z`. */

/** The form of `x-amz-date`. */
export function amzDate(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}

/** Milliseconds since the Unix epoch; NaN for any other form. */
export function parseAmzDate(text: string): number {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  return iso === text ? NaN : Date.parse(iso);
}
