/** One request in full: how it ended and why, what was tried, and what its price consists of. */

import type { ComponentChildren } from "preact";
import type {
  AttemptView,
  CostPartView,
  CostView,
  ErrorView,
  RecentRequestView,
} from "../../contract/contract.ts";
import { useData } from "../page_data.ts";
import { count, dateTime, duration, plural, usd } from "../format.ts";
import { Badge, type Column, Facts, mono, Ready, Table, useFocusWhileOpen } from "../parts.tsx";
import { formatRoute, type Route } from "../route.ts";

interface DetailProps {
  readonly id: string;
  readonly route: Route;
}

/** A request from memory, or as much of it as the ledger has. */
export function RequestDetail({ id, route }: DetailProps) {
  const recent = useData<RecentRequestView>(`admin/v1/recent/${encodeURIComponent(id)}`);
  const isGone = recent.status === 404;
  const stored = useData<RecentRequestView>(
    isGone ? `admin/v1/requests/${encodeURIComponent(id)}` : undefined,
  );
  const { id: _, ...rest } = route.settings;
  const heading = useFocusWhileOpen();
  return (
    <article class="detail" aria-label={`Request ${id}`}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          Request <span class="mono">{id}</span>
        </h2>
        <a href={formatRoute(route.tab, rest)} data-close="">Close</a>
      </header>
      {stored.status === 404
        ? <p class="empty">Neither the memory nor the ledger has this request.</p>
        : <Ready data={isGone ? stored : recent}>{(request) => <Whole request={request} />}</Ready>}
    </article>
  );
}

function Whole({ request }: { readonly request: RecentRequestView }) {
  const { usage, error, attempts, passed_over: passedOver } = request;
  return (
    <>
      <p class="verdict">{verdictOf(request)}</p>
      {error !== null && <Reasons error={error} />}
      <Facts
        facts={[
          ["Arrived", dateTime(request.time)],
          ["Caller", nameOf(request.caller, request.team)],
          ["Model", request.model ?? request.requested_model],
          ["API", `${request.method} ${request.path}`],
          ["Stream", request.stream === null ? null : request.stream ? "yes" : "no"],
          ["Duration", duration(request.duration_ms)],
          ["First byte", request.first_byte_ms === null ? null : duration(request.first_byte_ms)],
          ["Stop reason", request.stop_reason],
          ["Tokens", usage === null ? null : tokensOf(usage)],
          ["Cost", priceOf(request.cost)],
          ["Address", request.remote_address],
          ["User agent", request.user_agent],
          ["Client's own id", mono(request.client_request_id)],
          ["Trace", mono(request.trace_id)],
          ["Bedrock's request id", mono(request.upstream_request_id)],
          ["Tags", tagsOf(request.tags)],
          ["Ignored fields", request.ignored.join(", ")],
          ["Unknown in the answer", request.anomalies.join(", ")],
          [
            "Would have been refused by",
            request.shadow_limits.map(({ rule, what }) => `${rule} (${what})`).join(", "),
          ],
        ]}
      />
      <h3>What was tried</h3>
      <Table
        label="Attempts"
        columns={attemptColumns(request.duration_ms)}
        rows={attempts}
        keyOf={(attempt) => String(attempts.indexOf(attempt))}
        empty="Nothing was sent to a target."
      />
      {passedOver.length > 0 && (
        <Table
          label="Targets that were skipped"
          columns={PASSED_OVER}
          rows={passedOver}
          keyOf={({ target, because }) => `${target} ${because}`}
          empty=""
          isCompact
        />
      )}
      {request.cost !== null && request.cost.parts.length > 0 && <Price cost={request.cost} />}
    </>
  );
}

function verdictOf(request: RecentRequestView): ComponentChildren {
  const { status, error, attempts, target } = request;
  const after = attempts.length > (error === null ? 1 : 0)
    ? ` after ${plural(attempts.length, "attempt")}`
    : "";
  if (error === null) {
    const by = target === null ? "" : ` by ${target}`;
    return (
      <>
        <Badge tone="good">{status}</Badge> Answered{by}
        {after} in {duration(request.duration_ms)}.
      </>
    );
  }
  const began = status < 400 ? "Began, then broke off" : "Failed";
  const refusedBy = error.limit === null ? "" : ` Refused by ${error.limit.rule} (${error.limit.what}).`;
  return (
    <>
      <Badge tone="bad">{`${status} ${error.code}`}</Badge> {began}
      {after}.{refusedBy} {attempts.length === 0 && "Nothing was sent to a target."}
    </>
  );
}

