// Lines and zones as the page handles them. Pure. Places are fractions of the picture, x from the left, y from the top.

const LEAST_LENGTH = 0.02; // of a line
const PLACES = 4; // decimals that are kept: a tenth of a pixel of a 1000 pixels wide picture

/**
 * A rule: {kind: "line" | "zone", name, points: [[x, y]], inLabel, outLabel, configured, fixed}. A line's points are its
 * start and its end; who crosses it from its left to its right, seen from start to end, goes in. configured: from the
 * config file. fixed: can't be changed here, as it is configured or as whoever looks may not draw.
 */
export function rulesFrom(document, mayDraw) {
  const origin = (rule) => ({ configured: isConfigured(rule), fixed: !mayDraw || isConfigured(rule) });
  const lines = document.lines.map((line) => ({
    kind: "line",
    name: line.name,
    points: [line.start, line.end],
    inLabel: line.in_label,
    outLabel: line.out_label,
    ...origin(line),
  }));
  const zones = document.zones.map((zone) => ({ kind: "zone", name: zone.name, points: zone.points, inLabel: "", outLabel: "", ...origin(zone) }));
  return [...lines, ...zones];
}

function isConfigured(rule) {
  return rule.source === "config";
}

/** What is sent to be kept: the drawn ones. */
export function documentOf(rules) {
  const drawn = rules.filter((rule) => !rule.fixed);
  const line = ({ name, points: [start, end], inLabel, outLabel }) => ({ name, start, end, in_label: inLabel, out_label: outLabel });
  return {
    lines: drawn.filter(({ kind }) => kind === "line").map(line),
    zones: drawn.filter(({ kind }) => kind === "zone").map(({ name, points }) => ({ name, points })),
  };
}

/** A new rule with a name that no other has. */
export function newRule(kind, points, rules) {
  const taken = new Set(rules.map(({ name }) => name));
  let number = 1;
  while (taken.has(`${kind} ${number}`)) number += 1;
  return { kind, name: `${kind} ${number}`, points: points.map(rounded), inLabel: "in", outLabel: "out", configured: false, fixed: false };
}

/** Moved as a whole, as far as the picture's edges allow. */
export function moved(rule, dx, dy) {
  const [xs, ys] = [rule.points.map(([x]) => x), rule.points.map(([, y]) => y)];
  const x = Math.min(Math.max(dx, -Math.min(...xs)), 1 - Math.max(...xs));
  const y = Math.min(Math.max(dy, -Math.min(...ys)), 1 - Math.max(...ys));
  return { ...rule, points: rule.points.map((point) => rounded([point[0] + x, point[1] + y])) };
}

export function withPoint(rule, index, point) {
  return { ...rule, points: rule.points.map((old, place) => (place === index ? clamped(point) : old)) };
}

export function withoutPoint(rule, index) {
  if (rule.kind === "line" || rule.points.length <= 3) return rule;
  return { ...rule, points: rule.points.filter((_, place) => place !== index) };
}

/** Its other way round: what went in goes out. */
export function reversed(rule) {
  return { ...rule, points: [...rule.points].reverse() };
}

/** Why this name can't be given to a rule; "" if it can. */
export function nameProblem(name, rule, rules) {
  if (!name) return "A name is needed.";
  if (name.length > 60) return "A name has at most 60 characters.";
  if (/[/\p{Cc}]/u.test(name)) return "A name has no slash in it.";
  return rules.some((other) => other !== rule && other.name === name) ? `“${name}” is taken by another line or zone.` : "";
}

export function isLongEnough([start, end]) {
  return Math.hypot(end[0] - start[0], end[1] - start[1]) >= LEAST_LENGTH;
}

/** The way in of a line on a picture of this size: {middle, towards}, in pixels; towards is a unit vector. */
export function wayIn({ points: [start, end] }, width, height) {
  const [dx, dy] = [(end[0] - start[0]) * width, (end[1] - start[1]) * height];
  const length = Math.hypot(dx, dy) || 1;
  return {
    middle: [((start[0] + end[0]) / 2) * width, ((start[1] + end[1]) / 2) * height],
    towards: [-dy / length, dx / length], // y points down: the right-hand side of somebody who walks along the line
  };
}

export function clamped([x, y]) {
  return rounded([Math.min(Math.max(x, 0), 1), Math.min(Math.max(y, 0), 1)]);
}

function rounded([x, y]) {
  return [Number(x.toFixed(PLACES)), Number(y.toFixed(PLACES))];
}
