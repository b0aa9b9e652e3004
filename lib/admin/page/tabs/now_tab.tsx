/** What happens now: rate, requests in flight, and of the last five minutes models, errors and targets. */

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
import { count, dateTime, duration, rate, short } from "../format.ts";
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
        label={`Requests of the last two minutes by second, at most ${count(most)} in one`}
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
          empty="No request is in flight."
        />
      </Section>
      <div class="columns">
        <Section title="Models" note="last five minutes, average times">
          <Table
            label="Models of the last five minutes"
            columns={MODELS}
            rows={models}
            keyOf={({ model }) => model}
            linkOf={({ model }) => formatRoute("models", { model })}
            empty="No request has ended in the last five minutes."
          />
        </Section>
        <Section title="Callers" note="last five minutes">
          <Table
            label="Callers of the last five minutes"
            columns={CALLERS}
            rows={callers}
            keyOf={({ caller }) => caller}
            linkOf={({ caller }) => formatRoute("requests", { caller })}
            empty="No request has ended in the last five minutes."
          />
        </Section>
        <Section title="Errors by kind" note="last five minutes">
          <Table
            label="Errors of the last five minutes"
            columns={ERRORS}
            rows={errors}
            keyOf={({ error }) => error}
            linkOf={({ error }) => formatRoute("requests", { error })}
            empty="No request has failed in the last five minutes."
          />
        </Section>
        <Section title="Targets" note={cutNote(targets.length, view.targets_total)}>
          <Table
            label="Targets and their health"
            columns={TARGETS}
            rows={targets}
            keyOf={(target) =>
              JSON.stringify([target.model, target.target, target.provider, target.model_id])}
            empty="No target has been used since the start."
          />
        </Section>
      </div>
      <p class="note lead">
        Adit {view.version}, running for {duration(view.uptime_s * 1000)} since {dateTime(view.started_at)}
        {" "}
        with {view.threads === 1 ? "1 thread" : `${view.threads} threads`} and{" "}
        {count(view.memory_bytes / 2 ** 20)} MiB of memory. {count(view.requests_total)} requests since then.
        {view.draining && " It is shutting down and accepts no more requests."}
        {ledger !== null && ` ${ledgerWords(ledger)}`}
      </p>
    </>
  );
}

function ledgerWords({ written, dropped, error }: NonNullable<NowView["ledger"]>): string {
  const lost = dropped === 0 ? "" : `, ${count(dropped)} dropped`;
  return `The ledger has ${count(written)} of them${lost}.${
    error === null ? "" : ` It cannot write: ${error}.`
  }`;
}

function oldestOf([oldest]: readonly InFlightView[]): string {
  return oldest === undefined ? "none" : `oldest ${duration(oldest.age_ms)}`;
}

function inFlightNote({ total, requests }: NowView["in_flight"]): string | undefined {
  return cutNote(requests.length, total, "the oldest ");
}

function cutNote(shown: number, total: number, which = ""): string | undefined {
  return shown < total ? `${which}${count(shown)} of ${count(total)}` : undefined;
}

const IN_FLIGHT: readonly Column<InFlightView>[] = [
  { title: "Age", isNumber: true, cell: ({ age_ms }) => duration(age_ms) },
  {
    title: "Caller",
    cell: ({ caller }) => caller ?? <span class="dim">not known yet</span>,
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
  if (first_byte_ms === null) return target === null ? "being read" : "waiting for the target";
  return `${stream === true ? "streaming" : "answering"}, ${short(sent_bytes)} B`;
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
  { title: "Caller", isLong: true, cell: ({ caller }) => caller === "" ? "not known" : caller },
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
    title: "Most of them by",
    isLong: true,
    cell: ({ caller }) => caller === "" ? "no known caller" : caller,
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
  probing: ["warn", "being tried again"],
  misfit: ["warn", "does not fit"],
  unused: ["plain", "not used yet"],
};

/** The state of a target in words, and for how long it gets no requests. */
export function TargetState({ target: { state, rests_ms } }: { readonly target: TargetView }) {
  const [tone, words] = STATES[state];
  return <Badge tone={tone}>{rests_ms > 0 ? `${words} for ${duration(rests_ms)}` : words}</Badge>;
}
