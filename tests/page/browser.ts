/** A real Chromium with the operator's page in it. */

import { deepEqual } from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { reportSkipped } from "../skipped.ts";

const CHROMIUM = "/usr/bin/chromium";

const isInstalled = await Deno.stat(CHROMIUM).then(() => true, () => false);
if (!isInstalled) reportSkipped("tests of the page in a browser", "Debian's chromium is not installed");

/** A test fails when it has waited this long for something to appear. */
const HANG_MS = 120_000;

let browser: Promise<Browser> | undefined;

/** What one test has of the browser. */
export interface Viewer {
  /** Opens an address; from then on, everything that a page must not do is recorded. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Registers a test that needs Chromium; it fails as well if a page broke its own policy, or asked another origin. */
export function browserTest(name: string, test: (viewer: Viewer) => Promise<void>): void {
  if (!isInstalled) return;
  // One browser for all tests of a file: a start takes a second.
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false }, async () => {
    const args = Deno.uid() === 0 ? ["--no-sandbox"] : [];
    browser ??= chromium.launch({ executablePath: CHROMIUM, args, timeout: HANG_MS });
    const running = await browser;
    const forbidden: string[] = [];
    try {
      await test({ open: (url, options) => open(running, { url, options, forbidden }) });
      deepEqual(forbidden, []);
    } finally {
      for (const context of running.contexts()) await context.close();
    }
  });
}

/** Closes the browser; the last test of each file. */
export function closeBrowserAtEnd(): void {
  if (!isInstalled) return;
  Deno.test({
    name: "the browser ends",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await (await browser)?.close(),
  });
}

/** Rows of a table by words in them, which must not be such as an id, a time or a figure may contain by chance. */
export function row(page: Page, table: string, words: string): Locator {
  return rowsOf(page, table).filter({ hasText: words });
}

/** Rows of a table that have one of these as the whole content of a cell or of a part of it. */
export function rowWith(page: Page, table: string, content: string): Locator {
  return rowsOf(page, table).filter({ has: page.getByText(content, { exact: true }) });
}

/** All rows of a table, the titles of its columns first. */
function rowsOf(page: Page, table: string): Locator {
  return page.getByRole("group", { name: table, exact: true }).getByRole("row");
}

/** Resolves once the cells of one row, from the first, are as expected. */
export async function cellsAre(row: Locator, expected: readonly string[]): Promise<void> {
  for (const [index, text] of expected.entries()) {
    await row.getByRole("cell").nth(index).filter({ hasText: new RegExp(`^${RegExp.escape(text)}$`) })
      .waitFor();
  }
}

interface Opened {
  readonly url: string;
  readonly options: BrowserContextOptions | undefined;
  readonly forbidden: string[];
}

/** Runs in the page. */
const REPORT_VIOLATIONS = `document.addEventListener("securitypolicyviolation", (event) =>
  reportViolation(event.violatedDirective + " by " + event.blockedURI))`;

async function open(running: Browser, { url, options, forbidden }: Opened): Promise<Page> {
  const context = await running.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(HANG_MS);
  page.on("pageerror", (error) => forbidden.push(`an exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    forbidden.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(url).origin && protocol !== "blob:") {
      forbidden.push(`a request to ${request.url()}`);
    }
  });
  page.on("console", (message) => {
    // Chromium reports every answer of 4xx and 5xx here, and the page shows those itself.
    if (message.type() !== "error" || message.text().startsWith("Failed to load resource")) return;
    forbidden.push(`the console: ${message.text()}`);
  });
  await page.exposeFunction("reportViolation", (what: string) => forbidden.push(`a violation of ${what}`));
  await page.addInitScript({ content: REPORT_VIOLATIONS });
  await page.goto(url);
  return page;
}
