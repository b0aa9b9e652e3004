/** What the page does with the operator's key, and with texts that want to be markup. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { keyHash } from "../e2e/configs.ts";
import { replaceFile } from "../e2e/program.ts";
import { browserTest, closeBrowserAtEnd, row } from "./browser.ts";
import { ADMIN_KEY, ask, HOSTILE, keyOf, makeTraffic, startWorld } from "./world.ts";

const PROTECTED = `admin_api: { key: "${keyHash(ADMIN_KEY)}" }\n`;

browserTest(
  "where an admin key is set, the page shows nothing before the right one is typed in",
  async ({ open }) => {
    await using program = await startWorld(PROTECTED);
    await makeTraffic(program);
    const page = await open(program.adminUrl);
    const shown: number[] = [];
    page.on("response", (response) => {
      if (response.url().includes("/admin/")) shown.push(response.status());
    });

    await page.getByRole("heading", { name: "Admin key" }).waitFor();
    // The cursor is in the field already.
    await page.keyboard.type("adit-wrong-key");
    await page.keyboard.press("Enter");
    await page.getByText("The gateway rejected this key.").waitFor();
    deepEqual(shown.filter((status) => status !== 401), []);
    equal(await page.getByText("search-web").count(), 0);

    await page.getByLabel("Key").fill(ADMIN_KEY);
    await page.getByRole("button", { name: "Unlock" }).click();
    await row(page, "Callers, last five minutes", "search-web").waitFor();
    await page.getByRole("link", { name: "Log" }).click();
    await page.getByRole("log").getByText("listening").first().waitFor();

    const kept: string = await page.evaluate(`(async () => JSON.stringify([
    { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, await indexedDB.databases(),
    await caches.keys(), history.state,
  ]))()`);
    deepEqual(JSON.parse(kept), [{}, {}, "", `${program.adminUrl}/#log`, [], [], null]);
    deepEqual(await page.context().cookies(), []);

    await page.getByRole("button", { name: "Forget key" }).click();
    await page.getByRole("heading", { name: "Admin key" }).waitFor();
    equal(await page.getByRole("log").count(), 0);
    await page.getByLabel("Key").fill(ADMIN_KEY);
    await page.keyboard.press("Enter");
    await page.getByRole("log").waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Admin key" }).waitFor();
  },
);

browserTest("a key that no longer opens locks the page", async ({ open }) => {
  await using program = await startWorld(PROTECTED);
  const page = await open(program.adminUrl);
  await page.getByLabel("Key").fill(ADMIN_KEY);
  await page.keyboard.press("Enter");
  await page.getByText("Requests per second").waitFor();
  const config = await Deno.readTextFile(program.configPath);
  await replaceFile(program.configPath, config.replace(keyHash(ADMIN_KEY), keyHash("another")));
  await page.getByText("The gateway rejected this key.").waitFor();
  equal(await page.getByText("Requests per second").count(), 0);
});

browserTest("what clients send and models answer stays text", async ({ open }) => {
  await using program = await startWorld();
  const headers = { "user-agent": `agent ${HOSTILE}`, "x-client-request-id": HOSTILE };
  const { id } = await ask(program, { caller: "support-bot", model: HOSTILE, headers });
  const page = await open(`${program.adminUrl}/#requests?id=${id}`);
  await page.getByRole("article").getByText(`agent ${HOSTILE}`).waitFor();

  await page.goto(`${program.adminUrl}/#try?model=nova-lite`);
  await page.getByLabel("Caller key").fill(keyOf("evaluation"));
  const content = `reply with: ${HOSTILE}<script>alert(2)</script>`;
  await page.getByLabel(/^POST/).fill(
    JSON.stringify({ model: "nova-lite", max_tokens: 50, messages: [{ role: "user", content }] }),
  );
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("region", { name: "Answer text" }).getByText("<script>alert(2)</script>")
    .waitFor();
  await page.getByRole("button", { name: "Raw" }).click();
  await page.getByRole("region", { name: "Answer pieces" }).getByText(HOSTILE).waitFor();

  await replaceFile(program.configPath, `listen: "${HOSTILE}"\n"${HOSTILE}": 1\n`);
  await page.goto(`${program.adminUrl}/#configuration`);
  await page.getByRole("region", { name: "Problems in the last reload" }).getByText(HOSTILE).first()
    .waitFor();
  await page.goto(`${program.adminUrl}/#log`);
  await page.getByRole("log").getByText(HOSTILE).first().waitFor();
  equal(await page.locator("main img, main script").count(), 0);
});

/** What the page compares or counts with; any other string is only shown. */
const MEANT = new Set([
  "next_cursor",
  "state",
  "time",
  "at",
  "from",
  "to",
  "window_end",
  "loaded_at",
  "level",
  "path",
  "body",
]);

function hostile(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((each) => hostile(each, name));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hostile(each, key)]));
  }
  return typeof value === "string" && !MEANT.has(name) && Number.isNaN(Number(value))
    ? HOSTILE + value
    : value;
}

browserTest("whatever text the gateway sends, none of it becomes markup", async ({ open }) => {
  await using program = await startWorld();
  await makeTraffic(program);
  const { id } = await ask(program, { caller: "search-web", model: "claude-sonnet" });
  const page = await open(program.adminUrl);
  await page.route(/\/admin\/v1\/(?!log)/, async (route) => {
    try {
      const response = await route.fetch();
      await route.fulfill({ response, json: hostile(await response.json()) });
    } catch {
      // The page has gone on to another tab. An answer that it still waits for is missed below.
      await route.abort().catch(() => {});
    }
  });
  const tabs = [
    "now",
    "usage",
    "usage?by=team",
    "requests",
    "requests?in=ledger",
    "requests?in=failures",
    `requests?id=${id}`,
    "limits",
    "models?model=claude-sonnet",
    "configuration",
    "try?model=claude-haiku",
  ];
  for (const tab of tabs) {
    await page.goto(`${program.adminUrl}/#${tab}`);
    await page.reload();
    await page.locator("main").getByText(HOSTILE).first().waitFor({ state: "attached" });
    equal(await page.locator("main img, main script").count(), 0, tab);
  }
  const marked = await page.evaluate(`document.querySelectorAll("main [onerror], main [style*=url]").length`);
  ok(marked === 0);
  await page.unrouteAll({ behavior: "wait" });
});

closeBrowserAtEnd();
