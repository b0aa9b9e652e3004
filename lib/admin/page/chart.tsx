/** Charts of values over time, drawn by uPlot in the page's colors. */

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

/** One line or set of bars. */
export interface Series {
  readonly label: string;
  /** Name of one of the page's colors. */
  readonly color: "accent" | "bad" | "soft";
  /** One value for each time. */
  readonly values: readonly number[];
}

interface ChartProps {
  /** Describes the chart and its key figures for screen readers. */
  readonly label: string;
  /** Seconds since the Unix epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly kind: "area" | "bars";
  readonly format: (value: number) => string;
  readonly height?: number;
}

/** A chart that fills the available width. */
export function Chart({ label, times, series, kind, format, height = 150 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [at, setAt] = useState<number | null>(null);
  const shape = `${kind} ${series.map((each) => `${each.label}/${each.color}`).join()}`;

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options({ series, kind, height, width: element.clientWidth, format, onPoint: setAt }),
        [[...times], ...series.map(({ values }) => [...values])],
        element,
      );
    };
    draw();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    dark.addEventListener("change", draw);
    return () => {
      dark.removeEventListener("change", draw);
      sized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, height]);

  useEffect(() => {
    plot.current?.setData([[...times], ...series.map(({ values }) => [...values])]);
  }, [times, series]);

  const time = at === null ? undefined : times[at];
  return (
    <figure class="chart">
      <figcaption>
        {series.map(({ label: name, color, values }) => (
          <span key={name}>
            <span class={`swatch ${color}`} />
            {name}
            {at !== null && <b>{format(values[at] ?? 0)}</b>}
          </span>
        ))}
        {time !== undefined && <span class="dim">{kind === "bars" ? dayOf(time) : timeOf(time)}</span>}
      </figcaption>
      <div ref={place} role="img" aria-label={label} />
    </figure>
  );
}

interface Drawn extends Pick<ChartProps, "series" | "kind" | "format"> {
  readonly width: number;
  readonly height: number;
  /** Called with the index of the time under the pointer. */
  readonly onPoint: (index: number | null) => void;
}

/** Width of a bar as a share of the distance between two days, and its maximum in pixels. */
const BARS = { size: [0.66, 36] } as const;
const HALF_DAY_S = 43_200;

function options({ series, kind, format, width, height, onPoint }: Drawn): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: color("soft"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const isBars = kind === "bars";
  const paths = isBars ? uPlot.paths.bars?.({ size: [...BARS.size] }) : undefined;
  const label = isBars ? dayOf : timeOf;
  const side = isBars ? HALF_DAY_S : 0;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: !isBars }, drag: { x: false, y: false } },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    padding: [8, 26, 0, 0],
    scales: {
      x: { range: (_plot, min, max) => [min - side, max + side] },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, gap: 6, values: (_plot, values) => values.map(label) },
      {
        ...axis,
        grid: { stroke: color("line"), width: 1 },
        size: 52,
        // There are no fractions of a request.
        ...(!isBars && { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] }),
        values: (_plot, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...series.map((each) => ({
        label: each.label,
        stroke: color(each.color),
        fill: `${color(each.color)}${isBars ? "" : "20"}`,
        width: isBars ? 0 : 1.5,
        points: { show: false },
        ...(paths !== undefined && { paths }),
      })),
    ],
  };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}
