// The footfall view: what is asked for, and whether its figures are there, on their way, or can't be had.

import { byId, setHidden, setText } from "../dom.js";
import { ruleNames, scopeOf } from "./data.js";
import { Figures } from "./figures.js";
import { contains, periodOf, TIME_ZONE, title } from "./period.js";
import { Pickers } from "./pickers.js";

const REFRESH = 20_000; // ms between looks at figures that still grow

export class FootfallView {
  #pickers = new Pickers();
  #figures = new Figures();
  #query = new URLSearchParams();
  #shown = false;
  #asked = "";
  #askedAt = 0;
  #asking = null;
  #state = null;

  constructor() {
    setText(byId("footfall-zone"), TIME_ZONE.replaceAll("_", " "));
    byId("footfall-again").addEventListener("click", () => this.#load());
  }

  /** Show what this part of the address asks for. */
  open(query) {
    this.#shown = true;
    this.#query = query;
    this.#asked = "";
  }

  close() {
    this.#shown = false;
    this.#asking?.abort();
  }

  /** Results of the cameras, without pictures, for how many are there now. */
  wanted(state) {
    if (!state.cameras.size) return null;
    const { camera } = scopeOf(this.#query, [...state.cameras.values()]);
    const cameras = state.cameras.has(camera) ? [camera] : [...state.cameras.keys()];
    return { cameras, frames: "none", max_fps: 2 };
  }

  refresh(state, connection, now) {
    this.#state = state;
    if (!state.greeted) {
      if (connection.state === "waiting") this.#blank("The server can't be reached", "Check that the program is running and that this device is on its network. This page keeps trying.");
      else this.#figures.wait();
      return;
    }
    const cameras = [...state.cameras.values()];
    this.#pickers.offerCameras(cameras);
    const period = periodOf(this.#query, new Date(now.epoch * 1000));
    const scope = scopeOf(this.#query, cameras);
    setText(byId("footfall-period"), title(period));
    const key = JSON.stringify([scope, period.from, period.to]);
    const grows = contains(period, new Date(now.epoch * 1000)) && !document.hidden;
    if (key !== this.#asked || (grows && now.ticks - this.#askedAt > REFRESH && !this.#asking)) {
      if (key !== this.#asked) this.#pickers.show(this.#query, period, new Date(now.epoch * 1000));
      this.#asked = key;
      this.#load();
    }
    this.#figures.now(state, scope, connection.state === "open");
  }

  async #load() {
    if (!this.#shown || !this.#state) return;
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    this.#askedAt = performance.now();
    const state = this.#state;
    const now = new Date(state.now().epoch * 1000);
    const period = periodOf(this.#query, now);
    const scope = scopeOf(this.#query, [...state.cameras.values()]);
    this.#figures.wait();
    try {
      const rules = await ruleNames(scope.camera, asking.signal);
      this.#pickers.offerRules(rules);
      await this.#figures.load({ scope, period, now, rules, state }, asking.signal);
      setHidden(byId("figures"), false);
      setHidden(byId("footfall-blank"), true);
      setHidden(byId("footfall-problem"), true);
    } catch (error) {
      if (error.name !== "AbortError") this.#fail(error);
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  #fail(error) {
    if (error.status === 404 && this.#query.get("camera") && !this.#state.cameras.has(this.#query.get("camera"))) {
      this.#pickers.offerRules({ lines: [], zones: [] });
      this.#blank("There is no such camera", `“${this.#query.get("camera")}” is not in the config. Choose one of those there are.`);
    } else if (error.status === 404) {
      this.#blank("No figures are kept", "Name a database in config.yaml (store.url), such as sqlite:///streamer.sqlite3: from the next start on visits and crossings are kept.");
    } else {
      this.#figures.rest();
      setText(byId("footfall-problem-text"), `The figures can't be had: ${error.message}`);
      setHidden(byId("footfall-problem"), false);
    }
  }

  #blank(head, detail) {
    setHidden(byId("figures"), true);
    setHidden(byId("footfall-problem"), true);
    setHidden(byId("footfall-blank"), false);
    setText(byId("footfall-blank-head"), head);
    setText(byId("footfall-blank-detail"), detail);
  }
}
