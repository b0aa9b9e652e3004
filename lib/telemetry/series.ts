/** Counters and histograms as plain numbers, and their text in Prometheus's format. */

/** One series of a counter. */
export interface Count {
  value: number;
}

interface About {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly labels: readonly string[];
}

/** Series by label values. */
class Family<Series> {
  readonly about: About;
  readonly #make: () => Series;
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly series: Series }>();

  constructor(about: About, make: () => Series) {
    this.about = about;
    this.#make = make;
  }

  /** The series with these values, in the order of the labels; always the same object. */
  of(...values: readonly string[]): Series {
    const key = values.join("\0");
    let known = this.#series.get(key);
    if (known === undefined) this.#series.set(key, known = { values, series: this.#make() });
    return known.series;
  }

  protected lines(
    type: string,
    linesOf: (series: Series, labels: readonly string[]) => readonly string[],
  ): string {
    const series = [...this.#series.values()].flatMap(({ values, series }) =>
      linesOf(series, labelTexts(this.about, values))
    );
    return familyText(this.about, type, series);
  }
}

/** A gauge that is always 1 and relates the values of its labels. */
export function infoText(about: About, rows: readonly (readonly string[])[]): string {
  return familyText(about, "gauge", rows.map((values) => line(about.name, labelTexts(about, values), 1)));
}

function familyText({ name, help }: About, type: string, series: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...series, ""].join("\n");
}

function labelTexts({ labels }: About, values: readonly string[]): readonly string[] {
  return labels.map((label, index) => labelText(label, values[index] ?? ""));
}

/** A counter with labels. */
export class CounterFamily extends Family<Count> {
  readonly #unit: number;

  /** `unit` divides the values in the text, for example by 1e9 to show nanodollars as dollars. */
  constructor(about: About, unit = 1) {
    super(about, () => ({ value: 0 }));
    this.#unit = unit;
  }

  text(): string {
    return this.lines("counter", ({ value }, labels) => [line(this.about.name, labels, value / this.#unit)]);
  }
}

/** The buckets of one series of a histogram. */
export class Distribution {
  readonly #limits: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** `limits` are the upper ends of the buckets, in ascending order; one more bucket counts larger values. */
  constructor(limits: readonly number[]) {
    this.#limits = limits;
    this.#counts = new Array<number>(limits.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (value > (this.#limits[bucket] ?? Infinity)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  /** Each line includes the values of all smaller buckets. */
  lines(name: string, labels: readonly string[]): readonly string[] {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      return line(
        `${name}_bucket`,
        [labelText("le", String(this.#limits[index] ?? "+Inf")), ...labels],
        count,
      );
    });
    return [...buckets, line(`${name}_sum`, labels, this.#sum), line(`${name}_count`, labels, count)];
  }
}

/** A histogram with labels. */
export class HistogramFamily extends Family<Distribution> {
  constructor(about: About, limits: readonly number[]) {
    super(about, () => new Distribution(limits));
  }

  text(): string {
    return this.lines("histogram", (series, labels) => series.lines(this.about.name, labels));
  }
}

function line(name: string, labels: readonly string[], value: number): string {
  return `${name}${labels.length === 0 ? "" : `{${labels.join(",")}}`} ${value}`;
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information */
function labelText(name: string, value: string): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
  return `${name}="${escaped}"`;
}
