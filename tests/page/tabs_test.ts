/** Every tab with live traffic, as an operator sees it. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { TryView } from "../../lib/admin/contract/contract.ts";
import { browserTest, cellsAre, closeBrowserAtEnd, row, rowWith } from "./browser.ts";
import { ask, keyOf, makeTraffic, send, startWorld } from "./world.ts";

/** A target that was throttled, for a second, and afterwards. */
const RESTING = /resting|probing/;

/** Resolves once a field has the value. */
async function hasValue(field: Locator, value: string): Promise<void> {
  while (await field.inputValue() !== value);
}

/** A large number by its label. */
function figure(page: Page, label: string): Locator {
  return page.locator(".figures > div").filter({ hasText: label }).locator("dd").first();
}

browserTest(
  "Now shows the rate, requests in flight, models, callers, errors and targets, and keeps up",
  async ({ open }) => {
    await using program = await startWorld();
    await makeTraffic(program);
    const stalled = await send(program, { caller: "evaluation", model: "slow", stream: true });
    const page = await open(program.adminUrl);

    await row(page, "Requests in flight", "evaluation").filter({ hasText: "streaming" }).waitFor();
    equal(await figure(page, "In flight").textContent(), "1");
    const haiku = row(page, "Models, last five minutes", "claude-haiku");
    await cellsAre(haiku, ["claude-haiku", "26", "0"]);
    await row(page, "Callers, last five minutes", "search-batch").waitFor();
    await row(page, "Errors, last five minutes", "rate_limit_exceeded").filter({
      hasText: "search-batch",
    }).waitFor();
    await row(page, "Targets and their health", "claude-sonnet east").filter({ hasText: RESTING })
      .waitFor();
    await row(page, "Targets and their health", "claude-sonnet west").filter({ hasText: "available" })
      .waitFor();

    await ask(program, { caller: "search-web", model: "nova-lite" });
    await cellsAre(row(page, "Models, last five minutes", "nova-lite"), ["nova-lite", "9"]);
    await stalled.body?.cancel();
    await page.getByText("No requests in flight.").waitFor();
    await page.locator(".chart canvas").waitFor();
  },
);

browserTest(
  "Usage sums by caller, team, model and day, leads from one to the other, and saves a file",
  async ({ open }) => {
    await using program = await startWorld();
    await makeTraffic(program);
    const page = await open(`${program.adminUrl}/#usage`);
    const requests = async (words: string, by: string) =>
      await row(page, `Usage by ${by}`, words).getByRole("cell").nth(2).textContent();

    equal(await requests("search-web", "caller"), "23");
    await page.getByRole("button", { name: "Team" }).click();
    equal(await requests("search", "team"), "41");
    await page.getByRole("button", { name: "Model" }).click();
    equal(await requests("claude-sonnet", "model"), "14");
    await page.getByRole("button", { name: "Day" }).click();
    equal(await requests(new Date().toISOString().slice(0, 10), "day"), "59");

    await page.getByRole("button", { name: "Team" }).click();
    await row(page, "Usage by team", "search").getByRole("link").click();
    equal(await requests("search-batch", "caller"), "18");
    equal(await row(page, "Usage by caller", "support-bot").count(), 0);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    equal(download.suggestedFilename(), "adit-usage.csv");
    const lines = (await Deno.readTextFile(await download.path())).trim().split("\r\n");
    match(lines[0] ?? "", /^caller,requests,errors,/);
    deepEqual(lines.slice(1).map((line) => line.split(",").slice(0, 2).join()).sort(), [
      "search-batch,18",
      "search-web,23",
    ]);
    await page.getByRole("button", { name: /^search.*remove this filter$/ }).click();
    equal(await requests("support-bot", "caller"), "13");
  },
);

