// Draws on the live picture: new lines and zones, and changes to those there are, with mouse, finger or keys.

import { svg } from "../svg.js";
import { drawRule, drawSketch } from "./drawing.js";
import { clamped, isLongEnough, moved, newRule, withoutPoint, withPoint } from "./model.js";

const STEP = 0.01; // of the picture, by one press of an arrow key
const FINE = 0.002; // with shift
const LIT = 900; // ms that a crossed line is lit up
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Events: "change" (rules were changed; a drag counts once, at its end), "choose", "tool". */
export class RuleEditor extends EventTarget {
  rules = [];
  chosen = null; // name
  tool = null; // "line" | "zone" while one is being drawn
  #svg = svg("svg", { class: "rules", "aria-label": "Lines and zones", role: "group" });
  #size = [16, 9];
  #editing = false;
  #sketch = [];
  #pointer = null;
  #drag = null;
  #lit = new Map();
  #there = {};
  #drawn = "";

  /** root: of the screen that shows the picture. */
  constructor(root) {
    super();
    root.append(this.#svg);
    this.#svg.addEventListener("pointerdown", (event) => this.#down(event));
    this.#svg.addEventListener("pointermove", (event) => this.#move(event));
    // a finger that holds a rule moves it; `touch-action` is lost when what it touched is drawn anew
    this.#svg.addEventListener("touchstart", (event) => this.#drag && event.preventDefault(), { passive: false });
    this.#svg.addEventListener("pointerup", (event) => this.#up(event));
    this.#svg.addEventListener("pointercancel", () => this.#cancel());
    this.#svg.addEventListener("dblclick", () => this.finish());
    this.#svg.addEventListener("keydown", (event) => this.#key(event));
    this.#svg.addEventListener("click", (event) => this.#editing && event.stopPropagation());
    new ResizeObserver(() => this.#draw(true)).observe(this.#svg);
  }

  set editing(on) {
    this.#editing = on;
    this.chosen = on ? this.chosen : null;
    this.#stopDrawing();
  }

  show(rules) {
    if (this.#drag) return; // not under the hand that moves one
    this.rules = rules;
    if (!rules.some(({ name }) => name === this.chosen)) this.chosen = null;
    this.#draw(true);
  }

  /** size: of the picture, pixels. there: people in sight now, by zone. */
  refresh(size, there) {
    if (size) this.#size = size;
    this.#there = there;
    this.#draw();
  }

  /** A line was crossed, or a zone entered or left. */
  light(name) {
    clearTimeout(this.#lit.get(name));
    this.#lit.set(name, setTimeout(() => (this.#lit.delete(name), this.#draw()), LIT));
    this.#draw();
  }

  /** Begin to draw. byKeys: without a pointer; then one is put in the middle, to be moved by its handles. */
  start(kind, byKeys) {
    this.tool = kind;
    this.#sketch = [];
    this.chosen = null;
    if (!byKeys) {
      this.#changed("tool");
      return;
    }
    this.#add(kind, kind === "line" ? [[0.5, 0.9], [0.5, 0.1]] : [[0.35, 0.35], [0.65, 0.35], [0.65, 0.7], [0.35, 0.7]]);
    this.#svg.querySelector(".handle")?.focus();
  }

  /** Close the zone that is being drawn. */
  finish() {
    if (this.tool === "zone" && this.#sketch.length >= 3) this.#add("zone", this.#sketch);
  }

  /** Give up what is being drawn; whether anything was. */
  cancel() {
    if (!this.tool) return false;
    this.#stopDrawing();
    return true;
  }

  get corners() {
    return this.#sketch.length;
  }

  choose(name) {
    if (this.chosen === name) return;
    this.chosen = name;
    this.#changed("choose");
  }

  /** Put a changed rule in the place of an old one; null: take it away. */
  replace(name, rule) {
    this.rules = this.rules.flatMap((old) => (old.name !== name ? [old] : rule ? [rule] : []));
    if (this.chosen === name) this.chosen = rule?.name ?? null;
    this.#changed("change");
  }

  // -- pointers --------------------------------------------------------------------------------------------------

  #place(event) {
    const matrix = this.#svg.getScreenCTM().inverse();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return clamped([x / this.#size[0], y / this.#size[1]]);
  }

  #down(event) {
    if (!this.#editing || event.button !== 0) return;
    const place = this.#place(event);
    if (this.tool) {
      this.#svg.setPointerCapture(event.pointerId);
      this.#drag = { sketch: true, from: place };
      if (this.tool === "line" && !this.#sketch.length) this.#sketch = [place];
      this.#pointer = place;
      this.#draw(true);
      return;
    }
    const rule = this.rules.find(({ name }) => name === event.target.closest("[data-rule]")?.dataset.rule);
    this.choose(rule?.name ?? null);
    if (!rule || rule.fixed) return;
    this.#svg.setPointerCapture(event.pointerId);
    const corner = event.target.closest("[data-point]");
    this.#drag = { name: rule.name, before: rule, from: place, corner: corner ? Number(corner.dataset.point) : null };
  }

  #move(event) {
    if (!this.#editing) return;
    const place = this.#place(event);
    if (this.tool) {
      this.#pointer = place;
      this.#draw(true);
    } else if (this.#drag) {
      const { before, from, corner, name } = this.#drag;
      const rule = corner === null ? moved(before, place[0] - from[0], place[1] - from[1]) : withPoint(before, corner, place);
      this.rules = this.rules.map((old) => (old.name === name ? rule : old));
      this.#draw(true);
    }
  }

  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    const place = this.#place(event);
    if (drag.sketch) {
      this.#drawTo(place);
      return;
    }
    const rule = this.rules.find(({ name }) => name === drag.name);
    if (rule.kind === "line" && !isLongEnough(rule.points)) this.replace(drag.name, drag.before);
    else if (JSON.stringify(rule.points) !== JSON.stringify(drag.before.points)) this.#changed("change");
  }

  /** A line ends where it is let go, or at a second tap; a zone gets a corner by each tap, and ends at its first. */
  #drawTo(place) {
    if (this.tool === "line") {
      if (isLongEnough([this.#sketch[0], place])) this.#add("line", [this.#sketch[0], place]);
      return;
    }
    const first = this.#sketch[0];
    if (this.#sketch.length >= 3 && this.#distance(first, place) < 18) {
      this.finish();
      return;
    }
    const last = this.#sketch.at(-1);
    if (!last || this.#distance(last, place) > 4) this.#sketch = [...this.#sketch, place];
    this.#changed("tool");
  }

  /** In CSS pixels. */
  #distance(a, b) {
    return Math.hypot((a[0] - b[0]) * this.#size[0], (a[1] - b[1]) * this.#size[1]) / this.#unit();
  }

  #cancel() {
    if (this.#drag?.before) this.rules = this.rules.map((old) => (old.name === this.#drag.name ? this.#drag.before : old));
    this.#drag = null;
    this.#draw(true);
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  #key(event) {
    const rule = this.rules.find(({ name }) => name === this.chosen);
    const corner = event.target.closest("[data-point]");
    if (!rule || !corner) return;
    const index = Number(corner.dataset.point);
    const arrow = ARROWS[event.key];
    let changed = null;
    if (arrow) {
      const step = event.shiftKey ? FINE : STEP;
      const [x, y] = rule.points[index];
      changed = withPoint(rule, index, [x + arrow[0] * step, y + arrow[1] * step]);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      changed = withoutPoint(rule, index);
    }
    if (!changed) return;
    event.preventDefault();
    event.stopPropagation();
    if (changed.kind === "line" && !isLongEnough(changed.points)) return;
    this.replace(rule.name, changed);
    this.#svg.querySelector(`[data-point="${Math.min(index, changed.points.length - 1)}"]`)?.focus();
  }

  // -- drawing ---------------------------------------------------------------------------------------------------

  #add(kind, points) {
    const rule = newRule(kind, points, this.rules);
    this.rules = [...this.rules, rule].sort((a, b) => a.kind.localeCompare(b.kind)); // as they are listed after a reload
    this.chosen = rule.name;
    this.#stopDrawing();
    this.#changed("change");
  }

  #stopDrawing() {
    this.tool = null;
    this.#sketch = [];
    this.#pointer = null;
    this.#drag = null;
    this.#changed("tool");
  }

  #changed(kind) {
    this.#draw(true);
    this.dispatchEvent(new Event(kind));
  }

  #unit() {
    const scale = Math.min(this.#svg.clientWidth / this.#size[0], this.#svg.clientHeight / this.#size[1]);
    return scale > 0 ? 1 / scale : 1;
  }

  #draw(anyway = false) {
    const look = { size: this.#size, unit: this.#unit() };
    const key = JSON.stringify([look, this.#there, [...this.#lit.keys()], this.#editing, this.tool]);
    if (key === this.#drawn && !anyway) return;
    this.#drawn = key;
    const focused = this.#svg.contains(document.activeElement) ? document.activeElement.dataset.point : null;
    this.#svg.setAttribute("viewBox", `0 0 ${this.#size[0]} ${this.#size[1]}`);
    this.#svg.classList.toggle("editing", this.#editing);
    this.#svg.classList.toggle("drawing", this.tool !== null);
    const shapes = this.rules.map((rule) =>
      drawRule(rule, {
        ...look,
        chosen: rule.name === this.chosen,
        lit: this.#lit.has(rule.name),
        there: rule.kind === "zone" ? (this.#there[rule.name] ?? 0) : null,
      }),
    );
    const sketch = this.tool ? [drawSketch(this.tool, this.#sketch, this.#pointer, look.size, look.unit)] : [];
    this.#svg.replaceChildren(...shapes, ...sketch);
    if (focused) this.#svg.querySelector(`[data-point="${focused}"]`)?.focus();
  }
}
