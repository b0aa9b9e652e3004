/** Usage and cost by caller, team, model or day, from the ledger. */

import { useMemo, useState } from "preact/hooks";
import type { UsageRowView, UsageSumsView, UsageView } from "../../contract/contract.ts";
import { Chart } from "../chart.tsx";
import { costOf, unpricedNote } from "../cost.tsx";
import { useClient, useData, withQuery } from "../page_data.ts";
import { count, localDay, percent, short, timeZone, usd } from "../format.ts";
import { NoLedger } from "../no_ledger.tsx";
import { Bar, Choice, type Column, Field, Figures, Pages, Ready, Section, Select, Table } from "../parts.tsx";
import { formatRoute, go, type Route } from "../route.ts";

type Group = "caller" | "team" | "model" | "day";

const GROUPS: readonly (readonly [Group, string])[] = [
  ["caller", "Caller"],
  ["team", "Team"],
  ["model", "Model"],
  ["day", "Day"],
];

/** The next grouping after a click on a row, which filters by its name. */
const NEXT_GROUP: Readonly<Record<Exclude<Group, "day">, Group>> = {
  team: "caller",
  caller: "model",
  model: "caller",
};
const NAMES = ["team", "caller", "model"] as const;

const PERIODS = [
  ["month", "This month"],
  ["last_month", "Last month"],
  ["today", "Today"],
  ["week", "Last 7 days"],
  ["days", "Last 30 days"],
  ["dates", "Custom range"],
] as const;
type PeriodName = (typeof PERIODS)[number][0];

const ORDERS = [["cost", "Cost"], ["requests", "Requests"], ["errors", "Errors"], [
  "tokens",
  "Tokens",
]] as const;
type Order = (typeof ORDERS)[number][0];

const SIZES: Readonly<Record<Order, (sums: UsageSumsView) => number>> = {
  cost: ({ cost_usd }) => Number(cost_usd),
  requests: ({ requests }) => requests,
  errors: ({ errors }) => errors,
  tokens: ({ input_tokens, output_tokens }) => input_tokens + output_tokens,
};

const ROWS = 100;

/** The tab *Usage*. */
export function UsageTab({ route }: { readonly route: Route }) {
  const { settings } = route;
  const by = GROUPS.find(([group]) => group === settings["by"])?.[0] ?? "caller";
  const period = PERIODS.find(([name]) => name === settings["period"])?.[0] ?? "month";
  const order = ORDERS.find(([name]) => name === settings["order"])?.[0] ?? "cost";
  const query = {
    ...datesOf(period, settings),
    tz: timeZone(),
    ...Object.fromEntries(NAMES.map((name) => [`filter.${name}`, settings[name]])),
  };
  const sums = useData<UsageView>(withQuery("admin/v1/usage", { ...query, group_by: by }));
  const days = useData<UsageView>(
    by === "day" ? undefined : withQuery("admin/v1/usage", { ...query, group_by: "day" }),
  );
  if (sums.status === 404) return <NoLedger what="Usage" />;
  return (
    <>
      <div class="bar-top">
        <Select
          label="Period"
          value={period}
          options={PERIODS}
          onChoose={(next) => go(route, { period: next })}
        />
        {period === "dates" && (
          <>
            <Field
              label="From"
              type="date"
              value={settings["from"] ?? ""}
              onChange={(from) => go(route, { from })}
            />
            <Field
              label="To (inclusive)"
              type="date"
              value={settings["to"] ?? ""}
              onChange={(to) => go(route, { to })}
            />
          </>
        )}
        <span class="field">
          <span class="label">Group by</span>
          <Choice label="Group by" value={by} options={GROUPS} onChoose={(next) => go(route, { by: next })} />
        </span>
        {by !== "day" && (
          <Select
            label="Sort by"
            value={order}
            options={ORDERS}
            onChoose={(chosen) => go(route, { order: chosen })}
          />
        )}
        {NAMES.map((name) => {
          const value = settings[name];
          return value === undefined ? null : (
            <span key={name} class="field">
              <span class="label">Filter: {name}</span>
              <button type="button" onClick={() => go(route, { [name]: undefined })}>
                {value} <span aria-hidden="true">×</span>
                <span class="visually-hidden">, remove this filter</span>
              </button>
            </span>
          );
        })}
        <span class="push">
          <Download path={withQuery("admin/v1/usage", { ...query, group_by: by, format: "csv" })} />
        </span>
      </div>
      <Ready data={sums}>
        {(view) => (
          <Usage view={view} days={by === "day" ? view : days.value} by={by} order={order} route={route} />
        )}
      </Ready>
    </>
  );
}

interface UsageProps {
  readonly view: UsageView;
  readonly days: UsageView | undefined;
  readonly by: Group;
  readonly order: Order;
  readonly route: Route;
}