browserTest(
  "Requests lists the last and the stored ones, finds some, and opens one with attempts and price",
  async ({ open }) => {
    await using program = await startWorld();
    await makeTraffic(program);
    const page = await open(`${program.adminUrl}/#requests`);

    await row(page, "Requests", "claude-sonnet").last().getByRole("link")
      .click();
    const detail = page.getByRole("article");
    await detail.getByText("Answered by west after 2 attempts").waitFor();
    const attempts = detail.getByRole("group", { name: "Attempts" }).getByRole("row");
    deepEqual(await attempts.count(), 3);
    match(await attempts.nth(1).textContent() ?? "", /^east.*rate_limit_exceeded/);
    match(await attempts.nth(2).textContent() ?? "", /^west.*answered/);
    await detail.getByRole("group", { name: "Price" }).getByRole("row").filter({ hasText: "output" })
      .waitFor();
    await page.keyboard.press("Escape");
    await detail.waitFor({ state: "detached" });

    await rowWith(page, "Requests", "200").first().waitFor();
    await page.getByLabel("Error (* for any)").fill("rate_limit_exceeded");
    await rowWith(page, "Requests", "200").first().waitFor({ state: "detached" });
    const limited = row(page, "Requests", "429 rate_limit_exceeded").first();
    await limited.waitFor();
    await page.getByRole("button", { name: "Ledger" }).click();
    await page.getByText("Requests in the ledger").waitFor();
    await limited.waitFor();
    await page.getByRole("button", { name: "Last 1,000" }).click();
    await page.getByText("Recent requests").waitFor();

    const { id } = await ask(program, { caller: "search-web", model: "claude-haiku" });
    await page.getByLabel("Error (* for any)").fill("");
    await row(page, "Requests", "search-web").first().waitFor();
    await page.getByRole("button", { name: "Ledger" }).click();
    await page.getByText("Requests in the ledger").waitFor();
    const others = row(page, "Requests", "support-bot").first();
    await others.waitFor();
    await page.getByLabel("Request ID").fill(id);
    await others.waitFor({ state: "detached" });
    await row(page, "Requests", "search-web").getByRole("link").click();
    await detail.getByText(id).waitFor();
  },
);

browserTest("Limits and budgets shows how much of each is used, and by whom", async ({ open }) => {
  await using program = await startWorld();
  await makeTraffic(program);
  const page = await open(`${program.adminUrl}/#limits`);
  const limit = row(page, "Limits", "callers.search-batch");
  await limit.filter({ hasText: "caller search-batch" }).filter({ hasText: "12 requests per hour" })
    .waitFor();
  equal(await limit.getByRole("cell").last().textContent(), "6");
  await row(page, "Limits", "tokens-of-a-team").filter({ hasText: "shadow" }).filter({ hasText: "support" })
    .waitFor();
  await row(page, "Budgets", "search-month").filter({ hasText: "team search" }).filter({ hasText: "$0.50" })
    .waitFor();
  await row(page, "Budgets", "everyone together").filter({ hasText: "$250.00" }).waitFor();
  await page.getByLabel("Search rules, budgets, callers, teams and models").fill("search-month");
  await page.getByText("No matches.").waitFor();
  await row(page, "Budgets", "everyone").waitFor({ state: "detached" });
});

browserTest("Models shows targets, traits with their origin, and prices", async ({ open }) => {
  await using program = await startWorld();
  await makeTraffic(program);
  const page = await open(`${program.adminUrl}/#models`);
  // The page hears keys before it has data.
  await row(page, "Models", "nova-lite").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("sonnet");
  await row(page, "Models", "nova-lite").waitFor({ state: "detached" });
  await row(page, "Models", "claude-sonnet").getByRole("link").click();
  const detail = page.getByRole("article", { name: "Model claude-sonnet" });
  await detail.getByText("2 targets, chosen by").waitFor();
  await detail.getByText("Target west").waitFor();
  match(await detail.textContent() ?? "", /adit\.yaml:\d+/);
  await detail.locator("summary").last().click();
  const traits = detail.getByRole("group", { name: "Traits" }).last();
  await traits.getByRole("row").filter({ hasText: "row " }).first().waitFor();
  await detail.getByRole("link", { name: "Try it" }).click();
  equal(await page.getByLabel("Model", { exact: true }).inputValue(), "claude-sonnet");
});

browserTest("Configuration shows every effective value with its file and line", async ({ open }) => {
  await using program = await startWorld();
  const page = await open(`${program.adminUrl}/#configuration`);
  await page.getByText("The latest edit is in use").waitFor();
  const lines = (await Deno.readTextFile(program.configPath)).split("\n");
  const lineOf = (name: string) =>
    `adit.yaml:${lines.findIndex((line) => line.startsWith(`  ${name}:`)) + 1}`;
  await page.getByLabel("Search paths, values and sources").fill("nova-lite");
  await row(page, "Effective values", "models.nova-lite.id").filter({ hasText: lineOf("nova-lite") })
    .waitFor();
  await page.getByLabel("Search paths, values and sources").fill("limits.body");
  await row(page, "Effective values", "limits.body").filter({ hasText: "default" }).waitFor();
  await page.getByLabel("Search paths, values and sources").fill("callers.evaluation.key");
  await row(page, "Effective values", "callers.evaluation.key").filter({ hasText: lineOf("evaluation") })
    .waitFor();
});

