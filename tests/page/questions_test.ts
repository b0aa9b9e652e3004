/** An operator's four questions, each answered with clicks. */

import { equal, match, ok } from "node:assert/strict";
import { browserTest, cellsAre, closeBrowserAtEnd, row } from "./browser.ts";
import { ask, edit, makeTraffic, startWorld } from "./world.ts";

browserTest("which caller caused the 429s at noon", async ({ open }) => {
  await using program = await startWorld();
  const startMs = Date.now();
  await makeTraffic(program);
  const page = await open(program.adminUrl);
  await page.getByRole("link", { name: "Requests" }).click();
  await page.getByRole("button", { name: "Failures by caller" }).click();
  // Noon is now.
  const minute = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  await page.getByLabel("From").fill(minute(startMs - 60_000));
  await page.getByLabel("To").fill(minute(Date.now() + 60_000));
  const answer = row(page, "Failures by caller, model and error", "429 rate_limit_exceeded");
  await cellsAre(answer, ["search-batch", "6", "429 rate_limit_exceeded", "callers.search-batch"]);

  await page.getByLabel("To").fill(minute(startMs - 60_000));
  await page.getByLabel("From").fill(minute(startMs - 3_600_000));
  await page.getByText("No failures in this period.").waitFor();
});

browserTest("what team search cost this month", async ({ open }) => {
  await using program = await startWorld();
  await makeTraffic(program);
  const page = await open(program.adminUrl);
  await page.getByRole("link", { name: "Usage" }).click();
  equal(await page.getByLabel("Period").inputValue(), "month");
  await page.getByRole("button", { name: "Team" }).click();
  const shown = await row(page, "Usage by team", "search").getByRole("cell").nth(1).textContent();

  const month = new Date().toISOString().slice(0, 7);
  const url = `${program.adminUrl}/admin/v1/usage?from=${month}-01&filter.team=search`;
  const { total } = await (await fetch(url)).json();
  ok(Number(total.cost_usd) > 0, total.cost_usd);
  match(shown ?? "", /^\$0\.\d+$/);
  ok(
    Math.abs(Number((shown ?? "").slice(1)) - Number(total.cost_usd)) < 0.01,
    `${shown} of ${total.cost_usd}`,
  );
});

browserTest("why a request failed, and what was tried", async ({ open }) => {
  await using program = await startWorld();
  await makeTraffic(program);
  const { status, id } = await ask(program, { caller: "support-bot", model: "down" });
  equal(status, 503);
  const page = await open(program.adminUrl);
  await page.getByRole("link", { name: "Requests" }).click();
  // A table that is still empty has no row of others either.
  const others = row(page, "Requests", "search-web").first();
  await others.waitFor();
  await page.getByLabel("Request ID").fill(id);
  await others.waitFor({ state: "detached" });
  await row(page, "Requests", "503 overloaded").getByRole("link").click();
  const detail = page.getByRole("article", { name: `Request ${id}` });
  await detail.getByText("Failed").waitFor();
  match(await detail.locator(".verdict").textContent() ?? "", /^503 \w+/);
  await detail.getByText("Message from Bedrock").waitFor();
  const tried = detail.getByRole("group", { name: "Attempts" }).getByRole("row").nth(1);
  match(await tried.textContent() ?? "", /^west/);

  const { id: refused } = await ask(program, { caller: "search-batch", model: "claude-haiku" });
  await page.goto(`${program.adminUrl}/#requests?id=${refused}`);
  await page.getByText("Refused by callers.search-batch (requests).").waitFor();
  await page.getByText("It was not sent to any target.").first().waitFor();
});

browserTest("whether the last edit took effect", async ({ open }) => {
  await using program = await startWorld();
  const page = await open(program.adminUrl);
  await page.getByRole("link", { name: "Configuration" }).click();
  await page.getByText("The latest edit is in use").waitFor();

  await edit(
    program,
    (config) =>
      config.replace(
        "  nova-lite: {",
        "  nova-new: { provider: west, id: us.amazon.nova-pro-v1:0 }\n  nova-lite: {",
      ),
  );
  await row(page, "Reloads", "models added: nova-new").filter({ hasText: "file change" }).waitFor();
  await page.getByText("The latest edit is in use").waitFor();

  await edit(
    program,
    (config) =>
      config.replace("provider: west, id: us.amazon.nova-lite", "provider: wst, id: us.amazon.nova-lite"),
  );
  await page.getByText("The latest edit is not in use.").first().waitFor();
  const problems = page.getByRole("region", { name: "Problems in the last reload" });
  match(
    await problems.textContent() ?? "",
    /adit\.yaml:\d+:\d+: models\.nova-lite\.provider: unknown provider "wst"; did you mean "west"\?/,
  );

  // It is shown wherever the operator is.
  await page.getByRole("link", { name: "Now" }).click();
  await page.getByRole("link", { name: "Show why" }).click();
  await edit(program, (config) => config.replace("provider: wst", "provider: west"));
  await page.getByText("The latest edit is in use").waitFor();
  await page.getByRole("link", { name: "Show why" }).waitFor({ state: "detached" });
});

closeBrowserAtEnd();
