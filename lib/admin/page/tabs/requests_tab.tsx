/** Single requests: the last thousand from memory, those in the ledger, and failures by caller. */

import { useState } from "preact/hooks";
import type {
  FailureGroupView,
  FailuresView,
  RecentRequestView,
  RecentView,
  RequestsView,
  StoredRequestView,
} from "../../contract/contract.ts";
import { useData, withQuery } from "../page_data.ts";
import { count, dateTime, duration, localDay, plural, short, timeOfDay, usd } from "../format.ts";
import { NoLedger } from "../no_ledger.tsx";
import { Badge, Choice, type Column, Field, Pages, Ready, Section, Table } from "../parts.tsx";
import { formatRoute, go, type Route } from "../route.ts";
import { RequestDetail } from "./request_detail.tsx";

type Source = "recent" | "ledger" | "failures";

const SOURCES: readonly (readonly [Source, string])[] = [
  ["recent", "Last 1,000"],
  ["ledger", "Ledger"],
  ["failures", "Failures by caller"],
];

/** Filters with the label of their field, and the sources that have them. */
const FILTERS: readonly (readonly [name: string, title: string, sources: readonly Source[]])[] = [
  ["caller", "Caller", ["recent", "ledger", "failures"]],
  ["team", "Team", ["recent", "ledger"]],
  ["model", "Model", ["recent", "ledger", "failures"]],
  ["error", "Error (* for any)", ["recent", "ledger", "failures"]],
  ["request_id", "Request ID", ["recent", "ledger"]],
];

const PAGE = 100;
const EVERY_MS = 2000;

/** The tab *Requests*. */
export function RequestsTab({ route }: { readonly route: Route }) {
  const { settings } = route;
  const source = SOURCES.find(([name]) => name === settings["in"])?.[0] ?? "recent";
  const open = settings["id"];
  const filters = FILTERS.filter(([, , sources]) => sources.includes(source));
  const query = {
    ...Object.fromEntries(filters.map(([name]) => [`filter.${name}`, settings[name]])),
    ...(source !== "recent" && { from: instantOf(settings["from"]), to: instantOf(settings["to"]) }),
  };
  return (
    <>
      <div class="bar-top">
        <span class="field">
          <span class="label">Show</span>
          <Choice
            label="Show"
            value={source}
            options={SOURCES}
            onChoose={(next) => go(route, { in: next, id: undefined })}
          />
        </span>
        {source !== "recent" && (
          <>
            <Field
              label="From"
              type="datetime-local"
              value={settings["from"] ?? ""}
              onChange={(from) => go(route, { from })}
            />
            <Field
              label="To"
              type="datetime-local"
              value={settings["to"] ?? ""}
              onChange={(to) => go(route, { to })}
            />
          </>
        )}
        {filters.map(([name, title], index) => (
          <Field
            key={name}
            label={title}
            value={settings[name] ?? ""}
            isMain={index === 0}
            isLong={name === "request_id"}
            onChange={(value) => go(route, { [name]: value })}
          />
        ))}
      </div>
      {open !== undefined && <RequestDetail key={open} id={open} route={route} />}
      {source === "failures"
        ? <Failures path={withQuery("admin/v1/failures", query)} />
        : <List key={`${source} ${JSON.stringify(query)}`} source={source} query={query} route={route} />}
    </>
  );
}

interface ListProps {
  readonly source: "recent" | "ledger";
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly route: Route;
}

function List({ source, query, route }: ListProps) {
  const [trail, setTrail] = useState<readonly string[]>([]);
  const [isLive, setLive] = useState(true);
  const path = source === "recent" ? "admin/v1/recent" : "admin/v1/requests";
  const isFirst = trail.length === 0;
  const data = useData<RecentView | RequestsView>(
    withQuery(path, { ...query, limit: PAGE, cursor: trail.at(-1) }),
    { everyMs: source === "recent" && isFirst && isLive ? EVERY_MS : undefined },
  );
  if (data.status === 404 && source === "ledger") return <NoLedger what="This list" />;
  return (
    <Ready data={data}>
      {(view) => (
        <Section
          title={source === "recent" ? "Recent requests" : "Requests in the ledger"}
          note={source === "recent" && (
            <>
              {"kept" in view && `${plural(view.kept, "request")} in memory, newest first `}
              {isFirst && (
                <button type="button" class="quiet" onClick={() => setLive(!isLive)}>
                  {isLive ? "Pause" : "Resume"}
                </button>
              )}
            </>
          )}
        >
          <Table
            label="Requests"
            columns={COLUMNS}
            rows={view.requests.map(toRow)}
            keyOf={({ id }) => id}
            linkOf={({ id }) => formatRoute(route.tab, { ...route.settings, id })}
            isOpen={({ id }) => id === route.settings["id"]}
            empty={Object.values(query).some((value) => value !== undefined)
              ? "No matching requests."
              : "No requests yet."}
          />
          <Pages trail={trail} next={view.next_cursor} onTurn={setTrail} words={["Newer", "Older"]} />
        </Section>
      )}
    </Ready>
  );
}

interface Row {
  readonly id: string;
  readonly time: string;
  readonly caller: string;
  readonly team: string;
  readonly model: string;
  readonly status: number;
  readonly error: string;
  readonly attempts: number;
  readonly durationMs: number;
  readonly input: number;
  readonly output: number;
  readonly cost: string | null;
}

