/**
 * How the page looks with live traffic: legible in both color schemes, and on a narrow screen. With
 * `UPDATE_SCREENSHOTS=1`, the pictures of docs/page.md are taken here.
 */

import { deepEqual, ok } from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Program } from "../e2e/program.ts";
import { repositoryPath } from "../repository.ts";
import { violationsIn } from "./accessibility.ts";
import { browserTest, closeBrowserAtEnd, row } from "./browser.ts";
import { ask, keyOf, makeTraffic, send, startWorld } from "./world.ts";

const isForDocs = Deno.env.get("UPDATE_SCREENSHOTS") !== undefined;

const WIDE = { width: 1120, height: 760 };
const NARROW = { width: 360, height: 760 };
/** The narrowest screen that WCAG asks for. */
const NARROWEST = { width: 320, height: 640 };

const LOOKS = [
  { name: "wide and light", viewport: WIDE, colorScheme: "light" },
  { name: "wide and dark", viewport: WIDE, colorScheme: "dark" },
  { name: "narrow and dark", viewport: NARROW, colorScheme: "dark" },
  { name: "as narrow as can be", viewport: NARROWEST, colorScheme: "light" },
] as const;

/** Views whose tables fit a phone without scrolling sideways, and contain nothing that grows while time passes. */
const FITTING: ReadonlySet<string> = new Set(["usage", "requests", "failures", "limits"]);

/** Runs in the page. */
const CUT_TABLES = `[...document.querySelectorAll(".scroll")]
  .filter((table) => table.scrollWidth > table.clientWidth)
  .map((table) => table.getAttribute("aria-label") + ": " + table.scrollWidth + " of " + table.clientWidth)`;

interface View {
  readonly hash: string;
  /** Resolves when everything is there. */
  readonly ready: (page: Page) => Promise<void>;
}

function viewsOf(answered: string, failed: string): Readonly<Record<string, View>> {
  const shown = (words: string) => (page: Page) => page.getByText(words).first().waitFor();
  return {
    now: { hash: "now", ready: (page) => row(page, "Requests in flight", "slow").waitFor() },
    usage: { hash: "usage", ready: (page) => row(page, "Usage by caller", "search-web").waitFor() },
    "usage-day": { hash: "usage?by=day&period=days", ready: shown("By day") },
    requests: { hash: "requests", ready: (page) => row(page, "Requests", "evaluation").first().waitFor() },
    request: { hash: `requests?id=${answered}`, ready: shown("from price row") },
    "failed-request": { hash: `requests?id=${failed}`, ready: shown("Message from Bedrock") },
    failures: { hash: "requests?in=failures", ready: shown("429 rate_limit_exceeded") },
    limits: { hash: "limits", ready: shown("search-month") },
    models: { hash: "models", ready: shown("claude-sonnet") },
    model: { hash: "models?model=claude-sonnet", ready: shown("Target west") },
    configuration: { hash: "configuration", ready: shown("limits.body") },
    try: {
      hash: "try?model=claude-haiku&mode=stream",
      ready: async (page) => {
        await page.getByLabel("Caller key").fill(keyOf("evaluation"));
        await page.getByRole("button", { name: "Send" }).click();
        await page.getByText("complete after").waitFor();
      },
    },
    log: { hash: "log", ready: (page) => page.getByRole("log").getByText("evaluation").first().waitFor() },
  };
}

/** Views that are in docs/page.md: the files by look and view. */
const PICTURES: ReadonlyMap<string, string> = new Map([
  ["wide and light: now", "page-now.png"],
  ["wide and light: request", "page-request.png"],
  ["wide and dark: try", "page-try-dark.png"],
  ["narrow and dark: now", "page-now-narrow.png"],
]);

browserTest("every view is legible, and as wide as its screen, in every look", async ({ open }) => {
  await using program = await startWorld();
  await makeTraffic(program);
  const recent = await fetch(`${program.adminUrl}/admin/v1/recent?filter.model=claude-sonnet`);
  const { requests } = await recent.json();
  const steady = isForDocs ? await startSteadyTraffic(program) : undefined;
  const { id: failed } = await ask(program, { caller: "support-bot", model: "down" });
  const views = viewsOf(requests.at(-1).request_id, failed);
  for (const { name: look, ...options } of LOOKS) {
    const stalled = await send(program, { caller: "evaluation", model: "slow", stream: true });
    const page = await open(program.adminUrl, options);
    for (const [name, { hash, ready }] of Object.entries(views)) {
      await page.goto(`${program.adminUrl}/#${hash}`);
      await ready(page);
      const width: number = await page.evaluate("document.documentElement.scrollWidth");
      ok(width <= options.viewport.width, `${name}, ${look}: ${width} pixels wide`);
      if (FITTING.has(name) && options.viewport.width >= NARROW.width) {
        const cut: string[] = await page.evaluate(CUT_TABLES);
        deepEqual({ name, look, cut }, { name, look, cut: [] });
      }
      const violations = await violationsIn(page);
      deepEqual({ name, look, violations }, { name, look, violations: [] });
      const picture = isForDocs ? PICTURES.get(`${look}: ${name}`) : undefined;
      if (picture !== undefined) await takePicture(page, picture);
    }
    await page.close();
    await stalled.body?.cancel();
  }
  await steady?.stop();
});

interface SteadyTraffic {
  stop(): Promise<void>;
}

/** Resolves after enough seconds with requests for a chart. Each answer takes a while, and so does the next request. */
async function startSteadyTraffic(program: Program): Promise<SteadyTraffic> {
  let isOver = false;
  // Those that no budget or limit stops.
  const callers = ["evaluation", "support-bot"];
  const running = callers.map(async (caller) => {
    // It also ends with the program, if the test fails.
    while (!isOver) await ask(program, { caller, model: "steady", stream: true }).catch(() => isOver = true);
  });
  for (let busy = 0; busy < 50;) {
    await ask(program, { caller: "evaluation", model: "steady", stream: true });
    const { seconds } = await (await fetch(`${program.adminUrl}/admin/v1/now`)).json();
    busy = seconds.filter(({ requests }: { requests: number }) => requests > 0).length;
  }
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(running);
    },
  };
}

async function takePicture(page: Page, name: string): Promise<void> {
  const folder = repositoryPath("docs/images");
  await Deno.mkdir(folder, { recursive: true });
  // What was clicked last is not pointed at any more.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${folder}/${name}` });
}

closeBrowserAtEnd();
