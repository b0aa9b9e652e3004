/** The frame of the page: its tabs, with mouse and keyboard, and below another path. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { RUNTIMES, startProgram } from "../e2e/program.ts";
import { violationsIn } from "./accessibility.ts";
import { browserTest, closeBrowserAtEnd, row } from "./browser.ts";
import { ask, keyOf, startWorld } from "./world.ts";

const CONFIG = `
providers: { local: { type: emulator } }
models: { haiku: { provider: local, id: anthropic.claude-haiku-4-5-20251001-v1:0 } }
callers: {}
`;

const TABS = [
  "Now",
  "Usage",
  "Requests",
  "Limits and budgets",
  "Models",
  "Configuration",
  "Try",
  "Log",
];

for (const runtime of RUNTIMES) {
  browserTest(`${runtime}: every tab is chosen by a click and by a digit`, async ({ open }) => {
    await using program = await startProgram(runtime, CONFIG);
    const page = await open(program.adminUrl);
    const tabs = page.getByRole("navigation", { name: "Tabs" }).getByRole("link");
    await page.getByText("Requests per second").waitFor();
    deepEqual(await tabs.allTextContents(), TABS);
    for (const [index, title] of TABS.entries()) {
      await tabs.nth(index).click();
      await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
      equal(await tabs.nth(index).getAttribute("aria-current"), "page");
    }
    for (const [index, title] of TABS.entries()) {
      await page.keyboard.press(String(index + 1));
      await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
    }
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Try", exact: true }).waitFor();
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(`every tab can be read and used by everybody, in ${colorScheme} colors`, async ({ open }) => {
    await using program = await startProgram("bun", CONFIG);
    const page = await open(program.adminUrl, { colorScheme });
    for (const [index, title] of TABS.entries()) {
      await page.keyboard.press(String(index + 1));
      await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
      await page.locator(".loading").waitFor({ state: "detached" });
      const violations = await violationsIn(page);
      deepEqual({ title, violations }, { title, violations: [] });
    }
  });
}

browserTest("a request is found, opened and closed with the keyboard alone", async ({ open }) => {
  await using program = await startWorld();
  const { id } = await ask(program, { caller: "evaluation", model: "claude-haiku" });
  await ask(program, { caller: "support-bot", model: "nova-lite" });
  const page = await open(program.adminUrl);
  await page.getByText("Requests per second").waitFor();
  await page.keyboard.press("3");
  await row(page, "Requests", "support-bot").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("evaluation");
  await row(page, "Requests", "support-bot").waitFor({ state: "detached" });
  const focused = () => page.evaluate("document.activeElement.textContent");
  const link = await row(page, "Requests", "evaluation").getByRole("link").textContent();
  for (let steps = 0; await focused() !== link; steps++) {
    ok(steps < 20, "the list cannot be reached");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name: `Request ${id}` }).getByText("Answered by").waitFor();
  await page.locator("h2:focus").filter({ hasText: `Request ${id}` }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("article").waitFor({ state: "detached" });
  await page.locator("a:focus").filter({ hasText: link ?? "" }).waitFor();
});

browserTest("the page works below a path of a reverse proxy", async ({ open }) => {
  await using program = await startWorld();
  await using proxy = await startProxy(program.adminUrl, "/ops/adit");
  const page = await open(`${proxy.url}/ops/adit/`);
  await page.getByText("Requests per second").waitFor();
  await page.getByRole("link", { name: "Try" }).click();
  await page.getByLabel("Caller key").fill(keyOf("evaluation"));
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("complete after").waitFor();
  await page.getByRole("link", { name: "Show this request" }).click();
  await page.getByText("Answered by").waitFor();
  await page.getByRole("link", { name: "Log" }).click();
  await page.getByRole("log").getByText("adit-page").first().waitFor();
});

interface Proxy extends AsyncDisposable {
  readonly url: string;
}

/** A proxy that takes a prefix from the path, and keeps the host that the browser asked for. */
async function startProxy(target: string, prefix: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "").slice(prefix.length);
    const { method, headers } = incoming;
    const upstream = request({ hostname, port, method, headers, path }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

closeBrowserAtEnd();
