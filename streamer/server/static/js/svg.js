// Small helpers to draw with: SVG elements, scales and axes. Colours come from the style sheet, by class.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** An SVG element with these attributes and children; null and undefined attributes are left out. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(key, typeof value === "number" ? round(value) : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function label(text, attributes) {
  return svg("text", { class: "tick", ...attributes }, text);
}

function round(number) {
  return Math.round(number * 100) / 100;
}

/** Round values from 0 up to at least `most`, about `wanted` of them, in steps of 1, 2 or 5 times a power of ten. */
export function ticks(most, wanted = 5, whole = true) {
  const rough = Math.max(most, whole ? 1 : 1e-9) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const even = whole ? Math.max(1, Math.round(step)) : step;
  const found = [];
  for (let i = 0; found.length === 0 || found.at(-1) < most; i += 1) found.push(i * even);
  return found;
}

const LETTER = 6; // pixels that a letter of a label is wide in the mean

let drawings = 0;

/** A frame to plot in: where it lies in a drawing of this size, and how values become places. */
export class Plot {
  constructor(width, height, { left = 38, right = 8, top = 10, bottom = 28 } = {}) {
    Object.assign(this, { width, height, left, right, top, bottom });
    drawings += 1;
    this.id = `drawing-${drawings}`; // a pattern is found by its id, and one in a hidden drawing isn't painted
    this.inner = { width: Math.max(1, width - left - right), height: Math.max(1, height - top - bottom) };
  }

  /** The drawing, with a name for those who can't see it. */
  element(name, ...children) {
    const size = { viewBox: `0 0 ${this.width} ${this.height}`, width: this.width, height: this.height };
    return svg("svg", { class: "chart", role: "img", "aria-label": name, ...size }, this.#hatching(), ...children);
  }

  /** The ground of time in which nothing was counted, as the value of `fill`. */
  get hatched() {
    return `url(#${this.id})`;
  }

  #hatching() {
    const stripe = svg("path", { class: "hatch", d: "M-2 2 2-2M0 8 8 0M6 10 10 6" });
    return svg("defs", {}, svg("pattern", { id: this.id, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, stripe));
  }

  /** The middle of a slot, of so many side by side. */
  slot(index, count) {
    const width = this.inner.width / count;
    return { x: this.left + index * width, width, middle: this.left + (index + 0.5) * width };
  }

  /** A place for a share, 0 at the bottom and 1 at the top. */
  y(share) {
    return this.top + (1 - share) * this.inner.height;
  }

  x(share) {
    return this.left + share * this.inner.width;
  }

  get floor() {
    return this.top + this.inner.height;
  }

  /** Lines across at these values, their numbers at the left. */
  grid(values, most, format = String) {
    return values.map((value) => {
      const y = this.y(value / most);
      return svg(
        "g",
        {},
        svg("line", { class: value === 0 ? "axis" : "gridline", x1: this.left, x2: this.left + this.inner.width, y1: y, y2: y }),
        label(format(value), { x: this.left - 8, y: y + 4, "text-anchor": "end" }),
      );
    });
  }

  /** Labels below the slots, as many as have room. */
  names(names) {
    const room = LETTER * Math.max(...names.map(({ length }) => length)) + 10;
    const every = Math.max(1, Math.ceil((names.length * room) / this.inner.width));
    const kept = names.length === 24 ? [1, 2, 3, 4, 6, 12].find((step) => step >= every) ?? 12 : every;
    return names.map((name, index) =>
      index % kept === 0 ? label(name, { x: this.slot(index, names.length).middle, y: this.height - 6, "text-anchor": "middle" }) : null,
    );
  }
}
