/** Path and query of a request target. */

/** The path of a request target, without query, repeated slashes and trailing slash. */
export function routePath(target: string): string {
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  // Most paths are already normal.
  if (!path.includes("//") && !(path.length > 1 && path.endsWith("/"))) return path;
  return path.replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}

/** The query of a request target. */
export function queryOf(target: string): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(target)?.[1]);
}
