/** The page on an address that other hosts can reach: the browser itself asks for the key, and other sites get nothing. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { BrowserContext, Page, Response as Answer } from "playwright-core";
import { keyHash, tlsConfig } from "../e2e/configs.ts";
import type { Program } from "../e2e/program.ts";
import { type Certificate, selfSignedCertificate } from "../fakes/certificate.ts";
import { browserTest, closeBrowserAtEnd } from "./browser.ts";
import { ADMIN_KEY, keyOf, startWorld } from "./world.ts";

const TLS: Certificate = selfSignedCertificate();
const AS_OPERATOR = {
  ignoreHTTPSErrors: true,
  httpCredentials: { username: "operator", password: ADMIN_KEY },
} as const;

function startOnNetwork(): Promise<Program> {
  const admin = `admin: "0.0.0.0:0"\nadmin_api: { key: "${keyHash(ADMIN_KEY)}" }\n`;
  return startWorld(admin + tlsConfig(TLS, "admin_tls"));
}

/** As a browser reaches it. */
function urlOf({ adminUrl }: Program): string {
  return adminUrl.replace("0.0.0.0", "localhost");
}

browserTest("on the network, a browser gets nothing before its user has given the key", async ({ open }) => {
  await using program = await startOnNetwork();
  const url = urlOf(program);
  await rejects(open(url, { ignoreHTTPSErrors: true }), /ERR_INVALID_AUTH_CREDENTIALS/);
  const wrong = { username: "operator", password: "adit-wrong-key" };
  const refused = await open(url, { ignoreHTTPSErrors: true, httpCredentials: wrong });
  await refused.getByText("send the admin API key").waitFor();
  equal(await refused.locator("script").count(), 0);
});

browserTest(
  "on the network, the key is entered once: it is the password that the browser asks for",
  async ({ open }) => {
    await using program = await startOnNetwork();
    const url = urlOf(program);
    const page = await open(url, AS_OPERATOR);
    await page.getByText("Requests per second").waitFor();
    const refused: string[] = [];
    page.on("response", (answer) => {
      if (answer.status() === 401) refused.push(answer.url());
    });
    equal(await page.getByRole("heading", { name: "Admin key" }).count(), 0);
    await page.getByRole("link", { name: "Try" }).click();
    await page.getByLabel("Caller key").fill(keyOf("evaluation"));
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("complete after").waitFor();
    await page.getByRole("link", { name: "Log" }).click();
    await page.getByRole("log").getByText("listening").first().waitFor();
    await page.reload();
    await page.getByRole("log").getByText("listening").first().waitFor();
    deepEqual(refused, []);
    deepEqual(await page.context().cookies(), []);
    const kept: string = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    deepEqual(JSON.parse(kept), [{}, {}, ""]);
  },
);

browserTest("a name and password in the address itself open the page", async ({ open }) => {
  await using program = await startOnNetwork();
  const url = urlOf(program).replace("://", `://operator:${ADMIN_KEY}@`);
  const page = await open(url, { ignoreHTTPSErrors: true });
  await page.getByText("Requests per second").waitFor();
  await page.getByRole("link", { name: "Log" }).click();
  await page.getByRole("log").getByText("listening").first().waitFor();
});

/** What a page of another origin can have the browser send to the gateway, which adds the key that it has stored. */
function foreignPage(url: string): string {
  return `<!DOCTYPE html><title>Foreign</title>
<link rel="stylesheet" href="${url}/page/page.css">
<a href="${url}/">The page</a> <a href="${url}/admin/v1/now">Its data</a>
<img src="${url}/page/icon.svg"><iframe src="${url}/"></iframe><iframe name="answer"></iframe>
<script src="${url}/admin/v1/now"></script>
<form method="post" target="answer" action="${url}/-/reload"></form>
<script type="module">
const fetches = [
  ["GET", "/admin/v1/now", "cors"], ["GET", "/admin/v1/now", "no-cors"], ["GET", "/metrics", "no-cors"],
  ["POST", "/-/reload", "cors"], ["POST", "/-/reload", "no-cors"], ["POST", "/admin/v1/try", "no-cors"],
  ["DELETE", "/admin/v1/models/claude-haiku", "cors"],
];
const answered = [];
for (const [method, path, mode] of fetches) {
  await fetch("${url}" + path, { method, mode, credentials: "include" }).then(({ type, status }) =>
    answered.push([method, path, type, status]), () => {});
}
document.querySelector("form").submit();
document.title = "Tried: " + JSON.stringify(answered);
</script>`;
}

interface Site extends AsyncDisposable {
  readonly url: string;
}

/** A server of another origin; with TLS on `localhost` it is of the same site as the gateway. */
function startForeignSite(url: string, isSameSite: boolean): Site {
  const answer = () => new Response(foreignPage(url), { headers: { "content-type": "text/html" } });
  const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = isSameSite
    ? Deno.serve({ ...listen, cert: TLS.certificate, key: TLS.key }, answer)
    : Deno.serve(listen, answer);
  return {
    url: isSameSite ? `https://localhost:${server.addr.port}/` : `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A page whose requests nobody watches, in a browser that has the key. */
async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(url);
  return page;
}

for (const isSameSite of [false, true]) {
  const where = isSameSite ? "another port of the host" : "another site";
  browserTest(`a page of ${where} gets nothing with the key that the browser has`, async ({ open }) => {
    await using program = await startOnNetwork();
    const url = urlOf(program);
    const own = await open(url, AS_OPERATOR);
    await own.getByText("Requests per second").waitFor();

    await using site = startForeignSite(url, isSameSite);
    const foreign = await own.context().newPage();
    foreign.setDefaultTimeout(120_000);
    const answers: Answer[] = [];
    foreign.on("response", (answer) => {
      if (answer.url().startsWith(url)) answers.push(answer);
    });
    const posted = foreign.waitForResponse((answer) =>
      answer.request().resourceType() === "document" && answer.request().method() === "POST"
    );
    await foreign.goto(site.url);
    await posted;
    equal(await foreign.title(), "Tried: []");
    ok(answers.length >= 3, `only ${answers.length} answers`);
    deepEqual([...new Set(answers.map((answer) => answer.status()))], [403]);
    if (isSameSite) {
      const sent = await Promise.all(answers.map((answer) => answer.request().headerValue("authorization")));
      ok(sent.some((header) => header?.startsWith("Basic ")), "the browser adds the key to no request");
    }
    const reloads =
      "fetch('admin/v1/configuration').then((answer) => answer.json()).then((view) => view.reloads.map(({ reason }) => reason))";
    deepEqual(await own.evaluate(reloads), ["start"]);
  });
}

browserTest("a link on another site opens the page, and no data", async ({ open }) => {
  await using program = await startOnNetwork();
  const url = urlOf(program);
  const context = (await open(url, AS_OPERATOR)).context();
  await using site = startForeignSite(url, false);
  const reader = await visit(context, site.url);
  await reader.getByRole("link", { name: "The page" }).click();
  await reader.getByText("Requests per second").waitFor();
  equal(await reader.evaluate("window.opener"), null);
  const other = await visit(context, site.url);
  const [answer] = await Promise.all([
    other.waitForResponse(`${url}/admin/v1/now`),
    other.getByRole("link", { name: "Its data" }).click(),
  ]);
  equal(answer.status(), 403);
  match(await other.locator("body").innerText(), /refuses requests from web pages/);
});

closeBrowserAtEnd();
