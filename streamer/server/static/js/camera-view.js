// The large view of one camera, its people beside it.

import { byId, setData, setHidden, setText } from "./dom.js";
import { Facts } from "./facts.js";
import { pill, screenHealth } from "./health.js";
import { People } from "./people.js";
import { cameraRoute } from "./router.js";
import { Rules } from "./rules/rules.js";
import { Screen } from "./screen.js";
import { saveSnapshot } from "./snapshot.js";
import { personFrom } from "./state.js";
import { stepWidth } from "./subscription.js";

const PRIVACY_NOTES = {
  blur: "Faces are blurred in every picture, as the config asks.",
  metadata_only: "No picture leaves the program, as the config asks: only where faces are, and what is known of them.",
};

export class CameraView {
  #id = null;
  #kind = "annotated";
  #result = null;
  #neighbours = { previous: null, next: null };
  #root = byId("camera-screen");
  #screen;
  #people;
  #facts = new Facts();
  #rules;
  #onWant;

  /** onWant(): called when something else is wanted from the server. */
  constructor(onWant) {
    this.#onWant = onWant;
    this.#screen = new Screen(this.#root, (header) => (this.#result = header));
    this.#rules = new Rules(this.#root);
    this.#people = new People((id) => this.#screen.light(id));
    this.#root.addEventListener("pointermove", (event) => this.#people.point(this.#faceAt(event)));
    this.#root.addEventListener("pointerleave", () => this.#people.point(null));
    this.#root.addEventListener("click", (event) => this.#people.pin(this.#faceAt(event)));
    byId("kinds").addEventListener("click", (event) => this.#choose(event.target.dataset.kind));
    byId("snapshot").addEventListener("click", () => this.#save());
    byId("fullscreen").addEventListener("click", () => this.#toggleFullScreen());
    byId("previous").addEventListener("click", () => this.#go("previous"));
    byId("next").addEventListener("click", () => this.#go("next"));
    new ResizeObserver(() => onWant()).observe(this.#root);
  }

  /** Show this camera; null: none. tile: a screen that shows it already, or null. */
  open(id, tile) {
    if (id === this.#id) return;
    this.#id = id;
    this.#result = null;
    this.#screen.clear();
    this.#people.clear();
    this.#rules.open(id);
    if (tile) this.#screen.copy(tile);
    this.#complain("");
  }

  wanted(state) {
    if (!state.cameras.has(this.#id)) return null;
    if (!state.showsPictures) return { cameras: [this.#id], frames: "none" };
    return { cameras: [this.#id], frames: this.#kind, width: stepWidth(this.#root.clientWidth) };
  }

  draw(header, jpeg) {
    if (header.camera === this.#id) this.#screen.show(header, jpeg);
  }

  refresh(state, connection, now) {
    const camera = state.cameras.get(this.#id);
    if (!camera) {
      this.#missing(state, connection);
      return;
    }
    const connected = connection.state === "open";
    const health = screenHealth(camera, this.#screen.frameAt, connection, now);
    const { level, text } = pill(camera, health, connected, now);
    setHidden(this.#root, false);
    setHidden(byId("facts"), false);
    setHidden(byId("camera-state"), false);
    setHidden(byId("tools"), false);
    setText(byId("camera-title"), camera.name);
    setData(byId("camera-state"), "level", level);
    setText(byId("camera-state-text"), text);
    byId("snapshot").disabled = !connected || this.#screen.frameAt === null;
    setHidden(byId("kinds"), !state.showsPictures);
    setHidden(byId("snapshot"), !state.showsPictures);
    this.#screen.label = state.showsPictures ? `Live picture of ${camera.name}` : `Places of the faces at ${camera.name}`;
    this.#screen.tell(health);
    this.#rules.refresh(camera, state.mayDraw);
    this.#facts.refresh(camera, this.#screen.frameAt, connected, now);
    this.#refreshPeople(health, now, state);
    this.#findNeighbours([...state.cameras.keys()]);
  }

  /** An event of any camera. */
  happened(event) {
    this.#rules.happened(event);
  }

  /** Keys of this view; true if the key was one. */
  key(key) {
    if (key === "Escape") return this.#rules.escape();
    if (this.#rules.editing) return false; // arrows move what is drawn
    const act = {
      ArrowLeft: () => this.#go("previous"),
      ArrowRight: () => this.#go("next"),
      f: () => this.#toggleFullScreen(),
    }[key];
    act?.();
    return Boolean(act);
  }

  #refreshPeople(health, now, state) {
    setHidden(byId("people"), false);
    if (!health.live || !this.#result) {
      this.#people.refresh(null, now.epoch, "Known again as soon as the picture is live.");
      return;
    }
    const people = this.#result.objects.map(personFrom).sort((a, b) => a.since - b.since || a.id - b.id);
    const privacy = PRIVACY_NOTES[state.privacy] ?? "";
    this.#people.refresh(people, now.epoch, people.length ? privacy : "Nobody in view. A face is listed once it has been seen for a moment.");
  }

  #missing(state, connection) {
    setHidden(byId("people"), true);
    setHidden(byId("facts"), true);
    setHidden(this.#root, true);
    setHidden(byId("camera-state"), true);
    setHidden(byId("tools"), true);
    setText(byId("camera-title"), this.#id);
    if (state.greeted) this.#complain(`There is no camera “${this.#id}” ${state.role === "admin" ? "in the config" : "that your token is for"}. Go back to see those there are.`);
    else if (connection.state === "waiting") this.#complain("The server can't be reached. This page keeps trying.");
    else this.#complain("");
  }

  #complain(text) {
    setHidden(byId("camera-problem"), !text);
    setText(byId("camera-problem"), text);
  }

  #faceAt(event) {
    return this.#root.dataset.live === "yes" ? this.#screen.faceAt(event.clientX, event.clientY) : null;
  }

  #choose(kind) {
    if (!kind) return;
    this.#kind = kind;
    for (const button of byId("kinds").children) button.setAttribute("aria-pressed", `${button.dataset.kind === kind}`);
    this.#onWant();
  }

  async #save() {
    byId("snapshot").disabled = true;
    try {
      await saveSnapshot(this.#id, this.#kind);
      this.#complain("");
    } catch (error) {
      this.#complain(error.message);
    }
    byId("snapshot").disabled = false;
  }

  #toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#root.requestFullscreen().catch(() => this.#complain("This browser doesn't allow full screen here."));
  }

  #findNeighbours(ids) {
    const here = ids.indexOf(this.#id);
    this.#neighbours = { previous: ids[here - 1] ?? null, next: ids[here + 1] ?? null };
    setHidden(byId("siblings"), ids.length < 2);
    byId("previous").disabled = this.#neighbours.previous === null;
    byId("next").disabled = this.#neighbours.next === null;
  }

  #go(where) {
    const id = this.#neighbours[where];
    if (id !== null) location.replace(cameraRoute(id));
  }
}
