// What is looked at: a camera, a line or zone, and days. It stands in the address, so that it can be shared and kept.

import { byId, setHidden } from "../dom.js";
import { footfallRoute } from "../router.js";
import { dayText, midnight, PRESETS } from "./period.js";

export class Pickers {
  #query = new URLSearchParams();
  #cameras = [];
  #rules = []; // [value, text] of the lines and zones that can be chosen
  #shownCameras = "";
  #shownRules = "";

  constructor() {
    for (const { key, label } of PRESETS) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.range = key;
      button.textContent = label;
      button.addEventListener("click", () => this.#go({ range: key === "today" ? "" : key, from: "", to: "" }));
      byId("footfall-presets").append(button);
    }
    byId("footfall-camera").addEventListener("change", (event) => this.#go({ camera: event.target.value, line: "", zone: "" }));
    byId("footfall-what").addEventListener("change", (event) => this.#chooseWhat(event.target.value));
    byId("footfall-dates").addEventListener("change", () => this.#chooseDates());
    byId("footfall-dates").addEventListener("submit", (event) => event.preventDefault());
  }

  /** What the address says, and what that means: fill the fields. */
  show(query, period, now) {
    this.#query = query;
    for (const button of byId("footfall-presets").children) {
      button.setAttribute("aria-pressed", `${button.dataset.range === period.key}`);
    }
    byId("footfall-from").value = dayText(period.from);
    byId("footfall-to").value = dayText(midnight(period.to, -1));
    byId("footfall-from").max = byId("footfall-to").max = dayText(now);
    this.#fillCameras();
    this.#fillWhat();
  }

  /** cameras: [{id, name}], those there are. */
  offerCameras(cameras) {
    const text = JSON.stringify(cameras.map(({ id, name }) => [id, name]));
    if (text === this.#shownCameras) return;
    this.#shownCameras = text;
    this.#cameras = cameras;
    this.#fillCameras();
  }

  /** rules: {lines, zones} of the camera that is looked at; names. */
  offerRules({ lines, zones }) {
    const text = JSON.stringify([lines, zones]);
    if (text === this.#shownRules) return;
    this.#shownRules = text;
    this.#rules = [...lines.map((name) => [`line:${name}`, `Line: ${name}`]), ...zones.map((name) => [`zone:${name}`, `Zone: ${name}`])];
    this.#fillWhat();
  }

  #fillCameras() {
    const all = this.#cameras.length > 1 ? [["", "All cameras"]] : [];
    fill(byId("footfall-camera"), [...all, ...this.#cameras.map(({ id, name }) => [id, name])], this.#camera());
  }

  #fillWhat() {
    const select = byId("footfall-what");
    fill(select, [["", "All visits"], ...this.#rules], this.#what());
    setHidden(select.parentElement, select.options.length === 1);
  }

  #camera() {
    return this.#query.get("camera") || (this.#cameras.length === 1 ? this.#cameras[0].id : "");
  }

  #what() {
    if (this.#query.get("line")) return `line:${this.#query.get("line")}`;
    return this.#query.get("zone") ? `zone:${this.#query.get("zone")}` : "";
  }

  #chooseWhat(value) {
    const name = value.slice(5);
    this.#go({ line: value.startsWith("line:") ? name : "", zone: value.startsWith("zone:") ? name : "" });
  }

  #chooseDates() {
    let [from, to] = [byId("footfall-from").value, byId("footfall-to").value];
    if (!from || !to) return;
    if (from > to) [from, to] = [to, from];
    this.#go({ range: "", from, to });
  }

  #go(changed) {
    location.hash = footfallRoute({ ...Object.fromEntries(this.#query), ...changed });
  }
}

/** A value that is in the address but not among the options is shown all the same. */
function fill(select, options, chosen) {
  const known = options.some(([value]) => value === chosen);
  const all = known || !chosen ? options : [...options, [chosen, chosen.replace(/^(line|zone):/, "")]];
  select.replaceChildren(...all.map(([value, text]) => new Option(text, value, false, value === chosen)));
}