/** What the caller was told, what Bedrock said, and what the system said. */
function Reasons({ error }: { readonly error: ErrorView }) {
  const upstream = [error.upstream_status, error.upstream_type].filter((part) => part !== null).join(" ");
  return (
    <Facts
      isWide
      facts={[
        ["The caller was told", error.reason],
        ["Code for OpenAI's clients", mono(error.openai_code)],
        ["Field at fault", mono(error.param)],
        [
          "Bedrock said",
          error.upstream_message === null && upstream === ""
            ? null
            : [upstream, error.upstream_message].filter((part) => part !== null && part !== "").join(": "),
        ],
        ["Cause", error.cause],
      ]}
    />
  );
}

function attemptColumns(totalMs: number): readonly Column<AttemptView>[] {
  return [
    {
      title: "Target",
      cell: ({ target, provider, region }) => (
        <>
          {target}
          <span class="stack">
            {[provider, region].filter((part) => part !== "" && part !== target).join(", ")}
          </span>
        </>
      ),
    },
    {
      title: "Result",
      cell: ({ error }) =>
        error === null ? <Badge tone="good">answered</Badge> : <Badge tone="bad">{error}</Badge>,
    },
    { title: "Started after", isNumber: true, isExtra: true, cell: ({ start_ms }) => duration(start_ms) },
    { title: "Took", isNumber: true, cell: ({ duration_ms }) => duration(duration_ms) },
    {
      title: "Time",
      isExtra: true,
      cell: ({ start_ms, duration_ms }) => <Span startMs={start_ms} ms={duration_ms} totalMs={totalMs} />,
    },
    {
      title: "Model id",
      isLong: true,
      isExtra: true,
      cell: ({ model_id }) => <span class="mono" title={model_id}>{model_id}</span>,
    },
    {
      title: "Bedrock's request id",
      isLong: true,
      isExtra: true,
      cell: (attempt) => mono(attempt.upstream_request_id) ?? "–",
    },
  ];
}

interface SpanProps {
  readonly startMs: number;
  readonly ms: number;
  readonly totalMs: number;
}

/** When in the request an attempt ran. */
function Span({ startMs, ms, totalMs }: SpanProps) {
  const share = (part: number) => `${Math.min(100, 100 * part / Math.max(1, totalMs))}%`;
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ marginLeft: share(startMs), width: share(Math.max(ms, totalMs / 50)) }} />
    </span>
  );
}

const PASSED_OVER: readonly Column<RecentRequestView["passed_over"][number]>[] = [
  { title: "Skipped", cell: ({ target }) => target },
  { title: "Because", cell: ({ because }) => because },
];

function Price({ cost: { parts, price, usd: sum, factor } }: { readonly cost: CostView }) {
  return (
    <>
      <h3>What it cost</h3>
      <Table
        label="Price"
        columns={PARTS}
        rows={parts}
        keyOf={({ what }) => what}
        empty=""
        isCompact
      />
      <p class="note">
        {factor !== 1 && `Times ${factor} for the service tier. `}
        Total: {usd(sum)}, from the price row {price ?? "that is no longer known"}.
      </p>
    </>
  );
}

/** What is priced by the piece; everything else is tokens. */
const UNITS: ReadonlySet<string> = new Set(["image", "query"]);

const PARTS: readonly Column<CostPartView>[] = [
  { title: "For", cell: ({ what }) => what.replaceAll("_", " ") },
  { title: "Number", isNumber: true, cell: (part) => count(part.count) },
  {
    title: "Price",
    isNumber: true,
    cell: ({ what, price_usd }) => `${usd(price_usd)} ${UNITS.has(what) ? "each" : "per million"}`,
  },
  { title: "Amount", isNumber: true, cell: (part) => usd(part.usd) },
];

function nameOf(caller: string | null, team: string | null): string {
  if (caller === null || caller === "") return "not known";
  return team === null || team === "" ? caller : `${caller} (team ${team})`;
}

function tokensOf(usage: Omit<NonNullable<RecentRequestView["usage"]>, "images">): string {
  const parts: readonly (readonly [number, string])[] = [
    [usage.input_tokens, "input"],
    [usage.cache_read_tokens, "from the cache"],
    [usage.cache_write_tokens, "to the cache"],
    [usage.output_tokens, "output"],
    [usage.reasoning_tokens, "of them reasoning"],
  ];
  const words = parts.filter(([tokens]) => tokens > 0).map(([tokens, what]) => `${count(tokens)} ${what}`);
  return `${words.length === 0 ? "none" : words.join(", ")}${usage.estimated ? " (estimated)" : ""}${
    usage.tier === null ? "" : `, tier ${usage.tier}`
  }`;
}

function priceOf(cost: Pick<CostView, "usd" | "price"> | null): string | null {
  if (cost === null) return null;
  return cost.usd === null ? "unknown" : `${usd(cost.usd)}`;
}

function tagsOf(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags).map(([name, value]) => `${name}: ${value}`).join(", ");
}
