// The few figures above the charts: sums against earlier days, in and out, how many are there, how long they stay.

import { fromTemplate, setText } from "../dom.js";
import { count, duration, NONE, percent } from "../format.js";

class Stat {
  constructor(list, name) {
    const part = fromTemplate("stat-template");
    this.root = part.querySelector(".stat");
    this.name = part.querySelector(".stat-name");
    this.value = part.querySelector(".stat-value");
    this.notes = part.querySelector(".stat-notes");
    list.append(part);
    this.say(name, NONE, []);
  }

  /** notes: [{text, trend: "up" | "down" | "even" | undefined}] */
  say(name, value, notes) {
    setText(this.name, name);
    setText(this.value, value);
    const lines = notes.map(({ text, trend }) => {
      const line = document.createElement("li");
      if (trend) line.dataset.trend = trend;
      line.textContent = text;
      return line;
    });
    if (this.notes.textContent !== lines.map((line) => line.textContent).join("")) this.notes.replaceChildren(...lines);
  }
}

export class Stats {
  #list;
  #sum;
  #flow;
  #here;
  #dwell;
  #peak = { value: null, when: "" };
  #there = null;

  constructor(list) {
    this.#list = list;
    this.#sum = new Stat(list, "Visits");
    this.#flow = new Stat(list, "In and out");
    this.#here = new Stat(list, "In sight now");
    this.#dwell = new Stat(list, "Typical stay");
  }

  wait() {
    this.#list.setAttribute("aria-busy", "true");
  }

  rest() {
    this.#list.removeAttribute("aria-busy");
  }

  /**
   * value: null where no camera was up. against: [{label, value (null: nothing known), upToNow}]. hasFlow: whether there
   * are lines to cross. flow: [in, out], or null where none was or no camera was up.
   */
  sums({ name, value, against, hasFlow, flow }) {
    this.#list.removeAttribute("aria-busy");
    if (value === null) this.#sum.say(name, NONE, [{ text: "no camera was up" }]);
    else this.#sum.say(name, count(value), against.map((other) => comparison(value, other)));
    if (hasFlow && !flow) this.#flow.say("In and out", NONE, [{ text: "no camera was up" }]);
    else if (flow) this.#flow.say("In and out", `${count(flow[0])} / ${count(flow[1])}`, [{ text: "crossings of lines" }]);
    else this.#flow.say("In and out", NONE, [{ text: "no line is drawn yet" }]);
  }

  now(there) {
    this.#there = there;
    this.#sayHere();
  }

  /** when: of the most, in words. */
  peak(value, when) {
    this.#peak = { value, when };
    this.#sayHere();
  }

  /** median: seconds; null where nothing has ended. */
  dwell(median) {
    this.#dwell.say("Typical stay", median === null ? NONE : duration(median), [{ text: median === null ? "no visit has ended yet" : "half stayed longer, half shorter" }]);
  }

  #sayHere() {
    const { value, when } = this.#peak;
    const note = value === null ? "" : `at most ${count(value)}, ${when}`;
    this.#here.say("In sight now", this.#there === null ? NONE : count(this.#there), [{ text: this.#there === null ? "no camera is live" : note }]);
  }
}

function comparison(value, { label, value: before, upToNow }) {
  const than = upToNow ? `${label} by this time` : label;
  if (before === null) return { text: `nothing known of ${label}` };
  if (before === value) return { text: `as many as ${than}`, trend: "even" };
  const trend = value > before ? "up" : "down";
  const change = before ? percent(Math.abs(value - before) / before) : count(value);
  if (before && Math.abs(value - before) / before < 0.005) return { text: `about as many as ${than} (${count(before)})`, trend: "even" };
  return { text: `${change} ${value > before ? "more" : "fewer"} than ${than} (${count(before)})`, trend };
}
