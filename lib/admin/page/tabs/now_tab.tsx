/** Current activity: rates, requests in flight, and the last five minutes by model, caller, error and target. */

import { useMemo } from "preact/hooks";
import type {
  CallerUseView,
  ErrorUseView,
  InFlightView,
  ModelUseView,
  NowView,
  TargetView,
} from "../../contract/contract.ts";
import { Chart } from "../chart.tsx";
import { costOf } from "../cost.tsx";
import { useData } from "../page_data.ts";
import { count, dateTime, duration, plural, rate, short } from "../format.ts";
import { Badge, type Column, Figures, Ready, Section, Table, type Tone } from "../parts.tsx";
import { formatRoute } from "../route.ts";

const EVERY_MS = 1000;

/** The tab *Now*. */
export function NowTab() {
  const data = useData<NowView>("admin/v1/now", { everyMs: EVERY_MS });
  return <Ready data={data}>{(view) => <Now view={view} />}</Ready>;
}

function Now({ view }: { readonly view: NowView }) {
  const { rate: now, in_flight: inFlight, seconds, models, callers, errors, targets, ledger } = view;
  const { times, series } = useMemo(() => ({
    times: seconds.map(({ t }) => t),
    series: [
      { label: "Requests", color: "accent", values: seconds.map(({ requests }) => requests) },
      { label: "Errors", color: "bad", values: seconds.map((second) => second.errors) },
    ] as const,
  }), [seconds]);
  const most = Math.max(0, ...seconds.map(({ requests }) => requests));
  return (
    <>
      <Figures
        figures={[
          { label: "Requests per second", value: rate(now.requests_per_s), note: "last 10 seconds" },
          {
            label: "Errors per second",
            value: rate(now.errors_per_s),
            tone: now.errors_per_s > 0 ? "bad" : "plain",
            note: "last 10 seconds",
          },
          { label: "In flight", value: count(inFlight.total), note: oldestOf(inFlight.requests) },
          {
            label: "Input tokens per second",
            value: short(Math.round(now.input_tokens_per_s)),
            note: "last 10 seconds",
          },
          {
            label: "Output tokens per second",
            value: short(Math.round(now.output_tokens_per_s)),
            note: "last 10 seconds",
          },
        ]}
      />
      <Chart
        label={`Requests per second over the last two minutes, up to ${count(most)}`}
        times={times}
        series={series}
        kind="area"
        format={count}
        height={150}
      />
      <Section title="In flight" note={inFlightNote(inFlight)}>
        <Table
          label="Requests in flight"
          columns={IN_FLIGHT}
          rows={inFlight.requests}
          keyOf={(request) => request.request_id}
          empty="No requests in flight."
        />
      </Section>
      <div class="columns">
        <Section title="Models" note="last five minutes; times are averages">
          <Table
            label="Models, last five minutes"
            columns={MODELS}
            rows={models}
            keyOf={({ model }) => model}
            linkOf={({ model }) => formatRoute("models", { model })}
            empty="No requests in the last five minutes."
          />
        </Section>
        <Section title="Callers" note="last five minutes">
          <Table
            label="Callers, last five minutes"
            columns={CALLERS}
            rows={callers}
            keyOf={({ caller }) => caller}
            linkOf={({ caller }) => formatRoute("requests", { caller })}
            empty="No requests in the last five minutes."
          />
        </Section>
        <Section title="Errors" note="last five minutes">
          <Table
            label="Errors, last five minutes"
            columns={ERRORS}
            rows={errors}
            keyOf={({ error }) => error}
            linkOf={({ error }) => formatRoute("requests", { error })}
            empty="No errors in the last five minutes."
          />
        </Section>
        <Section title="Targets" note={cutNote(targets.length, view.targets_total)}>
          <Table
            label="Targets and their health"
            columns={TARGETS}
            rows={targets}
            keyOf={(target) =>
              JSON.stringify([target.model, target.target, target.provider, target.model_id])}
            empty="No target has been used since the gateway started."
          />
        </Section>
      </div>
      <p class="note lead">
        Adit {view.version}, up {duration(view.uptime_s * 1000)} since {dateTime(view.started_at)}:{" "}
        {plural(view.requests_total, "request")}, {plural(view.threads, "thread")},{" "}
        {count(view.memory_bytes / 2 ** 20)} MiB of memory.
        {view.draining && " The gateway is shutting down and accepts no new requests."}
        {ledger !== null && ` ${ledgerWords(ledger)}`}
      </p>
    </>
  );
}

function ledgerWords({ written, dropped, error }: NonNullable<NowView["ledger"]>): string {
  const lost = dropped === 0 ? "" : `, ${count(dropped)} dropped`;
  const problem = error === null ? "" : ` It cannot be written: ${error}.`;
  return `The ledger has recorded ${plural(written, "request")}${lost}.${problem}`;
}

function oldestOf([oldest]: readonly InFlightView[]): string {
  return oldest === undefined ? "none" : `oldest ${duration(oldest.age_ms)}`;
}

