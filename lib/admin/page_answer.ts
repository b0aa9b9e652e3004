/** Serves the files of the operator's page, which contain no data. */

/** Paths of the files. */
export const PAGE_PATHS = ["/", "/page/page.js", "/page/page.css", "/page/icon.svg"] as const;

/**
 * The page may run only its own script and connect only to the listener that served it. Trusted Types keep text from
 * becoming markup.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  // The browser revalidates each time, and usually gets a 304.
  "cache-control": "no-cache",
  "vary": "accept-encoding",
} as const;

/** A file of the page, or 304 if the browser already has it. */
export async function pageAnswer(path: (typeof PAGE_PATHS)[number], request: Request): Promise<Response> {
  const { PAGE_FILES } = await import("./page_files.ts");
  const file = PAGE_FILES.get(path);
  if (file === undefined) throw new Error(`the page has no file ${path}`);
  const { type, bytes, gzipped, etag } = file;
  const known = (request.headers.get("if-none-match") ?? "").split(",").map((tag) =>
    tag.trim().replace(/^W\//, "")
  );
  if (known.includes(etag)) return new Response(null, { status: 304, headers: { ...HEADERS, etag } });
  const isGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(request.headers.get("accept-encoding") ?? "");
  const headers = { ...HEADERS, "content-type": type, etag };
  return isGzip
    ? new Response(gzipped, { headers: { ...headers, "content-encoding": "gzip", etag: `W/${etag}` } })
    : new Response(bytes, { headers });
}
