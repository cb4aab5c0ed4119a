// How long visits, or stays in a zone, lasted: a bar for each span of time.

import { count, duration, percent } from "../format.js";
import { standing } from "./bars.js";
import { Plot, svg, ticks } from "../svg.js";

const HEIGHT = 282;

/** spans: [{from, to (s; null: open), count}], shortest first. median: s, or null. what: "visits" or "stays". */
export function histogramChart({ name, file, note, spans, what }) {
  const total = spans.reduce((sum, span) => sum + span.count, 0);
  const words = spans.map(({ from, to }) => (to === null ? `${duration(from)} and more` : `${duration(from)} to ${duration(to)}`));
  const readouts = spans.map((span, index) => `${words[index]}: ${count(span.count)} ${what} (${percent(span.count / Math.max(1, total))})`);
  return {
    file,
    note,
    readouts,
    table: {
      columns: ["from (s)", "to (s)", what],
      rows: spans.map(({ from, to, count: number }) => [from, to, number]),
    },
    draw: (width) => draw(width, { name, spans, readouts }),
  };
}

function short(seconds) {
  return seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}

function draw(width, { name, spans, readouts }) {
  const plot = new Plot(width, HEIGHT);
  const scale = ticks(Math.max(1, ...spans.map((span) => span.count)));
  const most = scale.at(-1);
  const bars = spans.map((span, index) => {
    const slot = plot.slot(index, spans.length);
    const height = (span.count / most) * plot.inner.height;
    const bar = span.count ? svg("path", { class: "mark visits", d: standing(slot.x + slot.width * 0.1, plot.floor, slot.width * 0.8, height) }) : null;
    const hit = svg("rect", { class: "hit", x: slot.x, y: plot.top, width: slot.width, height: plot.inner.height });
    return svg("g", { class: "slot", "data-slot": index }, hit, bar, svg("title", {}, readouts[index]));
  });
  const names = plot.names(spans.map(({ from, to }) => (to === null ? `${short(from)} +` : `< ${short(to)}`)));
  return plot.element(name, ...plot.grid(scale, most, count), ...bars, ...names);
}
