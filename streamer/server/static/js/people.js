// The people on one camera now, listed: one row a visit, in the order in which they came.

import { byId, fromTemplate, setAttribute, setData, setHidden, setText } from "./dom.js";
import { capitalized, clock, counted, percent, stopwatch, years } from "./format.js";

const STATIC =
  "A poster, a photograph or a still on a screen: its features have kept their places to each other for longer than anybody's do. Age and gender are not told of it. Should it move after all, it becomes a visitor again.";
const MOST = 40; // rows; more than anybody reads, and a bound on what the page holds

class Row {
  constructor(id) {
    const part = fromTemplate("person-template");
    const find = (name) => part.querySelector(`.person-${name}`);
    this.item = part.querySelector("li");
    this.button = part.querySelector(".person");
    this.button.dataset.id = `${id}`;
    this.id = find("id");
    this.gender = find("gender");
    this.genderText = find("gender-text");
    this.age = find("age");
    this.since = find("since");
    this.why = find("why");
    this.meter = part.querySelector(".meter");
    this.fill = part.querySelector(".meter-fill");
    this.meterText = part.querySelector(".meter-text");
  }

  refresh(person, epoch) {
    const known = person.gender !== "unknown";
    setText(this.id, `#${person.id}`);
    setData(this.gender, "gender", person.static ? "unknown" : person.gender);
    setText(this.genderText, person.static ? "Static picture" : known ? capitalized(person.gender) : "Gender unknown");
    this.gender.classList.toggle("unknown", !known || person.static);
    setText(this.age, person.static ? "" : person.age ? years(person.age) : "Age unknown");
    this.age.classList.toggle("unknown", !person.age);
    setData(this.button, "coasting", person.coasting ? "yes" : "no");
    setData(this.button, "static", person.static ? "yes" : "no");
    setAttribute(this.button, "title", person.static ? STATIC : "");
    setHidden(this.meter, !person.samples || person.static);
    this.fill.style.transform = `scaleX(${person.confidence.toFixed(2)})`;
    setText(this.meterText, percent(person.confidence));
    setAttribute(this.meter, "aria-label", `Confidence in the gender: ${percent(person.confidence)}`);
    setAttribute(this.meter, "title", `Confidence in the gender, from ${counted(person.samples, "look", "looks")}`);
    setText(this.since, `${clock(person.since)} · ${stopwatch(epoch - person.since)}`);
    const why = [person.coasting ? "Out of sight, carried on for a moment." : "", whyUnknown(person)].join(" ").trim();
    setHidden(this.why, !why);
    setText(this.why, why);
  }
}

function whyUnknown(person) {
  if (person.static) {
    return person.counted ? "A face that never moves within itself." : "Not counted: this face never moves within itself.";
  }
  if (person.disabled) return "Age and gender are switched off in the config.";
  if (!person.samples) return "No look was good enough yet: the face is small, turned away or blurred.";
  if (person.gender === "unknown") return `Not sure enough after ${counted(person.samples, "look", "looks")}.`;
  return "";
}

export class People {
  #list = byId("person-list");
  #rows = new Map();
  #hovered = null;
  #pinned = null;
  #onLight;

  /** onLight(id | null): a person is pointed at, focused or pinned. */
  constructor(onLight) {
    this.#onLight = onLight;
    const idOf = (event) => {
      const row = event.target.closest(".person");
      return row ? Number(row.dataset.id) : null;
    };
    this.#list.addEventListener("pointerover", (event) => event.pointerType !== "touch" && this.point(idOf(event)));
    this.#list.addEventListener("pointerleave", () => this.point(null));
    this.#list.addEventListener("focusin", (event) => this.point(idOf(event)));
    this.#list.addEventListener("focusout", () => this.point(null));
    this.#list.addEventListener("click", (event) => this.pin(idOf(event)));
  }

  /** Light up this person for as long as they are pointed at; null: nobody. */
  point(id) {
    this.#hovered = id;
    this.#light();
  }

  /** Keep this person lit until chosen again. */
  pin(id) {
    if (id === null) return;
    this.#pinned = this.#pinned === id ? null : id;
    this.#light();
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#hovered = this.#pinned = null;
    this.#light();
  }

  /** people: in the order to show, or null while it can't be known who is there. */
  refresh(people, epoch, note) {
    const shown = (people ?? []).slice(0, MOST);
    const ids = new Set(shown.map((person) => person.id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
      if (this.#hovered === id) this.#hovered = null;
      if (this.#pinned === id) this.#pinned = null;
    }
    for (const person of shown) {
      if (!this.#rows.has(person.id)) this.#rows.set(person.id, new Row(person.id));
      const row = this.#rows.get(person.id);
      row.refresh(person, epoch);
      if (!row.item.isConnected) this.#list.append(row.item);
    }
    this.#light();
    setText(byId("people-count"), people ? `${people.filter((person) => person.counted).length}` : "");
    const rest = (people?.length ?? 0) - shown.length;
    const text = rest > 0 ? `and ${rest} more` : note;
    setHidden(byId("people-note"), !text);
    setText(byId("people-note"), text);
  }

  #light() {
    const lit = this.#hovered ?? this.#pinned;
    for (const [id, row] of this.#rows) {
      setData(row.button, "lit", id === lit ? "yes" : "no");
      setAttribute(row.button, "aria-pressed", `${id === this.#pinned}`);
    }
    this.#onLight(lit);
  }
}