function inFlightNote({ total, requests }: NowView["in_flight"]): string | undefined {
  return cutNote(requests.length, total, "oldest ");
}

function cutNote(shown: number, total: number, which = ""): string | undefined {
  return shown < total ? `${which}${count(shown)} of ${count(total)}` : undefined;
}

const IN_FLIGHT: readonly Column<InFlightView>[] = [
  { title: "Age", isNumber: true, cell: ({ age_ms }) => duration(age_ms) },
  {
    title: "Caller",
    cell: ({ caller }) => caller ?? <span class="dim">not yet known</span>,
    under: ({ model }) => model ?? "",
  },
  { title: "Model", isExtra: true, cell: ({ model }) => model ?? "–" },
  { title: "Target", isExtra: true, cell: ({ target }) => target ?? "–" },
  { title: "State", cell: stateOf },
  {
    title: "Failed attempts",
    isNumber: true,
    isExtra: true,
    cell: (request) => count(request.failed_attempts),
  },
  {
    title: "Output tokens",
    isNumber: true,
    isExtra: true,
    cell: ({ output_tokens, output_tokens_per_s }) =>
      output_tokens_per_s === null ? count(output_tokens) : (
        <>
          {count(output_tokens)} <span class="dim">{rate(output_tokens_per_s)}/s</span>
        </>
      ),
  },
  { title: "Request", isExtra: true, cell: ({ request_id }) => <span class="mono dim">{request_id}</span> },
];

function stateOf({ first_byte_ms, target, stream, sent_bytes }: InFlightView) {
  if (first_byte_ms === null) return target === null ? "reading request" : "waiting for target";
  return `${stream === true ? "streaming" : "responding"}, ${short(sent_bytes)} B`;
}

const MODELS: readonly Column<ModelUseView>[] = [
  { title: "Model", isLong: true, cell: ({ model }) => <span title={model}>{model}</span> },
  { title: "Requests", isNumber: true, cell: ({ requests }) => count(requests) },
  { title: "Errors", isNumber: true, cell: ({ errors }) => failed(errors) },
  { title: "Output", isNumber: true, isExtra: true, cell: (model) => short(model.output_tokens) },
  { title: "First byte", isNumber: true, isExtra: true, cell: (model) => duration(model.first_byte_ms_avg) },
  { title: "Duration", isNumber: true, cell: ({ duration_ms_avg }) => duration(duration_ms_avg) },
  { title: "Cost", isNumber: true, isExtra: true, cell: costOf },
];

const CALLERS: readonly Column<CallerUseView>[] = [
  { title: "Caller", isLong: true, cell: ({ caller }) => caller === "" ? "unknown" : caller },
  { title: "Requests", isNumber: true, cell: ({ requests }) => count(requests) },
  { title: "Errors", isNumber: true, cell: ({ errors }) => failed(errors) },
  { title: "Input", isNumber: true, isExtra: true, cell: ({ input_tokens }) => short(input_tokens) },
  {
    title: "Output",
    isNumber: true,
    isExtra: true,
    cell: ({ output_tokens }) => short(output_tokens),
  },
  { title: "Cost", isNumber: true, cell: costOf },
];

const ERRORS: readonly Column<ErrorUseView>[] = [
  { title: "Error", cell: ({ error }) => error },
  { title: "Requests", isNumber: true, cell: ({ requests }) => count(requests) },
  {
    title: "Top caller",
    isLong: true,
    cell: ({ caller }) => caller === "" ? "unknown" : caller,
  },
];

function failed(errors: number) {
  return errors === 0 ? <span class="dim">0</span> : <Badge tone="bad">{count(errors)}</Badge>;
}

const TARGETS: readonly Column<TargetView>[] = [
  {
    title: "Model and target",
    isLong: true,
    cell: ({ model, target, model_id, region }) => (
      <span title={region === "" ? model_id : `${model_id} in ${region}`}>
        {model} <span class="dim">{target}</span>
      </span>
    ),
  },
  { title: "State", cell: (target) => <TargetState target={target} /> },
  { title: "In flight", isNumber: true, cell: ({ in_flight }) => count(in_flight) },
  { title: "Latency", isNumber: true, isExtra: true, cell: ({ latency_ms }) => duration(latency_ms) },
  { title: "Last error", isExtra: true, cell: ({ last_error }) => last_error ?? "–" },
];

const STATES: Readonly<Record<TargetView["state"], readonly [Tone, string]>> = {
  available: ["good", "available"],
  resting: ["bad", "resting"],
  probing: ["warn", "probing"],
  misfit: ["warn", "not usable"],
  unused: ["plain", "unused"],
};

/** The state of a target, with the remaining time if it rests. */
export function TargetState({ target: { state, rests_ms } }: { readonly target: TargetView }) {
  const [tone, words] = STATES[state];
  return <Badge tone={tone}>{rests_ms > 0 ? `${words} for ${duration(rests_ms)}` : words}</Badge>;
}
