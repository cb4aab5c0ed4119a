// The grid of cameras: tiles that ask for pictures only while they can be seen.

import { byId, fromTemplate, setAttribute, setData, setHidden, setText } from "./dom.js";
import { counted, rate, reduction } from "./format.js";
import { frameAge, isFresh, pill, screenHealth } from "./health.js";
import { cameraRoute } from "./router.js";
import { Screen } from "./screen.js";
import { stepWidth } from "./subscription.js";

const GRID_FPS = 10;
const TILE_CEILING = 960; // pixels; a tile is an overview, the large view has every pixel
const SKELETONS = 3;

class Tile {
  constructor(camera) {
    const part = fromTemplate("tile-template");
    this.item = part.querySelector("li");
    this.link = part.querySelector(".tile");
    this.link.href = cameraRoute(camera.id);
    this.link.dataset.camera = camera.id;
    this.name = part.querySelector(".tile-name");
    this.pill = part.querySelector(".pill");
    this.pillText = part.querySelector(".pill-text");
    this.faces = part.querySelector(".tile-faces");
    this.facesText = part.querySelector(".tile-faces-text");
    this.fps = part.querySelector(".tile-fps");
    this.age = part.querySelector(".tile-age");
    this.screen = new Screen(part.querySelector(".screen"));
    this.visible = false;
  }

  refresh(camera, connection, now, showsPictures) {
    const connected = connection.state === "open";
    const health = screenHealth(camera, this.screen.frameAt, connection, now);
    const state = pill(camera, health, connected, now);
    const known = connected && isFresh(camera, now);
    setText(this.name, camera.name);
    setData(this.pill, "level", state.level);
    setText(this.pillText, state.text);
    setData(this.faces, "some", known && camera.faces > 0 ? "yes" : "no");
    setText(this.facesText, known ? counted(camera.faces, "face now", "faces now") : "Faces not known");
    setText(this.fps, known ? `${rate(camera.analyzedFps)}${camera.reduced ? ", reduced" : ""}` : "");
    const why = camera.reduced ? `; ${reduction(camera.reduced)}` : "";
    setAttribute(this.fps, "title", `Frames analysed a second${why}`);
    setText(this.age, (health.live && frameAge(this.screen.frameAt, now)) || "");
    setAttribute(this.link, "aria-label", `${camera.name}, ${state.text}, ${this.facesText.textContent}`);
    this.screen.label = showsPictures ? `Live picture of ${camera.name}` : `Places of the faces at ${camera.name}`;
    this.screen.tell(health);
  }
}

export class GridView {
  #list = byId("grid");
  #tiles = new Map();
  #observer;
  #onSeen;

