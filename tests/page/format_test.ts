/** Numbers, money and times as the page shows them, and its addresses. */

import { deepEqual, equal } from "node:assert/strict";
import { ago, count, duration, percent, plural, rate, short, usd } from "../../lib/admin/page/format.ts";
import { formatRoute, parseRoute } from "../../lib/admin/page/route.ts";

const CASES: readonly (readonly [shown: string, expected: string])[] = [
  [usd("1034.2"), "$1,034.20"],
  [usd("0"), "$0"],
  [usd(null), "–"],
  [usd("0.07"), "$0.07"],
  [usd("0.0035241"), "$0.0035"],
  [usd("0.000000001"), "$0.000000001"],
  [usd("-12.5"), "−$12.50"],
  [usd("999999.999"), "$1,000,000.00"],
  [count(1234567), "1,234,567"],
  [count(null), "–"],
  [short(9999), "9,999"],
  [short(12345), "12.3K"],
  [short(1_200_000_000), "1.2B"],
  [rate(0), "0"],
  [rate(0.25), "0.25"],
  [rate(3.44), "3.4"],
  [rate(120.4), "120"],
  [duration(0), "0 ms"],
  [duration(999.4), "999 ms"],
  [duration(2440), "2.4 s"],
  [duration(59_600), "1 min 00 s"],
  [duration(185_000), "3 min 05 s"],
  [duration(7_800_000), "2 h 10 min"],
  [duration(356_400_000), "4 d 3 h"],
  [duration(null), "–"],
  [percent(0), "0%"],
  [percent(0.0004), "<0.1%"],
  [percent(0.004), "0.4%"],
  [percent(0.5), "50%"],
  [ago(1000, 3000), "just now"],
  [ago(0, 59_999), "59 s ago"],
  [ago(0, 3_599_999), "59 min ago"],
  [ago(0, 36_000_000), "10 h ago"],
  [ago(0, 3 * 86_400_000), "3 days ago"],
  [ago(5000, 0), "just now"],
  [plural(1, "request"), "1 request"],
  [plural(0, "request"), "0 requests"],
];

Deno.test("numbers, money and times are shown as people read them", () => {
  for (const [shown, expected] of CASES) equal(shown, expected);
});

Deno.test("an address of the page is read as it was written", () => {
  for (const settings of [{}, { by: "team" }, { model: "a/b:c&d=e#f?g", caller: "ü %2F" }]) {
    deepEqual(parseRoute(formatRoute("usage", settings)), { tab: "usage", settings });
  }
  equal(formatRoute("usage", { by: "" }), "#usage");
  deepEqual(parseRoute(""), { tab: "", settings: {} });
  deepEqual(parseRoute("#/now"), { tab: "now", settings: {} });
});
