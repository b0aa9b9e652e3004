/** The building blocks of the tabs: sections, tables, badges, fields, and pagination. */

import type { ComponentChildren, Ref } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Data } from "./page_data.ts";

interface SectionProps {
  readonly title: string;
  /** Shown next to the title. */
  readonly note?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A titled part of a tab. */
export function Section({ title, note, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <header class="section-head">
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span class="note">{note}</span>}
      </header>
      {children}
    </section>
  );
}

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Numbers are right-aligned. */
  readonly isNumber?: boolean;
  /** Hidden on narrow screens. */
  readonly isExtra?: boolean;
  /** Truncated first on narrow screens. */
  readonly isLong?: boolean;
  /** Shown below the cell on narrow screens, in place of hidden columns. */
  readonly under?: (row: Row) => string;
}

interface TableProps<Row> {
  /** Describes the table for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Shown instead of rows. */
  readonly empty: ComponentChildren;
  /** Link of the first cell of a row. */
  readonly linkOf?: (row: Row) => string;
  readonly isOpen?: (row: Row) => boolean;
  readonly total?: Row | undefined;
  /** Only as wide as its content. */
  readonly isCompact?: boolean;
}

/** A table that scrolls sideways if necessary; without rows, it shows `empty`. */
export function Table<Row>(
  { label, columns, rows, keyOf, empty, linkOf, isOpen, total, isCompact = false }: TableProps<Row>,
) {
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  const classOf = ({ isNumber, isExtra, isLong }: Column<Row>) =>
    [isNumber && "number", isExtra && "extra", isLong && "long"].filter(Boolean).join(" ");
  const cells = (row: Row, link?: string) =>
    columns.map((column, index) => (
      <td key={column.title} class={classOf(column)} data-under={column.under?.(row)}>
        {index === 0 && link !== undefined ? <a href={link}>{column.cell(row)}</a> : column.cell(row)}
      </td>
    ));
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      <table class={isCompact ? "compact" : ""}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={classOf(column)}>{column.title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={isOpen?.(row) === true ? "open" : ""}>
              {cells(row, linkOf?.(row))}
            </tr>
          ))}
        </tbody>
        {total !== undefined && (
          <tfoot>
            <tr>{cells(total)}</tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

/** The message of an empty list. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/**
 * For the heading of a panel: focuses it when the panel opens, so that screen readers announce it, and restores the
 * previous focus when the panel closes.
 */
export function useFocusWhileOpen(): Ref<HTMLHeadingElement> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => before instanceof HTMLElement && before.isConnected ? before.focus() : undefined;
  }, []);
  return heading;
}

/** An error message from the gateway. */
export function Refusal({ children }: { readonly children: ComponentChildren }) {
  return <p class="refusal" role="alert">{children}</p>;
}

interface ReadyProps<Value> {
  readonly data: Data<Value>;
  readonly children: (value: Value) => ComponentChildren;
}

/** Renders data once it is loaded; before that, shows the progress or the error. */
export function Ready<Value>({ data: { value, error, isLoading }, children }: ReadyProps<Value>) {
  if (value === undefined) {
    return error === undefined ? <p class="loading" role="status">Loading…</p> : <Refusal>{error}</Refusal>;
  }
  return (
    <div class="ready" aria-busy={isLoading}>
      {error !== undefined && <Refusal>{error}</Refusal>}
      {children(value)}
    </div>
  );
}

export type Tone = "good" | "warn" | "bad" | "plain";

