// What happened, newest first, at most so many.

import { byId, fromTemplate, setHidden, setText } from "./dom.js";
import { capitalized, clock, duration, years } from "./format.js";

const MOST = 80;

const KINDS = {
  visit_started: { text: (event) => `${visit(event)} started`, icon: "face", level: "visit" },
  visit_ended: { text: (event) => `${visit(event)} ${event.static ? "was none" : "ended"}`, icon: "left", level: "idle" },
  camera_up: { text: () => "Camera live", icon: "up", level: "good" },
  camera_down: { text: () => "Camera down", icon: "down", level: "bad" },
  line_crossed: { text: (event) => `${event.rule}: ${event.label || event.direction}`, icon: "line", level: "visit" },
  zone_entered: { text: (event) => `${event.rule}: entered`, icon: "zone", level: "visit" },
  zone_left: { text: (event) => `${event.rule}: left`, icon: "zone", level: "idle" },
};

function visit(event) {
  return event.track ? `Visit #${event.track.id}` : "Visit";
}

function describe(event, name) {
  const parts = [name];
  if (event.kind === "camera_down" && event.reason) parts.push(event.reason);
  if (event.dwell !== null) parts.push(`after ${duration(event.dwell)}`);
  if (event.kind === "visit_ended" && event.static) {
    parts.push("static picture, not counted");
  } else if (event.kind === "visit_ended" && event.track) {
    const { gender, age, seconds } = event.track;
    parts.push(duration(seconds), gender === "unknown" ? "gender unknown" : gender);
    parts.push(age ? years(age) : "age unknown");
  }
  return parts.join("\u00a0· ");
}

export class Feed {
  #list = byId("event-list");
  #events = [];
  #camera = null;
  #nameOf;

  /** nameOf(camera id) → what people call it. */
  constructor(nameOf) {
    this.#nameOf = nameOf;
  }

  add(event) {
    this.#events.unshift(event);
    this.#events.length = Math.min(this.#events.length, MOST);
    if (this.#matches(event)) this.#list.prepend(this.#item(event));
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild.remove();
    this.#note();
  }

  /** Show one camera's events; null: all. */
  filter(camera) {
    this.#camera = camera;
    this.#list.replaceChildren(...this.#events.filter((event) => this.#matches(event)).map((event) => this.#item(event)));
    this.#note();
  }

  #matches(event) {
    return this.#camera === null || event.camera === this.#camera;
  }

  #item(event) {
    const kind = KINDS[event.kind] ?? { text: () => capitalized(event.kind.replaceAll("_", " ")), icon: "face", level: "idle" };
    const part = fromTemplate("event-template");
    part.querySelector(".event").dataset.level = kind.level;
    part.querySelector(".event").dataset.kind = event.kind;
    part.querySelector("use").setAttribute("href", `#i-${kind.icon}`);
    setText(part.querySelector(".event-text"), kind.text(event));
    const time = part.querySelector(".event-time");
    time.dateTime = new Date(event.at * 1000).toISOString();
    setText(time, clock(event.at));
    setText(part.querySelector(".event-detail"), describe(event, this.#nameOf(event.camera)));
    return part;
  }

  #note() {
    setHidden(byId("feed-note"), this.#list.childElementCount > 0);
  }
}