browserTest("Try sends in every dialect, whole and streamed, and shows what came", async ({ open }) => {
  await using program = await startWorld();
  const page = await open(`${program.adminUrl}/#try?model=claude-haiku`);
  await page.getByLabel("Caller key").fill(keyOf("evaluation"));
  const { forms }: TryView = await (await fetch(`${program.adminUrl}/admin/v1/try?model=claude-haiku`))
    .json();
  deepEqual(await page.getByLabel("API").locator("option").allTextContents(), forms.map(({ name }) => name));
  ok(forms.length >= 4);
  for (const { name: form, path, body, stream_path, stream_body } of forms) {
    await page.getByLabel("API").selectOption(form);
    const modes = [["Complete", path, body], ["Stream", stream_path ?? path, stream_body]] as const;
    for (const [mode, address, sent] of modes) {
      if (sent === null) continue;
      const button = page.getByRole("button", { name: mode });
      if (stream_body !== null) await button.click();
      await hasValue(page.getByLabel(`POST ${address}`, { exact: true }), JSON.stringify(sent, null, 2));
      await page.getByRole("button", { name: "Send" }).click();
      const state = page.getByText("complete after");
      await state.waitFor();
      await page.getByRole("button", { name: "Text" }).click();
      const text = await page.getByRole("region", { name: "Answer text" }).textContent();
      match(text ?? "", /languages/, `${form}, ${mode}`);
      await page.getByRole("button", { name: "Raw" }).click();
      const pieces = page.getByRole("region", { name: "Answer pieces" }).locator(".frame");
      equal(await pieces.count() > 1, mode === "Stream", `${form}, ${mode}`);
    }
  }
  await page.getByRole("link", { name: "Show this request" }).click();
  await page.getByText("Answered by").waitFor();
});

browserTest("Try shows a refusal to the caller, which does not lock the page", async ({ open }) => {
  await using program = await startWorld();
  const page = await open(`${program.adminUrl}/#try?model=claude-haiku`);
  await page.getByLabel("Caller key").fill("adit-no-such-key");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("complete after").waitFor();
  await page.getByRole("button", { name: "Raw" }).click();
  match(
    await page.getByRole("region", { name: "Answer pieces" }).textContent() ?? "",
    /invalid_api_key/,
  );
  equal(await page.getByText("401", { exact: true }).count(), 1);
  equal(await page.getByRole("heading", { name: "Admin key" }).count(), 0);
});

browserTest("the command that Try shows does what Try did", async ({ open }) => {
  await using program = await startWorld();
  const page = await open(`${program.adminUrl}/#try?model=nova-lite`);
  await page.getByLabel(/^POST/).fill(
    JSON.stringify({
      model: "nova-lite",
      max_tokens: 50,
      messages: [{ role: "user", content: "reply with: it's $HOME" }],
    }),
  );
  const command = await page.getByLabel("Command", { exact: true }).textContent() ?? "";
  const { success, stdout } = await new Deno.Command("sh", {
    args: ["-c", command.replace("curl ", "curl -s ")],
    env: { ADIT_KEY: keyOf("evaluation") },
  }).output();
  ok(success, command);
  const { choices } = JSON.parse(new TextDecoder().decode(stdout));
  equal(choices[0].message.content, "it's $HOME");
});

browserTest("Log shows lines as they are written, and only those that are wanted", async ({ open }) => {
  await using program = await startWorld();
  const page = await open(`${program.adminUrl}/#log`);
  const log = page.getByRole("log");
  await log.getByText("listening").first().waitFor();
  await ask(program, { caller: "support-bot", model: "nova-lite" });
  await log.locator(".log-line").filter({ hasText: "support-bot" }).waitFor();

  await page.getByLabel("Search the log").fill("evaluation");
  await page.getByText("No matching lines yet.").waitFor();
  await ask(program, { caller: "evaluation", model: "nova-lite" });
  await log.locator(".log-line").filter({ hasText: "evaluation" }).waitFor();

  await page.getByRole("button", { name: "Paused" }).click();
  await page.getByLabel("Search the log").fill("");
  await ask(program, { caller: "search-web", model: "nova-lite" });
  await page.getByRole("button", { name: "Live" }).click();
  await log.locator(".log-line").filter({ hasText: "search-web" }).waitFor();
});

closeBrowserAtEnd();
