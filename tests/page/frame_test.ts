/** The frame of the page: its tabs, with mouse and keyboard, and below another path. */

import { deepEqual, equal } from "node:assert/strict";
import { RUNTIMES, startProgram } from "../e2e/program.ts";
import { violationsIn } from "./accessibility.ts";
import { browserTest, closeBrowserAtEnd } from "./browser.ts";

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

closeBrowserAtEnd();
