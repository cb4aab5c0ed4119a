// Bars side by side, a group for each bucket of time: visits, or those who came in and went out.

import { count } from "../format.js";
import { Plot, svg, ticks } from "../svg.js";
import { downGround, downLegend, downWords, isDown, upCell } from "./uptime.js";

const HEIGHT = 236;

/**
 * buckets: of period.js. series: [{label, tone, values: [number]}]. ups: see uptime.js. now: UTC seconds.
 * first: the name of the table's first column.
 */
export function barChart({ name, file, buckets, series, ups, now, first }) {
  const shown = (index) => buckets[index].start < now && !isDown(ups[index]);
  const readouts = buckets.map((bucket, index) => {
    const figures = series.map(({ label, values }) => `${count(values[index])} ${label}`);
    const down = downWords(bucket, ups[index], now);
    return [`${bucket.title}:`, [...(shown(index) ? figures : []), ...(down ? [down] : [])].join(", ")].join(" ");
  });
  const rows = buckets
    .map((bucket, index) => [bucket.title, ...series.map(({ values }) => (shown(index) ? values[index] : null)), upCell(ups[index])])
    .filter((_, index) => buckets[index].start < now);
  return {
    file,
    legend: [...series, ...downLegend(ups)],
    readouts,
    table: { columns: [first, ...series.map(({ label }) => label), "camera up"], rows },
    draw: (width) => draw(width, { name, buckets, series, ups, shown, readouts }),
  };
}

function draw(width, { name, buckets, series, ups, shown, readouts }) {
  const plot = new Plot(width, HEIGHT);
  const scale = ticks(Math.max(1, ...series.flatMap(({ values }) => values)));
  const most = scale.at(-1);
  const groups = buckets.map((_, index) => {
    const slot = plot.slot(index, buckets.length);
    const room = Math.min(slot.width * 0.72, 46 * series.length);
    const each = room / series.length;
    const bars = series.map(({ tone, values }, place) => {
      const value = shown(index) ? values[index] : 0;
      const height = (value / most) * plot.inner.height;
      const x = slot.middle - room / 2 + place * each;
      return value ? svg("path", { class: `mark ${tone}`, d: standing(x + 0.5, plot.floor, Math.max(1, each - 1), height) }) : null;
    });
    const hit = svg("rect", { class: "hit", x: slot.x, y: plot.top, width: slot.width, height: plot.inner.height });
    return svg("g", { class: "slot", "data-slot": index }, hit, ...bars, svg("title", {}, readouts[index]));
  });
  const names = plot.names(buckets.map(({ label }) => label));
  return plot.element(name, ...plot.grid(scale, most, count), ...downGround(plot, ups), ...groups, ...names);
}

/** A bar that stands on the floor, its head rounded. */
export function standing(x, floor, width, height) {
  const radius = Math.min(3, width / 2, height);
  return (
    `M${x} ${floor}v${-(height - radius)}q0 ${-radius} ${radius} ${-radius}` +
    `h${width - 2 * radius}q${radius} 0 ${radius} ${radius}v${height - radius}z`
  );
}
