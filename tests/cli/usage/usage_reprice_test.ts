/** The output of `adit usage reprice`. */

import { deepEqual, equal, match } from "node:assert/strict";
import { usage } from "../../../lib/cli/usage/usage_table.ts";
import { openLedger } from "../../../lib/ledger/file.ts";
import type { LedgerRow } from "../../../lib/ledger/row.ts";
import { LedgerWriter } from "../../../lib/ledger/writer.ts";
import { batchOf, LEDGER_ROW } from "../../suites/ledger_rows.ts";
import { type Run, run } from "../run.ts";

const ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile";
const CONFIG = `prices: { file: prices.yaml }
state: { path: STATE }
providers: { local: { type: emulator } }
models:
  nova: { provider: local, id: amazon.nova-lite-v1:0, ids: { web: "${ARN}/web" } }
callers: {}
`;
const PRICES = `- match: amazon.nova-lite-v1:0
  usd_per_million: { input: "100", output: "200", cache_read: "0", cache_write: "0" }
`;
const ROW: LedgerRow = {
  ...{ ...LEDGER_ROW, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, target: "local", model: "nova" },
  modelId: "amazon.nova-lite-v1:0",
};

async function withUsage(
  rows: readonly Partial<LedgerRow>[],
  use: (adit: (...args: readonly string[]) => Promise<Run>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-usage-" });
  try {
    await Deno.writeTextFile(`${folder}/adit.yaml`, CONFIG.replace("STATE", `${folder}/state`));
    await Deno.writeTextFile(`${folder}/prices.yaml`, PRICES);
    const ledger = openLedger(`${folder}/state`);
    const writer = new LedgerWriter(ledger.database);
    writer.write(batchOf(...rows.map((row) => ({ ...ROW, ...row }))));
    ledger.database.exec("DELETE FROM request WHERE request_id = 'old'");
    ledger.close();
    const period = ["--config", `${folder}/adit.yaml`, "--from", "2026-03-01", "--to", "2026-04-01"];
    await use((...args) => run(usage, ...args, ...period), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ROWS: readonly Partial<LedgerRow>[] = [
  {},
  { costNano: null, price: "", model: "" },
  { modelId: `${ARN}/web` },
  { modelId: `${ARN}/gone` },
  { modelId: "amazon.rerank-v1:0" },
  { modelId: "nobody", costNano: null, price: "" },
  { requestId: "old" },
];

Deno.test("reprice prints the changes by model and the unchanged requests, and a second run changes nothing", () =>
  withUsage(ROWS, async (adit) => {
    const expected = (last: string) => ({
      code: 0,
      err: "",
      out: `model         changed   before USD    after USD
-                   1         0.00       0.0005
nova                2   0.00000002        0.001
all requests        3   0.00000004   0.00150002

6 requests read; 1 without a known cost
1 request left unchanged: no price is known
1 request left unchanged: billed per search, and the ledger does not keep the number of searches
1 request left unchanged: the configuration no longer says which model their id belongs to
1 hour with 1 request left unchanged: only the hourly sums of these requests are still kept
${last}
`,
    });
    const words = (text: Run) => ({ ...text, out: text.out.replaceAll(/ {2,}/g, "  ") });
    deepEqual(
      words(await adit("reprice", "--dry-run")),
      words(expected("Dry run: nothing was changed")),
    );
    deepEqual(words(await adit("reprice")), words(expected("Budgets were not changed")));
    const { out } = await adit("reprice", "--format", "json");
    const { rows, total, ...rest } = JSON.parse(out);
    deepEqual(rows, []);
    deepEqual(total, { changed_requests: 0, cost_usd_before: "0.00150002", cost_usd_after: "0.00150002" });
    deepEqual(rest, {
      from: "2026-03-01T00:00:00.000Z",
      to: "2026-04-01T00:00:00.000Z",
      tz: "UTC",
      dry_run: false,
      requests: 6,
      unpriced_requests: 1,
      left: {
        unknown_price: 1,
        price_gone: 0,
        unreported_usage: 0,
        searches_not_kept: 1,
        unknown_model: 1,
      },
      hours_left: 1,
      hours_left_requests: 1,
    });
  }));

Deno.test("reprice accepts the filters of usage, and prints CSV", () =>
  withUsage([{ caller: "a" }, { caller: "b" }], async (adit) => {
    const { out } = await adit("reprice", "--caller", "a", "--format", "csv");
    equal(
      out,
      "model,changed_requests,cost_usd_before,cost_usd_after\r\nnova,1,0.00000001,0.0005\r\n",
    );
  }));

Deno.test("reprice says why it cannot read the ledger", () =>
  withUsage([], async (adit, folder) => {
    await Deno.remove(`${folder}/state`, { recursive: true });
    const { code, out, err } = await adit("reprice");
    deepEqual([code, out], [1, ""]);
    match(err, /^Cannot correct the ledger .*\/state\/ledger\.db: no such file\n$/);
    await Deno.writeTextFile(`${folder}/adit.yaml`, CONFIG.replace(/^state.*\n/m, ""));
    equal((await adit("reprice")).err, "Cannot reprice usage: the configuration has no state.path\n");
  }));
