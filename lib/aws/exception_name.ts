/** The name in AWS's forms of an exception. */

/**
 * `ValidationException` from `ValidationException:http://internal.amazon.com/…` or `com.amazon#ValidationException`.
 */
export function exceptionName(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  return text.split(",")[0]?.split(":")[0]?.split("#").at(-1)?.trim();
}