function toRow(request: RecentRequestView | StoredRequestView): Row {
  const { request_id: id, status, duration_ms: durationMs } = request;
  const shared = {
    id,
    status,
    durationMs,
    caller: request.caller ?? "",
    team: request.team ?? "",
  };
  if ("api" in request) {
    const { model, error, attempts, input_tokens: input, output_tokens: output, cost_usd: cost } = request;
    return { ...shared, time: request.time, model, error, attempts, input, output, cost };
  }
  const { model, requested_model, error, attempts, usage, cost } = request;
  return {
    ...shared,
    // Both lists are sorted by the end of requests, but those in memory have the time of arrival.
    time: new Date(new Date(request.time).getTime() + durationMs).toISOString(),
    model: model ?? requested_model ?? "",
    error: error?.code ?? "",
    attempts: attempts.length,
    input: usage?.input_tokens ?? 0,
    output: usage?.output_tokens ?? 0,
    cost: cost === null ? "0" : cost.usd,
  };
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "Ended", cell: ({ time }) => <span title={dateTime(time)}>{timeOrDate(time)}</span> },
  {
    title: "Result",
    cell: (row) => <Result {...row} />,
    under: ({ caller, model }) => [caller, model].filter((name) => name !== "").join(", "),
  },
  {
    title: "Caller",
    isExtra: true,
    cell: ({ caller }) => caller === "" ? <span class="dim">unknown</span> : caller,
  },
  { title: "Team", isExtra: true, cell: ({ team }) => team === "" ? "–" : team },
  {
    title: "Model",
    isLong: true,
    isExtra: true,
    cell: ({ model }) => <span title={model}>{model === "" ? "–" : model}</span>,
  },
  { title: "Attempts", isNumber: true, isExtra: true, cell: ({ attempts }) => count(attempts) },
  { title: "Duration", isNumber: true, cell: ({ durationMs }) => duration(durationMs) },
  { title: "Input", isNumber: true, isExtra: true, cell: ({ input }) => short(input) },
  { title: "Output", isNumber: true, isExtra: true, cell: ({ output }) => short(output) },
  {
    title: "Cost",
    isNumber: true,
    isExtra: true,
    cell: ({ cost }) => cost === null ? <span class="dim">unknown</span> : usd(cost),
  },
];

/** Status and error code; an answer that broke off after a 200 is as bad as a server error. */
function Result({ status, error }: { readonly status: number; readonly error: string }) {
  if (error === "") return <Badge tone="good">{status}</Badge>;
  return <Badge tone={status >= 500 || status < 400 ? "bad" : "warn"}>{`${status} ${error}`}</Badge>;
}

/** Only the time for requests of today. */
function timeOrDate(time: string): string {
  const isToday = new Date(time).toDateString() === new Date().toDateString();
  return isToday ? timeOfDay(time) : dateTime(time);
}

function Failures({ path }: { readonly path: string }) {
  const data = useData<FailuresView>(path, { everyMs: EVERY_MS * 5 });
  return (
    <Ready data={data}>
      {(view) => (
        <Section
          title="Failures by caller"
          note={`${dateTime(view.from)} to ${endOf(view)}; recorded since ${dateTime(view.kept_since)}`}
        >
          <Table
            label="Failures by caller, model and error"
            columns={FAILURES}
            rows={view.groups}
            keyOf={(group) =>
              JSON.stringify([group.caller, group.model, group.error, group.status, group.rule])}
            linkOf={({ caller, error }) => formatRoute("requests", { in: "recent", caller, error })}
            empty="No failures in this period."
          />
          {view.groups_total > view.groups.length && (
            <p class="note">
              Showing the {count(view.groups.length)} most frequent of {count(view.groups_total)}.
            </p>
          )}
        </Section>
      )}
    </Ready>
  );
}

/** The end of a period, without the date if the period starts on the same day. */
function endOf({ from, to }: FailuresView): string {
  return localDay(from) === localDay(to) ? timeOfDay(to) : dateTime(to);
}

const FAILURES: readonly Column<FailureGroupView>[] = [
  { title: "Caller", isLong: true, cell: ({ caller }) => caller === "" ? "unknown" : caller },
  {
    title: "Failures",
    isNumber: true,
    cell: ({ failures }) => count(failures),
  },
  { title: "Result", cell: (group) => <Result {...group} />, under: reasonOf },
  { title: "Refused by", isExtra: true, cell: refusedBy },
  { title: "Model", isExtra: true, cell: ({ model }) => model === "" ? "–" : model },
  { title: "First", isExtra: true, cell: ({ first }) => timeOfDay(first).slice(0, 5) },
  { title: "Last", isExtra: true, cell: ({ last }) => timeOfDay(last).slice(0, 5) },
];

/** The limit or budget that refused; without one, a 429 comes from the provider. */
function refusedBy({ rule, status }: FailureGroupView): string {
  if (rule !== "") return rule;
  return status === 429 ? "the provider" : "–";
}

function reasonOf(group: FailureGroupView): string {
  const by = refusedBy(group);
  return [by === "–" ? "" : `by ${by}`, group.model].filter((words) => words !== "").join(", ");
}

/** Converts a time from a browser's field, which is in the viewer's zone. */
function instantOf(local: string | undefined): string | undefined {
  if (local === undefined) return undefined;
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
