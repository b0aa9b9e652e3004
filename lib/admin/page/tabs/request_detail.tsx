/** One request in full: its result, its attempts, and the parts of its cost. */

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

/** A request from memory or, if it is no longer there, from the ledger. */
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
        ? <p class="empty">This request is neither in memory nor in the ledger.</p>
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
          ["Client request ID", mono(request.client_request_id)],
          ["Trace ID", mono(request.trace_id)],
          ["Bedrock request ID", mono(request.upstream_request_id)],
          ["Tags", tagsOf(request.tags)],
          ["Ignored fields", request.ignored.join(", ")],
          ["Anomalies in the answer", request.anomalies.join(", ")],
          [
            "Would have been refused by",
            request.shadow_limits.map(({ rule, what }) => `${rule} (${what})`).join(", "),
          ],
        ]}
      />
      <h3>Attempts</h3>
      <Table
        label="Attempts"
        columns={attemptColumns(request.duration_ms)}
        rows={attempts}
        keyOf={(attempt) => String(attempts.indexOf(attempt))}
        empty="The request was not sent to any target."
      />
      {passedOver.length > 0 && (
        <Table
          label="Skipped targets"
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
  const began = status < 400 ? "Broke off in mid-response" : "Failed";
  const refusedBy = error.limit === null ? "" : ` Refused by ${error.limit.rule} (${error.limit.what}).`;
  return (
    <>
      <Badge tone="bad">{`${status} ${error.code}`}</Badge> {began}
      {after}.{refusedBy} {attempts.length === 0 && "It was not sent to any target."}
    </>
  );
}

/** The messages to the caller, from Bedrock, and from the system. */
function Reasons({ error }: { readonly error: ErrorView }) {
  const upstream = [error.upstream_status, error.upstream_type].filter((part) => part !== null).join(" ");
  return (
    <Facts
      isWide
      facts={[
        ["Message to the caller", error.reason],
        ["OpenAI error code", mono(error.openai_code)],
        ["Invalid field", mono(error.param)],
        [
          "Message from Bedrock",
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
    { title: "Duration", isNumber: true, cell: ({ duration_ms }) => duration(duration_ms) },
    {
      title: "Timeline",
      isExtra: true,
      cell: ({ start_ms, duration_ms }) => <Span startMs={start_ms} ms={duration_ms} totalMs={totalMs} />,
    },
    {
      title: "Model ID",
      isLong: true,
      isExtra: true,
      cell: ({ model_id }) => <span class="mono" title={model_id}>{model_id}</span>,
    },
    {
      title: "Bedrock request ID",
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

/** When an attempt ran within the request. */
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
  { title: "Reason", cell: ({ because }) => because },
];

function Price({ cost: { parts, price, usd: sum, factor } }: { readonly cost: CostView }) {
  return (
    <>
      <h3>Cost</h3>
      <Table
        label="Price"
        columns={PARTS}
        rows={parts}
        keyOf={({ what }) => what}
        empty=""
        isCompact
      />
      <p class="note">
        {factor !== 1 && `Multiplied by ${factor} for the service tier. `}
        Total: {usd(sum)}
        {price !== null && `, from price row ${price}`}.
      </p>
    </>
  );
}

/** Parts priced per unit; all others are tokens. */
const UNITS: ReadonlySet<string> = new Set(["image", "query"]);

const PARTS: readonly Column<CostPartView>[] = [
  { title: "Item", cell: ({ what }) => what.replaceAll("_", " ") },
  { title: "Quantity", isNumber: true, cell: (part) => count(part.count) },
  {
    title: "Price",
    isNumber: true,
    cell: ({ what, price_usd }) => `${usd(price_usd)} ${UNITS.has(what) ? "each" : "per million"}`,
  },
  { title: "Amount", isNumber: true, cell: (part) => usd(part.usd) },
];

function nameOf(caller: string | null, team: string | null): string {
  if (caller === null || caller === "") return "unknown";
  return team === null || team === "" ? caller : `${caller} (team ${team})`;
}

function tokensOf(usage: Omit<NonNullable<RecentRequestView["usage"]>, "images">): string {
  const parts: readonly (readonly [number, string])[] = [
    [usage.input_tokens, "input"],
    [usage.cache_read_tokens, "cache read"],
    [usage.cache_write_tokens, "cache write"],
    [usage.output_tokens, "output"],
    [usage.reasoning_tokens, "of which reasoning"],
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