/** A short text about a state; its color is never the only indication. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

interface FigureProps {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly tone?: Tone;
}

/** The large numbers at the top of a tab. */
export function Figures({ figures }: { readonly figures: readonly FigureProps[] }) {
  return (
    <dl class="figures">
      {figures.map(({ label, value, note, tone = "plain" }) => (
        <div key={label} class={tone}>
          <dt>{label}</dt>
          <dd>{value}</dd>
          {note !== undefined && <dd class="note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}

interface BarProps {
  /** From 0 to 1; larger values are shown as full. */
  readonly share: number;
  readonly tone?: Tone;
}

/** A share as a bar, next to its number. */
export function Bar({ share, tone = "plain" }: BarProps) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return (
    <span class={`bar ${tone}`} aria-hidden="true">
      <span style={{ width }} />
    </span>
  );
}

/** An id, a path or a piece of code. */
export function mono(text: string | null): ComponentChildren {
  return text === null ? null : <span class="mono">{text}</span>;
}

interface FactsProps {
  readonly facts: readonly (readonly [string, ComponentChildren])[];
  /** One pair per row, for sentences. */
  readonly isWide?: boolean;
}

/** Pairs of names and values; pairs without a value are omitted. */
export function Facts({ facts, isWide = false }: FactsProps) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (known.length === 0) return null;
  return (
    <dl class={isWide ? "facts wide" : "facts"}>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChoose: (value: Value) => void;
}

/** Selects one of a few values, which are all visible. */
export function Choice<Value extends string>({ label, value, options, onChoose }: ChoiceProps<Value>) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([option, title]) => (
        <button
          key={option}
          type="button"
          aria-pressed={option === value}
          onClick={() => onChoose(option)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: keyof typeof TYPES;
  readonly placeholder?: string;
  /** Suggested values; others can be typed. */
  readonly suggestions?: readonly string[];
  /** Whether `/` moves the focus here. */
  readonly isMain?: boolean;
  /** Fills the available width, for ids. */
  readonly isLong?: boolean;
}

const TYPING_MS = 250;

const TYPES = {
  "search": { type: "search" },
  "text": { type: "text" },
  "date": { type: "date" },
  "datetime-local": { type: "datetime-local" },
  "password": { type: "password" },
} as const;

/** A labelled input, which reports its value when typing pauses. */
export function Field(props: FieldProps) {
  const {
    label,
    value,
    onChange,
    type = "search",
    placeholder,
    suggestions,
    isMain = false,
    isLong = false,
  } = props;
  const id = useId();
  const [text, setText] = useState(value);
  const timer = useRef<number>(undefined);
  useEffect(() => {
    setText(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const kind = suggestions === undefined ? TYPES[type] : { type: "text", list: `${id}-list` } as const;
  const typed = (next: string, waitMs: number) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next), waitMs);
  };
  return (
    <span class={isLong ? "field grow" : "field"}>
      <label for={id}>{label}</label>
      <input
        id={id}
        {...kind}
        value={text}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        data-main={isMain ? "" : undefined}
        onInput={(event) => typed(event.currentTarget.value, type === "search" ? TYPING_MS : 0)}
      />
      {suggestions !== undefined && (
        <datalist id={`${id}-list`}>{suggestions.map((each) => <option key={each} value={each} />)}</datalist>
      )}
    </span>
  );
}

interface SelectProps<Value extends string> extends ChoiceProps<Value> {}

/** Selects one of several values in a drop-down list. */
export function Select<Value extends string>({ label, value, options, onChoose }: SelectProps<Value>) {
  const id = useId();
  const chosen = (text: string) => {
    const option = options.find(([each]) => each === text);
    if (option !== undefined) onChoose(option[0]);
  };
  return (
    <span class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => chosen(event.currentTarget.value)}>
        {options.map(([option, title]) => <option key={option} value={option}>{title}</option>)}
      </select>
    </span>
  );
}

interface PagesProps {
  /** Cursors of the pages up to the current one; the first page has none. */
  readonly trail: readonly string[];
  readonly next: string | null;
  readonly onTurn: (trail: readonly string[]) => void;
  readonly words?: readonly [previous: string, next: string];
  readonly note?: ComponentChildren;
}

/** Buttons for the previous and the next page of a list. */
export function Pages({ trail, next, onTurn, words = ["Previous", "Next"], note }: PagesProps) {
  if (trail.length === 0 && next === null) return note === undefined ? null : <p class="pages">{note}</p>;
  return (
    <p class="pages">
      <button type="button" disabled={trail.length === 0} onClick={() => onTurn(trail.slice(0, -1))}>
        {words[0]}
      </button>
      <button
        type="button"
        disabled={next === null}
        onClick={() => next !== null && onTurn([...trail, next])}
      >
        {words[1]}
      </button>
      {note !== undefined && <span class="note">{note}</span>}
    </p>
  );
}
