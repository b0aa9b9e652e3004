/** What axe finds in a page that keeps people from using it: faint text, controls without a name, and so on. */

import axe from "axe-core";
import type { Page } from "playwright-core";

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Every violation of WCAG 2.2 at level AA, with the element; none for a good page. */
export async function violationsIn(page: Page): Promise<readonly string[]> {
  // The script is given to the browser from outside, where the page's policy does not apply.
  await page.evaluate(axe.source);
  // A tab that is scrolled out of a narrow screen looks like a link to a part of the page.
  const rules = `{
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: { "skip-link": { enabled: false } },
  }`;
  const violations: readonly Violation[] = await page.evaluate(
    `axe.run(${rules}).then(({ violations }) => violations)`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = "" }) => `${id}: ${html}: ${failureSummary}`)
  );
}
