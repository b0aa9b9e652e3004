/** The page's files over HTTP. */

import { equal, match, notEqual, ok } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { PAGE_PATHS, pageAnswer } from "../../lib/admin/page_answer.ts";

function get(path: (typeof PAGE_PATHS)[number], headers: Record<string, string> = {}): Promise<Response> {
  return pageAnswer(path, new Request("http://127.0.0.1:9090/", { headers }));
}

for (const path of PAGE_PATHS) {
  Deno.test(`${path} is sent once, and then confirmed`, async () => {
    const first = await get(path);
    equal(first.status, 200);
    equal(first.headers.get("cache-control"), "no-cache");
    equal(first.headers.get("x-content-type-options"), "nosniff");
    const etag = first.headers.get("etag") ?? "";
    match(etag, /^"[\w-]{22}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await get(path, { "if-none-match": known });
      equal(again.status, 304);
      equal(again.headers.get("etag"), etag);
      equal(await again.text(), "");
    }
    equal((await get(path, { "if-none-match": '"other"' })).status, 200);
  });

  Deno.test(`${path} is compressed for those who read that`, async () => {
    const plain = await (await get(path)).bytes();
    const packed = await get(path, { "accept-encoding": "br, gzip;q=0.5" });
    equal(packed.headers.get("content-encoding"), "gzip");
    ok(gunzipSync(await packed.bytes()).equals(plain));
    for (const refused of ["br", "gzip;q=0", "gzip;q=0.00, br"]) {
      equal((await get(path, { "accept-encoding": refused })).headers.get("content-encoding"), null, refused);
    }
  });
}

Deno.test("the page runs its own script only, and can be in no frame", async () => {
  for (const path of PAGE_PATHS) {
    const policy = (await get(path)).headers.get("content-security-policy") ?? "";
    match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
    match(policy, /frame-ancestors 'none'/);
    equal(/unsafe|https?:|\*|data:|blob:/.test(policy), false, policy);
  }
});

Deno.test("the page names its files relatively, and contains no script or style itself", async () => {
  const html = await (await get("/")).text();
  const links = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link = ""]) => link);
  equal(links.length, 3);
  for (const link of links) {
    equal(new URL(link, "http://h/a/b/").href.startsWith("http://h/a/b/page/"), true, link);
  }
  equal(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/.test(html), false);
});

Deno.test("each file has a tag of its own", async () => {
  const tags = await Promise.all(PAGE_PATHS.map(async (path) => (await get(path)).headers.get("etag")));
  equal(new Set(tags).size, PAGE_PATHS.length);
  notEqual(tags[0], null);
});
