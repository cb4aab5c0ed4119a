// A card with a chart: drawn to the room there is, read out where it is pointed at, its figures as a table and a file.

import { fromTemplate, setAttribute, setHidden, setText } from "../dom.js";
import { saveCsv } from "./csv.js";

/**
 * A chart: {draw(width) → SVG element or other, legend: [{label, tone}] or none, note: text or none,
 * table: {columns: [text], rows: [[text | number | null]]}, readouts: [text] by slot or null, file: name without its
 * ending}.
 */
export class ChartCard {
  #root;
  #canvas;
  #readout;
  #table;
  #chart = null;
  #width = 0;
  #figures = "";

  /** root: the card's element; it is filled from the template. */
  constructor(root) {
    this.#root = root;
    const part = fromTemplate("chart-template");
    root.querySelector(".card-head").append(part.querySelector(".chart-tools"));
    root.append(part);
    this.#canvas = root.querySelector(".chart-canvas");
    this.#readout = root.querySelector(".chart-readout");
    this.#table = root.querySelector(".chart-table");
    root.querySelector(".chart-save").addEventListener("click", () => saveCsv(this.#chart.file, this.#chart.table));
    root.querySelector(".chart-as-table").addEventListener("click", (event) => this.#toggle(event.currentTarget));
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => this.#say(null));
    new ResizeObserver(() => this.#resized()).observe(this.#canvas);
  }

  show(chart) {
    this.#chart = chart;
    this.#root.removeAttribute("aria-busy");
    this.#explain(chart.legend ?? [], chart.note ?? "");
    setHidden(this.#root.querySelector(".chart-tools"), false);
    setAttribute(this.#root.querySelector(".chart-save"), "aria-label", `CSV: ${this.#title}`);
    setAttribute(this.#root.querySelector(".chart-as-table"), "aria-label", `Table: ${this.#title}`);
    this.#fillTable(chart.table);
    this.#draw();
  }

  /** Nothing to draw: say why, and what to do. link: {text, href} or null. */
  blank(text, link = null) {
    this.#chart = null;
    this.#root.removeAttribute("aria-busy");
    this.#explain([], "");
    setHidden(this.#root.querySelector(".chart-tools"), true);
    this.#table.replaceChildren();
    const part = document.createElement("p");
    part.className = "chart-blank";
    part.append(text);
    if (link) {
      const anchor = document.createElement("a");
      anchor.className = "link";
      anchor.href = link.href;
      anchor.append(link.text);
      part.append(" ", anchor);
    }
    this.#canvas.replaceChildren(part);
  }

  /** Figures are on their way; what is shown already stays. */
  wait() {
    this.#root.setAttribute("aria-busy", "true");
    if (this.#chart || this.#canvas.childElementCount) return;
    setHidden(this.#root.querySelector(".chart-tools"), true);
    const bone = document.createElement("div");
    bone.className = "chart-bone";
    this.#canvas.replaceChildren(bone);
  }

  /** What was on its way won't come; what is shown already stays. */
  rest() {
    this.#root.removeAttribute("aria-busy");
    if (this.#canvas.querySelector(".chart-bone")) this.blank("Not known for now.");
  }

  get #title() {
    return this.#root.querySelector(".card-title").textContent;
  }

  #explain(legend, note) {
    const items = legend.map(({ label, tone }) => {
      const item = document.createElement("li");
      item.className = tone;
      item.textContent = label;
      return item;
    });
    this.#root.querySelector(".legend").replaceChildren(...items);
    setText(this.#root.querySelector(".chart-note"), note);
  }

  #resized() {
    const width = Math.floor(this.#canvas.clientWidth);
    if (width !== this.#width && width > 0) this.#draw();
  }

  #draw() {
    this.#width = Math.floor(this.#canvas.clientWidth);
    if (!this.#chart || this.#width <= 0) return;
    this.#canvas.replaceChildren(this.#chart.draw(this.#width));
    this.#say(null);
  }

  #point(event) {
    const slot = event.target.closest?.("[data-slot]");
    this.#say(slot ? Number(slot.dataset.slot) : null);
  }

  #say(slot) {
    for (const lit of this.#canvas.querySelectorAll(".slot.lit")) lit.classList.remove("lit");
    if (slot !== null) this.#canvas.querySelector(`.slot[data-slot="${slot}"]`)?.classList.add("lit");
    setText(this.#readout, slot === null ? "" : (this.#chart?.readouts?.[slot] ?? ""));
  }

  #toggle(button) {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", `${open}`);
    this.#root.classList.toggle("with-table", open);
  }

  /** Always there for screen readers; on the screen when asked for. */
  #fillTable({ columns, rows }) {
    const figures = JSON.stringify([columns, rows]);
    if (figures === this.#figures && this.#table.childElementCount) return; // where it was scrolled to stays
    this.#figures = figures;
    const table = document.createElement("table");
    const caption = table.createCaption();
    caption.className = "sr-only";
    caption.textContent = this.#title;
    const head = table.createTHead().insertRow();
    for (const column of columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = column;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      row.forEach((value, index) => {
        const cell = document.createElement(index === 0 ? "th" : "td");
        if (index === 0) cell.scope = "row";
        cell.textContent = value === null ? "–" : String(value);
        line.append(cell);
      });
    }
    this.#table.replaceChildren(table);
  }
}
