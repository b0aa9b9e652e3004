/** What the page shows where there is nothing, or nobody answers; and what it costs the gateway. */

import { equal, ok } from "node:assert/strict";
import type { Page } from "playwright-core";
import { emulatorConfig } from "../e2e/configs.ts";
import { startProgram } from "../e2e/program.ts";
import { browserTest, closeBrowserAtEnd, row } from "./browser.ts";

const EMPTY: readonly (readonly [tab: string, words: string])[] = [
  ["now", "No requests in flight."],
  ["now", "No requests in the last five minutes."],
  ["now", "No target has been used since the gateway started."],
  ["usage", "Usage comes from the usage ledger, which is turned off."],
  ["requests", "No requests yet."],
  ["requests?in=ledger", "This list comes from the usage ledger, which is turned off."],
  ["requests?in=failures", "No failures in this period."],
  ["requests?id=req_of_yesterday", "This request is neither in memory nor in the ledger."],
  ["limits", "The configuration has no budgets."],
  ["limits", "The configuration has no limits."],
  ["models?search=nothing", "No matching models."],
  ["configuration?search=nothing", "No matching values."],
  ["log?search=nothing", "No matching lines yet."],
];

browserTest("where there is nothing to show, the page says so, and what to do", async ({ open }) => {
  await using program = await startProgram("bun", emulatorConfig());
  const page = await open(program.adminUrl);
  for (const [tab, words] of EMPTY) {
    await page.goto(`${program.adminUrl}/#${tab}`);
    await page.getByText(words).first().waitFor();
  }
});

browserTest(
  "a lost connection is said at once, with what is known still there, and ends by itself",
  async ({ open }) => {
    await using program = await startProgram("bun", emulatorConfig());
    const page = await open(program.adminUrl);
    await page.getByText("Requests per second").waitFor();
    await page.context().setOffline(true);
    const banner = page.getByRole("alert").getByText("The gateway is not responding.");
    await banner.waitFor();
    ok(await page.getByText("Requests per second").isVisible());
    await page.context().setOffline(false);
    await banner.waitFor({ state: "detached" });
  },
);

browserTest("a gateway that ends is missed in every tab", async ({ open }) => {
  await using program = await startProgram("bun", emulatorConfig());
  const page = await open(`${program.adminUrl}/#log`);
  await page.getByRole("log").getByText("listening").first().waitFor();
  await program.stop("SIGKILL");
  await page.getByText("The gateway is not responding.").waitFor();
});

browserTest("a page that nobody can see asks for nothing", async ({ open }) => {
  await using program = await startProgram("bun", emulatorConfig());
  const page = await open(program.adminUrl);
  await page.clock.install();
  await page.reload();
  await page.getByText("Requests per second").waitFor();
  const polled = () => page.waitForRequest(/admin\/v1\/now/);
  const next = polled();
  await page.clock.runFor(2000);
  await next;

  await hide(page, true);
  // What was under way when the page was hidden may still end.
  await page.clock.runFor(60_000);
  let asked = 0;
  page.on("request", () => asked++);
  await page.clock.runFor(600_000);
  equal(asked, 0);
  const again = polled();
  await hide(page, false);
  await again;
});

browserTest(
  "what could not be loaded before the page was hidden is loaded when it is shown",
  async ({ open }) => {
    await using program = await startProgram("bun", emulatorConfig());
    const page = await open(program.adminUrl);
    await page.getByText("Requests per second").waitFor();
    await page.clock.install();
    const lost = "**/admin/v1/catalog*";
    await page.route(lost, (route) => route.abort());
    const failed = page.waitForEvent("requestfailed");
    await page.getByRole("link", { name: "Models" }).click();
    await failed;
    await page.getByText("The gateway is not responding.").waitFor();
    await hide(page, true);
    await page.unroute(lost);
    await hide(page, false);
    await page.clock.runFor(1_000);
    await row(page, "Models", "claude").waitFor();
  },
);

/** Makes the page believe that it is hidden, or shown again. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(
    `Object.defineProperty(document, "hidden", { configurable: true, get: () => ${hidden} });
    document.dispatchEvent(new Event("visibilitychange"))`,
  );
}

const MODELS = 10_000;

browserTest("10,000 models are shown a page at a time, and found", async ({ open }) => {
  const models = Object.fromEntries(
    Array.from(
      { length: MODELS },
      (_, index) => [`model-${String(index).padStart(5, "0")}`, "amazon.nova-lite-v1:0"],
    ),
  );
  await using program = await startProgram("bun", emulatorConfig(models));
  const page = await open(`${program.adminUrl}/#models`);
  const rows = page.getByRole("group", { name: "Models", exact: true }).getByRole("row");
  await row(page, "Models", "model-00050").waitFor();
  ok(await rows.count() <= 101);
  await page.getByRole("button", { name: "Next" }).click();
  await row(page, "Models", "model-00150").waitFor();
  equal(await row(page, "Models", "model-00050").count(), 0);
  await page.getByRole("button", { name: "Previous" }).click();
  await row(page, "Models", "model-00050").waitFor();
  await page.getByLabel("Search models, targets and IDs").fill("09998");
  await row(page, "Models", "model-00050").waitFor({ state: "detached" });
  await row(page, "Models", "model-09998").getByRole("link").click();
  await page.getByRole("article", { name: "Model model-09998" }).getByText("Defined in").waitFor();

  await page.goto(`${program.adminUrl}/#configuration?search=model-09998`);
  await row(page, "Effective values", "models.model-09998.id").waitFor();
  await page.goto(`${program.adminUrl}/#try?model=model-09998`);
  await page.getByText("/v1/chat/completions").first().waitFor();
});

closeBrowserAtEnd();
