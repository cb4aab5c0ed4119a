// How many were there, over the hours of the period: the mean as an area, the most at one time as a line.

import { path } from "./compare.js";
import { dayLabel } from "./period.js";
import { label, Plot, svg, ticks } from "../svg.js";

const HEIGHT = 290;
const TIME = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/**
 * points: [{start, end, mean, peak}] in UTC seconds, in order; mean null where nothing was observed. period: of
 * period.js. now: UTC seconds.
 */
export function occupancyChart({ name, file, points, period, now }) {
  const past = points.filter((point) => point.end <= now || (point.start < now && point.mean !== null)); // a minute is told when it is over
  const title = ({ start }) => (period.days === 1 ? CLOCK : TIME).format(new Date(start * 1000));
  const readouts = past.map((point) =>
    point.mean === null ? `${title(point)}: camera down` : `${title(point)}: ${point.mean.toFixed(1)} in the mean, ${point.peak} at most`,
  );
  return {
    file,
    readouts,
    table: {
      columns: ["time", "mean", "most at one time"],
      rows: past.map((point) => [title(point), point.mean === null ? null : Number(point.mean.toFixed(2)), point.peak]),
    },
    draw: (width) => draw(width, { name, points: past, period, readouts }),
  };
}

function draw(width, { name, points, period, readouts }) {
  const plot = new Plot(width, HEIGHT);
  const scale = ticks(Math.max(1, ...points.map((point) => point.peak ?? 0)));
  const most = scale.at(-1);
  const [begin, end] = [period.from / 1000, period.to / 1000];
  const place = (time) => plot.x((time - begin) / (end - begin));
  const known = (value) => (point) => (point.mean === null ? null : [place((point.start + point.end) / 2), plot.y(point[value] / most)]);
  const columns = points.map((point, index) => {
    const [x, width_] = [place(point.start), Math.max(0.5, place(point.end) - place(point.start))];
    const level = point.mean === null ? 0 : (point.mean / most) * plot.inner.height;
    return svg(
      "g",
      { class: "slot", "data-slot": index },
      svg("rect", { class: "hit", x, y: plot.top, width: width_, height: plot.inner.height }),
      point.mean === null
        ? svg("rect", { class: "down", fill: plot.hatched, x, y: plot.top, width: width_, height: plot.inner.height })
        : svg("rect", { class: "area", x, y: plot.floor - level, width: width_ + 0.3, height: level }),
      svg("title", {}, readouts[index]),
    );
  });
  const peak = svg("path", { class: "line peak", d: path(points.map(known("peak"))) });
  return plot.element(name, ...plot.grid(scale, most), ...columns, peak, ...hours(plot, period, place));
}

/** The hours of a day, or the days of a longer time, below. */
function hours(plot, period, place) {
  const each = period.days === 1 ? (plot.inner.width < 520 ? 6 : 3) : 24 * Math.ceil(period.days / (plot.inner.width / 70));
  const found = [];
  for (let i = 0; i < period.days * 24; i += each) {
    const moment = new Date(period.from.getFullYear(), period.from.getMonth(), period.from.getDate(), i);
    const text = period.days === 1 ? CLOCK.format(moment) : dayLabel(moment);
    found.push(label(text, { x: place(moment / 1000), y: plot.height - 6, "text-anchor": i === 0 ? "start" : "middle" }));
  }
  return found;
}
