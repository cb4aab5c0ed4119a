// Age × gender: women to the left, men to the right, the oldest on top; what isn't known stands apart.

import { count, percent } from "../format.js";
import { label, Plot, svg, ticks } from "../svg.js";

const ROW = 27;
const MIDDLE = 64; // pixels, for the names of the groups

/**
 * groups: names of the age groups, youngest first, "unknown" last. counted: (group, gender) → visits.
 * note: what is said of what is missing.
 */
export function pyramidChart({ name, file, note, groups, counted }) {
  const genders = ["female", "male", "unknown"];
  const rows = groups.map((group) => ({ group, values: genders.map((gender) => counted(group, gender)) }));
  const total = rows.reduce((sum, { values }) => sum + values.reduce((row, value) => row + value, 0), 0);
  const readouts = rows.map(({ group, values }) => {
    const share = values.reduce((sum, value) => sum + value, 0) / Math.max(1, total);
    const age = group === "unknown" ? "age unknown" : `${group} years`;
    return `${age}: ${genders.map((gender, i) => `${count(values[i])} ${i < 2 ? gender : "gender unknown"}`).join(", ")} (${percent(share)})`;
  });
  return {
    file,
    legend: [{ label: "gender unknown", tone: "unknown" }],
    note,
    readouts,
    table: { columns: ["age", "female", "male", "gender unknown"], rows: rows.map(({ group, values }) => [group, ...values]) },
    draw: (width) => draw(width, { name, rows, readouts }),
  };
}

function draw(width, { name, rows, readouts }) {
  const height = rows.length * ROW + 48;
  const plot = new Plot(width, height, { left: 4, right: 4, top: 22, bottom: 26 });
  const half = (plot.inner.width - MIDDLE) / 2;
  const scale = ticks(Math.max(1, ...rows.flatMap(({ values: [women, men, rest] }) => [women + rest / 2, men + rest / 2])), 3);
  const most = scale.at(-1);
  const [left, right] = [plot.left + half, plot.left + half + MIDDLE];
  const lines = scale.flatMap((value) =>
    [left - (value / most) * half, right + (value / most) * half].map((x) =>
      svg(
        "g",
        {},
        svg("line", { class: value === 0 ? "axis" : "gridline", x1: x, x2: x, y1: plot.top, y2: plot.floor }),
        label(count(value), { x, y: height - 8, "text-anchor": value === most ? (x < left ? "start" : "end") : "middle" }),
      ),
    ),
  );
  const bars = rows.map(({ group, values: [women, men, rest] }, index) => {
    const y = plot.top + (rows.length - 1 - index) * ROW + 4;
    const wide = (value) => (value / most) * half;
    const bar = (tone, x, value) => (value ? svg("rect", { class: `mark ${tone}`, x, y, width: wide(value), height: ROW - 8, rx: 2 }) : null);
    return svg(
      "g",
      { class: "slot", "data-slot": index },
      svg("rect", { class: "hit", x: plot.left, y: y - 4, width: plot.inner.width, height: ROW }),
      bar("female", left - wide(women), women),
      bar("male", right, men),
      bar("unknown", left - wide(women) - wide(rest / 2), rest / 2),
      bar("unknown", right + wide(men), rest / 2),
      label(group, { class: "tick strong", x: (left + right) / 2, y: y + ROW / 2, "text-anchor": "middle" }),
      svg("title", {}, readouts[index]),
    );
  });
  const heads = [
    label("Female", { class: "tick", x: left - 4, y: 14, "text-anchor": "end" }),
    label("Male", { class: "tick", x: right + 4, y: 14 }),
  ];
  return plot.element(name, ...lines, ...bars, ...heads);
}
