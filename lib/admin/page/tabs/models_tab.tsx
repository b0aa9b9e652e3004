/** The models of the configuration: targets, traits, prices and lessons. */

import { useState } from "preact/hooks";
import type {
  CatalogDetailView,
  CatalogModelView,
  CatalogTargetView,
  CatalogView,
  TargetDetailView,
  TraitView,
} from "../../contract/contract.ts";
import { useData, withQuery } from "../page_data.ts";
import { count, dateTime, duration } from "../format.ts";
import {
  type Column,
  Facts,
  Field,
  mono,
  Pages,
  Ready,
  Refusal,
  Section,
  Table,
  useFocusWhileOpen,
} from "../parts.tsx";
import { formatRoute, go, type Route } from "../route.ts";
import { TargetState } from "./now_tab.tsx";

const PAGE = 100;

/** The tab *Models*. */
export function ModelsTab({ route }: { readonly route: Route }) {
  const { search = "", model } = route.settings;
  return (
    <>
      <div class="bar-top">
        <Field
          label="Search models, targets and IDs"
          value={search}
          isMain
          onChange={(next) => go(route, { search: next })}
        />
      </div>
      {model !== undefined && <Model key={model} name={model} route={route} />}
      <List key={search} search={search} route={route} />
    </>
  );
}

function List({ search, route }: { readonly search: string; readonly route: Route }) {
  const [trail, setTrail] = useState<readonly string[]>([]);
  const data = useData<CatalogView>(
    withQuery("admin/v1/catalog", { search, limit: PAGE, cursor: trail.at(-1) }),
  );
  return (
    <Ready data={data}>
      {({ models, total, next_cursor: next }) => (
        <Section title="Models" note={count(total)}>
          <Table
            label="Models"
            columns={COLUMNS}
            rows={models}
            keyOf={({ name }) => name}
            linkOf={({ name }) => formatRoute(route.tab, { ...route.settings, model: name })}
            isOpen={({ name }) => name === route.settings["model"]}
            empty={search === "" ? "The configuration has no models." : "No matching models."}
          />
          <Pages trail={trail} next={next} onTurn={setTrail} />
        </Section>
      )}
    </Ready>
  );
}

const COLUMNS: readonly Column<CatalogModelView>[] = [
  { title: "Model", cell: ({ name }) => name },
  {
    title: "Served by",
    isLong: true,
    cell: ({ targets: [first, ...others] }) =>
      first === undefined ? "–" : (
        <span title={first.model_id}>
          <span class="mono">{first.model_id}</span>
          {others.length > 0 && <span class="dim">{` and ${count(others.length)} more`}</span>}
        </span>
      ),
  },
  { title: "State", cell: ({ targets }) => <WorstState targets={targets} /> },
  {
    title: "Price, USD per million tokens",
    isExtra: true,
    cell: shortPrice,
  },
  {
    title: "Lessons",
    isNumber: true,
    isExtra: true,
    cell: ({ targets }) => count(new Set(targets.flatMap(({ lessons }) => lessons)).size),
  },
];

/** The first two prices, which are for input and output. */
function shortPrice({ targets: [first] }: CatalogModelView) {
  const price = first?.price ?? null;
  if (price === null) return <span class="dim">unknown</span>;
  return <span title={price}>{price.split(",").slice(0, 2).join(",")}</span>;
}

const ORDER: readonly CatalogTargetView["state"][] = ["resting", "misfit", "probing", "available", "unused"];

function WorstState({ targets }: { readonly targets: readonly CatalogTargetView[] }) {
  const rank = ({ state }: CatalogTargetView) => ORDER.indexOf(state);
  const [worst] = targets.toSorted((a, b) => rank(a) - rank(b));
  return worst === undefined ? null : <TargetState target={worst} />;
}

function Model({ name, route }: { readonly name: string; readonly route: Route }) {
  const data = useData<CatalogDetailView>(`admin/v1/catalog/${encodeURIComponent(name)}`);
  const { model: _, ...rest } = route.settings;
  const heading = useFocusWhileOpen();
  return (
    <article class="detail" aria-label={`Model ${name}`}>
      <header>
        <h2 ref={heading} tabIndex={-1}>{name}</h2>
        <span class="links">
          <a href={formatRoute("try", { model: name })}>Try it</a>
          <a href={formatRoute("requests", { model: name })}>Requests</a>
          <a href={formatRoute(route.tab, rest)} data-close="">Close</a>
        </span>
      </header>
      <Ready data={data}>
        {({ pick, targets, details }) => (
          <>
            {targets.length > 1 && <p class="note">{`${count(targets.length)} targets, chosen by ${pick}`}
            </p>}
            {targets.map((target, index) => (
              <Target
                key={target.target}
                target={target}
                detail={details[index]}
                isOnly={targets.length === 1}
              />
            ))}
          </>
        )}
      </Ready>
    </article>
  );
}

interface TargetProps {
  readonly target: CatalogTargetView;
  readonly detail: TargetDetailView | undefined;
  readonly isOnly: boolean;
}

function Target({ target, detail, isOnly }: TargetProps) {
  return (
    <>
      <h3>
        {isOnly ? "Target" : `Target ${target.target}`} <TargetState target={target} />
      </h3>
      <Facts
        facts={[
          ["Model ID", mono(target.model_id)],
          ["Provider", target.region === "" ? target.provider : `${target.provider}, ${target.region}`],
          ["Defined in", mono(target.origin)],
          ["Priority", isOnly ? null : count(target.priority)],
          ["Weight", isOnly ? null : count(target.weight)],
          ["Family", target.family],
          ["Price", target.price ?? "unknown; the ledger records no cost"],
          ["Price source", target.price_origin],
          ["In flight", count(target.in_flight)],
          ["Latency", target.latency_ms === null ? null : duration(target.latency_ms)],
          ["Last error", target.last_error],
        ]}
      />
      {detail !== undefined && <Detail detail={detail} />}
    </>
  );
}

function Detail({ detail: { traits, traits_error: error, lessons } }: { readonly detail: TargetDetailView }) {
  return (
    <>
      {lessons.length > 0 && (
        <>
          <h3>Lessons learned</h3>
          <p class="note">
            Bedrock has refused these fields since the configuration was loaded, so they are now omitted.
          </p>
          {lessons.map((lesson) => (
            <Facts
              key={lesson.learned_at}
              facts={[
                ["Fields", lesson.members.join(", ")],
                ["Learned", dateTime(lesson.learned_at)],
                ["Message from Bedrock", lesson.upstream_message],
                [`To make it permanent, set ${lesson.setting}`, mono(lesson.traits)],
              ]}
            />
          ))}
        </>
      )}
      {error !== null && <Refusal>{error}</Refusal>}
      {traits.length > 0 && (
        <details>
          <summary>Traits and their sources ({count(traits.length)})</summary>
          <Table label="Traits" columns={TRAITS} rows={traits} keyOf={({ name }) => name} empty="" />
        </details>
      )}
    </>
  );
}

const TRAITS: readonly Column<TraitView>[] = [
  { title: "Trait", cell: ({ name }) => name },
  { title: "Value", isLong: true, cell: ({ value }) => <span class="mono" title={value}>{value}</span> },
  { title: "Source", isLong: true, cell: ({ origin }) => origin },
];
