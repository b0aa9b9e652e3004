/** Every rule and budget by subject: the amount used, and when it is available again. */

import { useState } from "preact/hooks";
import type { BudgetUseView, LimitsView, RuleView } from "../../contract/contract.ts";
import { useData, withQuery } from "../page_data.ts";
import { count, dateTime, duration, percent, short, usd } from "../format.ts";
import { Badge, Bar, type Column, Field, Pages, Ready, Section, Table, type Tone } from "../parts.tsx";
import { formatRoute, go, type Route } from "../route.ts";

const PAGE = 100;
const EVERYONE = "everyone together";
const EVERY_MS = 2000;

/** The tab *Limits and budgets*. */
export function LimitsTab({ route }: { readonly route: Route }) {
  const search = route.settings["search"] ?? "";
  return (
    <>
      <div class="bar-top">
        <Field
          label="Search rules, budgets, callers, teams and models"
          value={search}
          isMain
          onChange={(next) => go(route, { search: next })}
        />
      </div>
      <Lists key={search} search={search} />
    </>
  );
}

function Lists({ search }: { readonly search: string }) {
  const [trail, setTrail] = useState<readonly string[]>([]);
  const path = withQuery("admin/v1/limits", { search, limit: PAGE, cursor: trail.at(-1) });
  const data = useData<LimitsView>(path, { everyMs: EVERY_MS });
  const none = (what: string, how: string) =>
    search === "" ? `The configuration has no ${what}. ${how}` : "No matches.";
  return (
    <Ready data={data}>
      {(view) => (
        <>
          <Section title="Budgets" note={totalNote(view.budgets.length, view.budgets_total)}>
            <Table
              label="Budgets"
              columns={BUDGETS}
              rows={view.budgets}
              keyOf={({ name, subject }) => JSON.stringify([name, subject])}
              empty={none(
                "budgets",
                "A budget caps what a caller, a team or everyone together may spend per day or month.",
              )}
            />
          </Section>
          <Section title="Limits" note={totalNote(view.rules.length, view.rules_total)}>
            <Table
              label="Limits"
              columns={RULES}
              rows={view.rules}
              keyOf={({ rule, what, subject, period_s }) => JSON.stringify([rule, what, subject, period_s])}
              empty={none(
                "limits",
                "A limit caps requests or tokens per unit of time, or concurrent requests.",
              )}
            />
          </Section>
          <Pages trail={trail} next={view.next_cursor} onTurn={setTrail} />
        </>
      )}
    </Ready>
  );
}

function totalNote(shown: number, total: number): string | undefined {
  return shown < total ? `${count(shown)} of ${count(total)}` : undefined;
}

const BUDGETS: readonly Column<BudgetUseView>[] = [
  {
    title: "Budget",
    cell: ({ name }) => name,
    under: ({ subject, applies_to, limit, unit }) =>
      `${subject || applies_to || EVERYONE}, ${amount(limit, unit)}`,
  },
  {
    title: "Applies to",
    isLong: true,
    isExtra: true,
    cell: ({ subject, applies_to }) => subject === "" ? together(applies_to) : own(subject, applies_to),
  },
  {
    title: "Spent",
    isNumber: true,
    cell: ({ spent, limit, unit }) => {
      const share = Number(limit) === 0 ? 1 : Number(spent) / Number(limit);
      return (
        <>
          {amount(spent, unit)} <span class="dim">{percent(share)}</span>
          <Bar share={share} tone={toneOf(share)} />
        </>
      );
    },
  },
  { title: "Limit", isNumber: true, isExtra: true, cell: ({ limit, unit }) => amount(limit, unit) },
  { title: "Remaining", isNumber: true, cell: (budget) => remainingOf(budget) },
  { title: "Reserved", isNumber: true, isExtra: true, cell: ({ held, unit }) => amount(held, unit) },
  { title: "Requests", isNumber: true, isExtra: true, cell: ({ requests }) => count(requests) },
  { title: "When spent", isExtra: true, cell: ({ when_spent }) => when_spent },
  {
    title: "Resets",
    isExtra: true,
    cell: ({ window_end }) => window_end === null ? "never" : dateTime(window_end).slice(0, 16),
  },
];

function remainingOf({ remaining, unit }: BudgetUseView) {
  return Number(remaining) > 0
    ? amount(remaining, unit)
    : <Badge tone="bad">{amount(remaining, unit)}</Badge>;
}

const RULES: readonly Column<RuleView>[] = [
  {
    title: "Rule",
    cell: ({ rule, setting, mode }) => (
      <span title={setting}>
        {rule} {mode === "shadow" && <Badge tone="plain">shadow</Badge>}
      </span>
    ),
    under: (rule) =>
      `${rule.subject || textWithoutSubject(rule) || rule.applies_to || EVERYONE}, ${limitOf(rule)}`,
  },
  {
    title: "Applies to",
    isLong: true,
    isExtra: true,
    cell: subjectOf,
  },
  { title: "Limit", isExtra: true, cell: limitOf },
  {
    title: "Used",
    isNumber: true,
    cell: ({ used, at_once: atOnce }) => {
      const share = atOnce === 0 ? 1 : used / atOnce;
      return (
        <>
          {short(used)}
          <Bar share={share} tone={toneOf(share)} />
        </>
      );
    },
  },
  { title: "Remaining", isNumber: true, isExtra: true, cell: ({ remaining }) => short(remaining) },
  {
    title: "Resets",
    isNumber: true,
    isExtra: true,
    cell: ({ reset_ms }) => reset_ms === 0 ? "–" : `in ${duration(reset_ms)}`,
  },
  {
    title: "Refused",
    isNumber: true,
    cell: ({ refused, would_refuse: wouldRefuse, mode }) => {
      const number = mode === "shadow" ? wouldRefuse : refused;
      if (number === 0) return <span class="dim">0</span>;
      return mode === "shadow"
        ? count(number)
        : <a href={formatRoute("requests", { in: "failures" })}>{count(number)}</a>;
    },
  },
];

/** A subject with a separate amount. */
function own(subject: string, appliesTo: string) {
  return <span title={appliesTo}>{subject}</span>;
}

/** All subjects that share one amount. */
function together(appliesTo: string) {
  return appliesTo === "" ? <span class="dim">{EVERYONE}</span> : <span title={appliesTo}>{appliesTo}</span>;
}

function subjectOf(rule: RuleView) {
  const { subject, applies_to } = rule;
  if (subject !== "") return own(subject, applies_to);
  const text = textWithoutSubject(rule);
  return text === "" ? together(applies_to) : <span class="dim">{text}</span>;
}

/**
 * The text for a rule without a subject that counts subjects separately: unused, or for requests without such a name.
 */
function textWithoutSubject({ each, used }: RuleView): string {
  if (each === "none") return "";
  const who = each.replace("_", " and ");
  return used > 0 ? `no ${who}` : `per ${who}, unused`;
}

const PERIODS: Readonly<Record<number, string>> = {
  1: "second",
  60: "minute",
  3600: "hour",
  86_400: "day",
};

function limitOf({ limit, what, period_s }: RuleView): string {
  if (what === "concurrent") return `${count(limit)} concurrent`;
  return `${short(limit)} ${what} per ${PERIODS[period_s] ?? duration(period_s * 1000)}`;
}

function amount(value: string, unit: string): string {
  return unit === "usd" ? usd(value) : `${short(Number(value))} ${unit}`;
}

function toneOf(share: number): Tone {
  return share >= 1 ? "bad" : share >= 0.8 ? "warn" : "plain";
}
