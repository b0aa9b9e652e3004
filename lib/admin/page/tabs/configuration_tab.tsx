/** Whether the latest edit is in use, the changes of each reload, and every effective value with its file and line. */

import { useState } from "preact/hooks";
import type {
  ConfigurationValuesView,
  ConfigurationValueView,
  ConfigurationView,
  ReloadView,
} from "../../contract/contract.ts";
import { useData, withQuery } from "../page_data.ts";
import { ago, count, dateTime, plural } from "../format.ts";
import { Badge, type Column, Facts, Field, mono, Pages, Ready, Refusal, Section, Table } from "../parts.tsx";
import { go, type Route } from "../route.ts";

const PAGE = 200;
const EVERY_MS = 2000;

/** The tab *Configuration*. */
export function ConfigurationTab({ route }: { readonly route: Route }) {
  const data = useData<ConfigurationView>("admin/v1/configuration", { everyMs: EVERY_MS });
  return <Ready data={data}>{(view) => <Configuration view={view} route={route} />}</Ready>;
}

function Configuration({ view, route }: { readonly view: ConfigurationView; readonly route: Route }) {
  const [last] = view.reloads;
  const { counts, listeners } = view;
  const search = route.settings["search"] ?? "";
  return (
    <>
      <p class="verdict">
        <Badge tone={view.is_latest ? "good" : "bad"}>{view.is_latest ? "in use" : "rejected"}</Badge>{" "}
        {view.is_latest
          ? `The latest edit is in use. It was loaded ${ago(view.loaded_at, Date.now())}.`
          : `The latest edit is not in use. The configuration loaded at ${
            dateTime(view.loaded_at)
          } stays in use.`}
      </p>
      {last !== undefined && last.problems.length > 0 && (
        <Section title="Problems in the last reload" note={dateTime(last.at)}>
          <Problems problems={last.problems} />
        </Section>
      )}
      {view.warnings.length > 0 && (
        <Section title="Warnings">
          <Problems problems={view.warnings} />
        </Section>
      )}
      <Facts
        facts={[
          ["File", mono(view.file)],
          ["Generation", count(view.generation)],
          ["Loaded", dateTime(view.loaded_at)],
          ["Defines", countsOf(counts)],
          ["Public listeners", listeners.public.join(", ")],
          ["Admin listener", listeners.admin.join(", ")],
          [
            "Changes through the admin API",
            view.can_edit ? "allowed with the admin key" : "off; configure admin_api to allow them",
          ],
        ]}
      />
      <Section title="Reloads" note="last 20, newest first">
        <Table
          label="Reloads"
          columns={reloadColumns(view.reloads.find(({ ok }) => ok))}
          rows={view.reloads}
          keyOf={({ at, reason }) => `${at} ${reason}`}
          empty="No reloads since the gateway started."
        />
      </Section>
      <Section title="Effective values" note="including defaults; secrets are hidden">
        <Field
          label="Search paths, values and sources"
          value={search}
          isMain
          onChange={(next) => go(route, { search: next })}
        />
        {/* The values change with the generation. */}
        <Values key={`${view.generation} ${search}`} search={search} />
      </Section>
    </>
  );
}

function countsOf(counts: ConfigurationView["counts"]): string {
  const words = Object.entries(counts).filter(([, number]) => number > 0).map(([what, number]) =>
    plural(number, what.replace("_", " ").replace(/s$/, ""))
  );
  return words.join(", ");
}

function Problems({ problems }: { readonly problems: readonly string[] }) {
  return (
    <div class="lines">
      {problems.slice(0, PAGE).map((problem, index) => <div key={index}>{problem}</div>)}
      {problems.length > PAGE && <div>{`and ${plural(problems.length - PAGE, "more problem")}`}</div>}
    </div>
  );
}

/** `current` is the reload whose configuration is in use. */
function reloadColumns(current: ReloadView | undefined): readonly Column<ReloadView>[] {
  return [
    { title: "When", cell: ({ at }) => dateTime(at) },
    { title: "Reason", cell: ({ reason }) => reason },
    {
      title: "Result",
      cell: (reload) => {
        if (!reload.ok) return <Badge tone="bad">{plural(reload.problems.length, "problem")}</Badge>;
        return reload === current ? <Badge tone="good">in use</Badge> : <Badge tone="plain">replaced</Badge>;
      },
    },
    {
      title: "Changes",
      isLong: true,
      cell: ({ reason, changes, problems: [first], ok }) => {
        const words = reason === "start" ? "–" : ok ? changesIn(changes) : first ?? "";
        return <span title={words}>{words}</span>;
      },
    },
  ];
}

function changesIn(changes: ReloadView["changes"]): string {
  const lists = Object.entries(changes).filter(([, names]) => names.length > 0);
  const words = lists.map(([what, names]) => `${what.replaceAll("_", " ")}: ${names.join(", ")}`);
  return words.length === 0 ? "none" : words.join("; ");
}

function Values({ search }: { readonly search: string }) {
  const [trail, setTrail] = useState<readonly string[]>([]);
  const data = useData<ConfigurationValuesView>(
    withQuery("admin/v1/configuration/values", { search, limit: PAGE, cursor: trail.at(-1) }),
  );
  return (
    <Ready data={data}>
      {({ values, total, next_cursor: next, error }) => (
        <>
          {error !== null && <Refusal>{error}</Refusal>}
          <Table
            label="Effective values"
            columns={VALUES}
            rows={values}
            keyOf={({ path }) => path}
            empty={search === "" ? "No values." : "No matching values."}
          />
          <Pages
            trail={trail}
            next={next}
            onTurn={setTrail}
            note={next === null && trail.length === 0 ? undefined : `${count(total)} values`}
          />
        </>
      )}
    </Ready>
  );
}

const VALUES: readonly Column<ConfigurationValueView>[] = [
  { title: "Path", isLong: true, cell: ({ path }) => <span class="mono" title={path}>{path}</span> },
  { title: "Value", isLong: true, cell: ({ value }) => <span class="mono" title={value}>{value}</span> },
  {
    title: "Source",
    isLong: true,
    cell: ({ origin }) => <span class={origin === "default" ? "dim" : "mono"} title={origin}>{origin}</span>,
  },
];
