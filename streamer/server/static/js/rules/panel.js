// The list of a camera's lines and zones: their names, their words for in and out, and what can be done with them.

import { byId, fromTemplate, setHidden, setText } from "../dom.js";
import { count } from "../format.js";
import { nameProblem, reversed } from "./model.js";

const HINTS = {
  line: "Drag across the way that people take; or tap its start, then its end. Escape gives up.",
  zone: "Tap the corners one after another; tap the first again, or press Done, to close it. Escape gives up.",
};

export class RulePanel {
  #editor;
  #list = byId("rule-list");
  #counts = new Map(); // crossings by line since the camera was opened: {in, out}
  #shown = "";
  #mayDraw = true;

  /** editor: the RuleEditor beside it. */
  constructor(editor) {
    this.#editor = editor;
    for (const kind of ["line", "zone"]) {
      byId(`draw-${kind}`).addEventListener("click", (event) => this.#toggle(kind, event.detail === 0));
    }
    byId("draw-done").addEventListener("click", () => editor.finish());
    for (const kind of ["change", "choose", "tool"]) editor.addEventListener(kind, () => this.refresh());
  }

  /** Another camera's rules will be shown. */
  clear() {
    this.#counts.clear();
    this.#shown = "";
  }

  crossed(line, direction) {
    const counts = this.#counts.get(line) ?? { in: 0, out: 0 };
    counts[direction] += 1;
    this.#counts.set(line, counts);
    this.#tellCounts();
  }

  /** Whether whoever looks may draw at all: else they are told so, and what draws is hidden. */
  set mayDraw(may) {
    this.#mayDraw = may;
    for (const kind of ["line", "zone"]) setHidden(byId(`draw-${kind}`), !may);
    this.refresh();
  }

  /** Whether anything can be drawn now. */
  allow(drawing) {
    for (const kind of ["line", "zone"]) byId(`draw-${kind}`).disabled = !drawing;
  }

  /** text: why it couldn't be kept; "" when all is well. */
  complain(text) {
    setText(byId("rules-problem"), text);
    setHidden(byId("rules-problem"), !text);
  }

  refresh() {
    const { rules, chosen, tool, corners } = this.#editor;
    for (const kind of ["line", "zone"]) byId(`draw-${kind}`).setAttribute("aria-pressed", `${tool === kind}`);
    setHidden(byId("draw-done"), tool !== "zone");
    byId("draw-done").disabled = corners < 3;
    setText(byId("rules-hint"), tool ? HINTS[tool] : this.#rest(rules));
    this.#fill(rules);
    for (const item of this.#list.children) item.classList.toggle("chosen", item.dataset.rule === chosen);
  }

  /** Rows are made anew only when what they say has changed: not under the hands of somebody who writes in one. */
  #fill(rules) {
    const key = JSON.stringify(rules.map(({ points, ...rest }) => rest));
    if (key === this.#shown) return;
    this.#shown = key;
    const focus = this.#list.contains(document.activeElement) ? focusOf(document.activeElement) : null;
    this.#list.replaceChildren(...rules.map((rule) => this.#row(rule, rules)));
    if (focus) this.#list.querySelector(`[data-rule="${CSS.escape(focus.rule)}"] ${focus.part}`)?.focus();
    this.#tellCounts();
  }

  #rest(rules) {
    if (!this.#mayDraw) return `${rules.length ? "These are counted by. " : "Nothing is drawn yet. "}Your token is for watching: drawing lines and zones takes the role operator or admin.`;
    if (!rules.length) return "Nothing is drawn yet. A line counts who goes in and out; a zone counts who is in it, and for how long.";
    return "Choose one to move it: as a whole, or by its handles, with the arrow keys too. The arrow points the way in.";
  }

  #toggle(kind, byKeys) {
    if (this.#editor.tool === kind) this.#editor.cancel();
    else this.#editor.start(kind, byKeys);
  }

  #row(rule, rules) {
    const part = fromTemplate("rule-template");
    const item = part.querySelector(".rule-row");
    item.dataset.rule = rule.name;
    item.dataset.kind = rule.kind;
    item.addEventListener("focusin", () => this.#editor.choose(rule.name));
    part.querySelector("use").setAttribute("href", rule.fixed ? "#i-lock" : `#i-${rule.kind}`);
    const isLine = rule.kind === "line";
    this.#field(part, ".rule-name", rule.name, `Name of the ${rule.kind}`, rule, (name) => this.#rename(rule, name, rules));
    this.#field(part, ".rule-in", rule.inLabel, `Word for going in at ${rule.name}`, rule, (inLabel) => this.#editor.replace(rule.name, { ...rule, inLabel }));
    this.#field(part, ".rule-out", rule.outLabel, `Word for going out at ${rule.name}`, rule, (outLabel) => this.#editor.replace(rule.name, { ...rule, outLabel }));
    setHidden(part.querySelector(".rule-words"), !isLine);
    setHidden(part.querySelector(".rule-fixed"), !rule.configured);
    const [reverse, remove] = [part.querySelector(".rule-reverse"), part.querySelector(".rule-delete")];
    setHidden(reverse, !isLine || rule.fixed);
    setHidden(remove, rule.fixed);
    reverse.setAttribute("aria-label", `Reverse ${rule.name}`);
    remove.setAttribute("aria-label", `Delete ${rule.name}`);
    reverse.addEventListener("click", () => this.#editor.replace(rule.name, reversed(this.#current(rule.name))));
    remove.addEventListener("click", () => this.#editor.replace(rule.name, null));
    return part;
  }

  #field(part, selector, value, name, rule, change) {
    const input = part.querySelector(selector);
    input.value = value;
    input.readOnly = rule.fixed;
    input.setAttribute("aria-label", name);
    input.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the view's own keys are letters and arrows
      if (event.key === "Enter") input.blur();
      if (event.key === "Escape") input.value = value;
    });
    input.addEventListener("change", () => {
      const text = input.value.trim();
      if (text && text !== value) change(text);
      else input.value = value;
    });
  }

  #rename(rule, name, rules) {
    const problem = nameProblem(name, rule, rules);
    this.complain(problem);
    if (problem) {
      this.#shown = ""; // put the old name back
      this.refresh();
    } else this.#editor.replace(rule.name, { ...this.#current(rule.name), name });
  }

  /** As it stands now: it may have been moved since its row was made. */
  #current(name) {
    return this.#editor.rules.find((rule) => rule.name === name);
  }

  #tellCounts() {
    for (const item of this.#list.children) {
      const counts = this.#counts.get(item.dataset.rule);
      const text = counts ? `${count(counts.in)} in, ${count(counts.out)} out since this was opened` : "";
      setText(item.querySelector(".rule-counts"), item.dataset.kind === "line" ? text : "");
    }
  }
}

function focusOf(element) {
  const rule = element.closest("[data-rule]")?.dataset.rule;
  const part = ["rule-name", "rule-in", "rule-out", "rule-reverse", "rule-delete"].find((name) => element.classList.contains(name));
  return rule && part ? { rule, part: `.${part}` } : null;
}