function Usage({ view, days, by, order, route }: UsageProps) {
  const [trail, setTrail] = useState<readonly string[]>([]);
  const { total } = view;
  const rows = useMemo(() => {
    const size = SIZES[order];
    return view.rows.toSorted((a, b) =>
      by === "day" ? (b.day ?? "").localeCompare(a.day ?? "") : size(b) - size(a)
    );
  }, [view, by, order]);
  const start = trail.length * ROWS;
  const next = start + ROWS < rows.length ? String(start + ROWS) : null;
  return (
    <>
      <Section title={`${localDay(view.from)} to ${lastDay(view.to)}`}>
        <Figures
          figures={[
            { label: "Cost", value: usd(total.cost_usd), note: unpricedNote(total) },
            { label: "Requests", value: short(total.requests) },
            {
              label: "Errors",
              value: short(total.errors),
              note: total.requests > 0 ? percent(total.errors / total.requests) : undefined,
            },
            { label: "Input tokens", value: short(total.input_tokens), note: cacheNote(total) },
            { label: "Output tokens", value: short(total.output_tokens) },
          ]}
        />
        {days !== undefined && <CostByDay view={days} />}
      </Section>
      <Section title={`By ${by}`}>
        <Table
          label={`Usage by ${by}`}
          columns={columnsOf(by, total)}
          rows={rows.slice(start, start + ROWS)}
          keyOf={(row) => row[by] ?? ""}
          empty="No requests in this period."
          {...(by !== "day" && {
            linkOf: (row: UsageRowView) => {
              const own = row[by] ?? "";
              return formatRoute(
                route.tab,
                own === "" ? route.settings : {
                  ...route.settings,
                  [by]: own,
                  by: NEXT_GROUP[by],
                },
              );
            },
          })}
          total={rows.length > 1 ? { ...total, [by]: "Total" } : undefined}
        />
        <Pages
          trail={trail}
          next={next}
          onTurn={setTrail}
          note={rows.length > ROWS
            ? `${count(start + 1)} to ${count(Math.min(start + ROWS, rows.length))} of ${count(rows.length)}`
            : undefined}
        />
      </Section>
    </>
  );
}

function columnsOf(by: Group, total: UsageSumsView): readonly Column<UsageRowView>[] {
  const all = Number(total.cost_usd);
  const title = GROUPS.find(([group]) => group === by)?.[1] ?? "";
  return [
    { title, isLong: true, cell: (row) => row[by] === "" ? <span class="dim">none</span> : row[by] },
    {
      title: "Cost",
      isNumber: true,
      cell: (row) => (
        <>
          {costOf(row)}
          <Bar share={all === 0 ? 0 : Number(row.cost_usd) / all} />
        </>
      ),
    },
    { title: "Requests", isNumber: true, cell: ({ requests }) => count(requests) },
    { title: "Errors", isNumber: true, isExtra: true, cell: ({ errors }) => count(errors) },
    { title: "Input tokens", isNumber: true, isExtra: true, cell: ({ input_tokens }) => count(input_tokens) },
    { title: "Cache read", isNumber: true, isExtra: true, cell: (row) => count(row.cache_read_tokens) },
    {
      title: "Output tokens",
      isNumber: true,
      isExtra: true,
      cell: ({ output_tokens }) => count(output_tokens),
    },
  ];
}

function cacheNote({ cache_read_tokens }: UsageSumsView): string | undefined {
  return cache_read_tokens === 0 ? undefined : `plus ${short(cache_read_tokens)} cache read`;
}

/** The cost of each day of the period up to today, as bars. */
function CostByDay({ view }: { readonly view: UsageView }) {
  const { times, values } = useMemo(() => {
    const costs = new Map(view.rows.map((row) => [row.day, Number(row.cost_usd)]));
    const end = Math.min(new Date(view.to).getTime(), Date.now());
    const days: number[] = [];
    for (const day = startOfDay(new Date(view.from)); day.getTime() < end; day.setDate(day.getDate() + 1)) {
      days.push(day.getTime());
    }
    return {
      times: days.map((ms) => ms / 1000),
      values: days.map((ms) => costs.get(localDay(ms)) ?? 0),
    };
  }, [view]);
  const series = useMemo(() => [{ label: "Cost", color: "accent", values }] as const, [values]);
  if (times.length < 2) return null;
  return <Chart label="Cost by day" times={times} series={series} kind="bars" format={usd} height={140} />;
}

/** A button that saves an answer as a file. A link could not send the key. */
function Download({ path }: { readonly path: string }) {
  const { client } = useClient();
  const [error, setError] = useState<string>();
  const save = async () => {
    setError(undefined);
    try {
      const response = await client.send(path);
      if (!response.ok) return setError(`status ${response.status}`);
      const url = URL.createObjectURL(await response.blob());
      const link = Object.assign(document.createElement("a"), { href: url, download: "adit-usage.csv" });
      link.click();
      URL.revokeObjectURL(url);
    } catch {
      setError("the gateway is not responding");
    }
  };
  return (
    <>
      <button type="button" onClick={() => void save()}>Download CSV</button>
      {error !== undefined && <span class="note" role="alert">Download failed: {error}.</span>}
    </>
  );
}

interface Dates {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

function datesOf(period: PeriodName, settings: Route["settings"]): Dates {
  const today = startOfDay(new Date());
  const shifted = (days: number) => localDay(new Date(today).setDate(today.getDate() + days));
  const firstOfMonth = (months: number) =>
    localDay(new Date(today.getFullYear(), today.getMonth() + months, 1).getTime());
  switch (period) {
    case "month":
      return { from: firstOfMonth(0) };
    case "last_month":
      return { from: firstOfMonth(-1), to: firstOfMonth(0) };
    case "today":
      return { from: shifted(0) };
    case "week":
      return { from: shifted(-6) };
    case "days":
      return { from: shifted(-29) };
    case "dates": {
      const { from, to } = settings;
      return { from, to: to === undefined ? undefined : dayAfter(to) };
    }
  }
}

function startOfDay(date: Date): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function dayAfter(day: string): string {
  const date = new Date(`${day}T12:00:00`);
  return localDay(date.setDate(date.getDate() + 1));
}

/** The last day of a period that ends at midnight. */
function lastDay(to: string): string {
  return localDay(Math.min(new Date(to).getTime() - 1, Date.now()));
}
