// Lines and zones as SVG over a picture, with handles on the one that is chosen.

import { label, svg } from "../svg.js";
import { wayIn } from "./model.js";

const CORNERS = { line: ["start", "end"] };

/** size: of the picture, [width, height]; the drawing's coordinates are its pixels. unit: of them in one CSS pixel. */
export function drawRule(rule, { size, unit, chosen, lit, there }) {
  const points = rule.points.map(([x, y]) => [x * size[0], y * size[1]]);
  const shape = rule.kind === "line" ? lineShape(rule, points, size, unit) : zoneShape(points);
  const name = there === null ? rule.name : `${rule.name} · ${there}`;
  const handles = chosen && !rule.fixed ? points.map((point, index) => handle(rule, index, point, unit)) : [];
  const state = [rule.kind, chosen ? "chosen" : "", lit ? "lit" : "", rule.fixed ? "fixed" : ""].filter(Boolean).join(" ");
  return svg("g", { class: `rule ${state}`, "data-rule": rule.name }, ...shape, nameTag(name, points, size, unit, handles.length > 0), ...handles);
}

/** What is being drawn: points so far, and where the pointer is. */
export function drawSketch(kind, points, pointer, size, unit) {
  const all = [...points, ...(pointer ? [pointer] : [])].map(([x, y]) => [x * size[0], y * size[1]]);
  const path = svg("path", { class: "sketch", d: pathOf(all) });
  const dots = all.slice(0, points.length).map(([cx, cy], index) =>
    svg("circle", { class: kind === "zone" && index === 0 ? "sketch-first" : "sketch-dot", cx, cy, r: (index === 0 ? 8 : 5) * unit }),
  );
  return svg("g", { class: "rule sketching" }, path, ...dots);
}

/** Whether the picture is shown as small as on a phone. */
function isSmall([width], unit) {
  return width / unit < 520;
}

function pathOf(points, close = false) {
  return points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") + (close ? "Z" : "");
}

function lineShape(rule, points, size, unit) {
  const { middle, towards } = wayIn(rule, ...size);
  const at = (along, across = 0) => [
    middle[0] + towards[0] * along * unit - towards[1] * across * unit,
    middle[1] + towards[1] * along * unit + towards[0] * across * unit,
  ];
  const d = pathOf(points);
  const head = pathOf([at(22, -6), at(31), at(22, 6)]);
  const [x, y] = at(31 + 8);
  const anchor = towards[0] > 0.35 ? "start" : towards[0] < -0.35 ? "end" : "middle";
  const drop = towards[1] > 0.35 ? 9 : towards[1] < -0.35 ? 0 : 4;
  return [
    svg("path", { class: "grip", d }),
    svg("path", { class: "halo", d }),
    svg("path", { class: "stroke", d }),
    svg("path", { class: "halo", d: pathOf([at(4), at(30)]) + head }),
    svg("path", { class: "arrow", d: pathOf([at(4), at(30)]) + head }),
    label(rule.inLabel, { class: "rule-label", x, y: y + drop * unit, "font-size": (isSmall(size, unit) ? 10.5 : 12.5) * unit, "text-anchor": anchor }),
  ];
}

function zoneShape(points) {
  const d = pathOf(points, true);
  return [svg("path", { class: "grip area", d }), svg("path", { class: "halo", d }), svg("path", { class: "stroke", d })];
}

/** The name stands at the rule's uppermost point, inside the picture, and above the handle there. */
function nameTag(name, points, size, unit, handled) {
  const [width] = size;
  const [x, y] = points.reduce((best, point) => (point[1] < best[1] ? point : best));
  const anchor = x > width * 0.8 ? "end" : x < width * 0.2 ? "start" : "middle";
  return label(name, { class: "rule-label name", x, y: Math.max(y - (handled ? 17 : 12) * unit, 16 * unit), "font-size": (isSmall(size, unit) ? 11 : 13.5) * unit, "text-anchor": anchor });
}

function handle(rule, index, [cx, cy], unit) {
  const corner = CORNERS[rule.kind]?.[index] ?? `corner ${index + 1}`;
  const [x, y] = rule.points[index].map((share) => Math.round(share * 100));
  return svg(
    "g",
    { class: "handle", tabindex: 0, role: "button", "data-point": index, "aria-label": `${rule.name}, ${corner}: ${x} % from the left, ${y} % from the top. Arrow keys move it.` },
    svg("circle", { class: "handle-reach", cx, cy, r: 20 * unit }),
    svg("circle", { class: index === 0 && rule.kind === "line" ? "handle-dot first" : "handle-dot", cx, cy, r: 7 * unit }),
  );
}
