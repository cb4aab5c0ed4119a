// The facts of one camera's stream, as a list of terms and values.

import { byId, fromTemplate, setData, setText } from "./dom.js";
import { NONE, age, capitalized, count, duration, rate, reduction, size } from "./format.js";
import { frameAge } from "./health.js";

const REASONS = {
  rate: "over max_fps",
  load: "left out under load",
  evicted: "replaced by newer",
  stale: "too old",
  corrupt: "corrupt",
  keyframe: "before key frame",
  failed: "failed",
};

const STAGES = ["wait", "detect", "track", "attributes"]; // in the order in which a frame goes through them

function drops(camera) {
  const some = Object.entries(camera.dropped).filter(([, number]) => number > 0);
  if (!some.length) return "none";
  return some.map(([reason, number]) => `${count(number)} ${REASONS[reason] ?? reason}`).join("\u00a0· ");
}

function stages(camera) {
  const place = ([stage]) => STAGES.indexOf(stage) + 1 || STAGES.length + 1;
  const some = Object.entries(camera.timings).sort((a, b) => place(a) - place(b));
  return some.length ? some.map(([stage, ms]) => `${stage}\u00a0${ms.toFixed(1)}\u00a0ms`).join("\u00a0· ") : NONE;
}

function effort(camera) {
  return camera.reduced ? capitalized(reduction(camera.reduced)) : "as configured";
}

const FACTS = [
  ["Frame age", (camera, now, frameAt) => frameAge(frameAt, now) ?? NONE],
  ["Analysed", (camera) => rate(camera.analyzedFps)],
  ["Captured", (camera) => rate(camera.fps)],
  ["Behind the camera", (camera) => (camera.state === "live" ? age(camera.lag) : NONE)],
  ["Size", (camera) => (camera.size ? size(camera.size) : NONE)],
  ["Codec", (camera) => camera.codec || NONE],
  ["Analysed after", (camera) => (camera.latency === null ? NONE : age(camera.latency))],
  ["Frames captured", (camera) => count(camera.frames)],
  ["Frames analysed", (camera) => count(camera.analyzed)],
  ["Reconnects", (camera) => count(camera.reconnects)],
  ["In this state for", (camera, now) => duration(now.epoch - camera.since)],
  ["Analysis", effort, "wide"],
  ["Dropped, by reason", drops, "wide"],
  ["Work on a frame", stages, "wide"],
];

export class Facts {
  #values = [];

  constructor() {
    for (const [term, of, width] of FACTS) {
      const part = fromTemplate("fact-template");
      const root = part.querySelector(".fact");
      if (width) root.classList.add(width);
      setText(part.querySelector("dt"), term);
      const value = part.querySelector("dd");
      setData(value, "fact", term);
      this.#values.push([value, of]);
      byId("fact-grid").append(part);
    }
  }

  /** connected: without the server nothing is known of now, so nothing is claimed. */
  refresh(camera, frameAt, connected, now) {
    for (const [value, of] of this.#values) setText(value, connected ? of(camera, now, frameAt) : NONE);
    setText(byId("fact-source"), camera.source);
  }
}