  /** onSeen(): called when other tiles have come into view. */
  constructor(onSeen) {
    this.#onSeen = onSeen;
    this.#observer = new IntersectionObserver((entries) => this.#sighted(entries), { rootMargin: "120px" });
    new ResizeObserver(() => onSeen()).observe(this.#list);
    this.#list.addEventListener("keydown", (event) => this.#move(event));
    for (let i = 0; i < SKELETONS; i += 1) this.#list.append(fromTemplate("skeleton-template"));
  }

  /** What this view wants to be sent. */
  wanted(state) {
    const seen = [...this.#tiles].filter(([, tile]) => tile.visible).map(([id]) => id);
    if (!seen.length) return null;
    if (!state.showsPictures) return { cameras: seen, frames: "none", max_fps: GRID_FPS };
    const width = Math.max(...seen.map((id) => this.#tiles.get(id).link.clientWidth));
    return { cameras: seen, frames: "annotated", max_fps: GRID_FPS, width: stepWidth(width, TILE_CEILING) };
  }

  draw(header, jpeg) {
    this.#tiles.get(header.camera)?.screen.show(header, jpeg);
  }

  refresh(state, connection, now) {
    if (state.greeted) this.#sync(state.cameras);
    for (const [id, tile] of this.#tiles) tile.refresh(state.cameras.get(id), connection, now, state.showsPictures);
    this.#blank(state, connection);
    setHidden(byId("hint"), this.#tiles.size < 2);
    setText(byId("summary"), this.#summary(state, connection, now));
  }

  /** The screen of a camera's tile, if there is one. */
  screenOf(id) {
    return this.#tiles.get(id)?.screen ?? null;
  }

  focus(id) {
    this.#tiles.get(id)?.link.focus();
  }

  #sync(cameras) {
    if (cameras.size === this.#tiles.size && [...cameras.keys()].every((id) => this.#tiles.has(id))) {
      if (!cameras.size) this.#list.replaceChildren();
      return;
    }
    for (const [id, tile] of this.#tiles) {
      if (cameras.has(id)) continue;
      this.#observer.unobserve(tile.link);
      this.#tiles.delete(id);
    }
    for (const camera of cameras.values()) {
      if (this.#tiles.has(camera.id)) continue;
      const tile = new Tile(camera);
      this.#tiles.set(camera.id, tile);
      this.#observer.observe(tile.link);
    }
    this.#list.replaceChildren(...[...cameras.keys()].map((id) => this.#tiles.get(id).item));
    const columns = cameras.size === 1 ? 1 : cameras.size <= 4 ? 2 : cameras.size <= 9 ? 3 : 4;
    setData(this.#list, "columns", `${columns}`);
  }

  #sighted(entries) {
    for (const entry of entries) {
      const tile = this.#tiles.get(entry.target.dataset.camera);
      if (tile) tile.visible = entry.isIntersecting;
    }
    this.#onSeen();
  }

  #blank(state, connection) {
    const say = (head, detail, sample = false) => {
      setHidden(byId("grid-blank"), false);
      setText(byId("grid-blank-head"), head);
      setText(byId("grid-blank-detail"), detail);
      setHidden(byId("grid-blank-sample"), !sample);
      setHidden(this.#list, true);
    };
    if (state.greeted && !state.cameras.size) {
      say("No cameras yet", "Add one to config.yaml, check it with “streamer check”, and start the program again.", true);
    } else if (!state.greeted && connection.state === "waiting") {
      say(
        "The server can't be reached",
        "Check that the program is running (“streamer run”) and that this device is on its network. This page keeps trying.",
      );
    } else {
      setHidden(byId("grid-blank"), true);
      setHidden(this.#list, false);
    }
  }

  #summary(state, connection, now) {
    if (!state.greeted || !state.cameras.size || connection.state !== "open") return "";
    const cameras = [...state.cameras.values()];
    const live = cameras.filter((camera) => camera.state === "live");
    const faces = cameras.reduce((sum, camera) => sum + (isFresh(camera, now) ? camera.faces : 0), 0);
    return `${live.length} of ${cameras.length} live · ${counted(faces, "face now", "faces now")}`;
  }

  /** Arrow keys go to the nearest tile in their direction, whatever the number of columns. */
  #move(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const from = event.target.closest(".tile");
    if (!step || !from || event.altKey || event.ctrlKey || event.metaKey) return;
    const links = [...this.#tiles.values()].map((tile) => tile.link);
    const target = step[0] ? links[links.indexOf(from) + step[0]] : nearest(from, links, step[1]);
    if (!target) return;
    event.preventDefault();
    target.focus();
  }
}

/** The link in the next row up (-1) or down (1) whose middle is closest. */
function nearest(from, links, direction) {
  const here = from.getBoundingClientRect();
  let best = null;
  for (const link of links) {
    const there = link.getBoundingClientRect();
    const down = (there.top - here.top) * direction;
    if (down < here.height / 2) continue;
    const distance = down * 10 + Math.abs(there.left - here.left);
    if (!best || distance < best.distance) best = { link, distance };
  }
  return best?.link ?? null;
}
