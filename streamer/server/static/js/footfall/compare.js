// One period's visits beside those of earlier ones, as lines over the same hours or days.

import { count } from "../format.js";
import { Plot, svg, ticks } from "../svg.js";
import { downGround, downLegend, isDown } from "./uptime.js";

const HEIGHT = 220;

/**
 * buckets: of the period that is looked at. series: [{label, tone, values: [number | null]}], the period's own first;
 * null where nothing is known. ups: of the period's own buckets. now: UTC seconds.
 */
export function compareChart({ name, file, buckets, series, ups, now, first }) {
  const isKnown = (index) => buckets[index].start < now && !isDown(ups[index]); // of the period's own
  const cells = (index) => series.map(({ values }, place) => (place === 0 && !isKnown(index) ? null : values[index]));
  const readouts = buckets.map((bucket, index) => {
    const figures = cells(index).map((value, place) => (value === null ? null : `${count(value)} ${series[place].label}`));
    return `${bucket.title}: ${figures.filter(Boolean).join(", ") || "nothing known"}`;
  });
  return {
    file,
    legend: [...series, ...downLegend(ups)],
    readouts,
    table: { columns: [first, ...series.map(({ label }) => label)], rows: buckets.map((bucket, index) => [bucket.title, ...cells(index)]) },
    draw: (width) => draw(width, { name, buckets, series, ups, readouts, cells }),
  };
}

function draw(width, { name, buckets, series, ups, readouts, cells }) {
  const plot = new Plot(width, HEIGHT);
  const scale = ticks(Math.max(1, ...series.flatMap(({ values }) => values.filter((value) => value !== null))));
  const most = scale.at(-1);
  const middle = (index) => plot.slot(index, buckets.length).middle;
  const lines = series.map(({ tone }, place) => {
    const values = buckets.map((_, index) => cells(index)[place]);
    return svg("path", { class: `line ${tone}`, d: path(values.map((value, i) => value === null ? null : [middle(i), plot.y(value / most)])) });
  });
  const dots = buckets.map((_, index) => {
    const value = cells(index)[0];
    return value !== null ? svg("circle", { class: `dot ${series[0].tone}`, cx: middle(index), cy: plot.y(value / most), r: 3 }) : null;
  });
  const hits = buckets.map((_, index) => {
    const slot = plot.slot(index, buckets.length);
    const area = svg("rect", { class: "hit", x: slot.x, y: plot.top, width: slot.width, height: plot.inner.height });
    return svg("g", { class: "slot", "data-slot": index }, area, svg("title", {}, readouts[index]));
  });
  const names = plot.names(buckets.map(({ label }) => label));
  return plot.element(name, ...plot.grid(scale, most, count), ...downGround(plot, ups), ...lines.reverse(), ...dots, ...hits, ...names);
}

/** A line through points, broken where there is none. */
export function path(points) {
  let pen = "M";
  let drawn = "";
  for (const point of points) {
    if (point === null) {
      pen = "M";
      continue;
    }
    drawn += `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = "L";
  }
  return drawn;
}
