// The lines and zones of the camera in the large view: fetched, drawn over its picture, changed and kept.

import { ApiError, getJson, putJson } from "../api.js";
import { byId, setHidden } from "../dom.js";
import { RuleEditor } from "./editor.js";
import { documentOf, rulesFrom } from "./model.js";
import { RulePanel } from "./panel.js";

export class Rules {
  #camera = null;
  #state = "new"; // "asked", "known" or "failed": while its rules aren't known, nothing may be drawn over them
  #editor;
  #panel;
  #saving = Promise.resolve();
  #editing = false;
  #mayDraw = true;

  /** root: of the screen that shows the picture. */
  constructor(root) {
    this.#editor = new RuleEditor(root);
    this.#panel = new RulePanel(this.#editor);
    this.#editor.addEventListener("change", () => this.#save());
    byId("edit-rules").addEventListener("click", () => this.edit(!this.#editing));
  }

  /** Another camera is shown; null: none. */
  open(camera) {
    this.#camera = camera;
    this.#state = "new";
    this.edit(false);
    this.#panel.clear();
    this.#panel.complain("");
    this.#editor.show([]);
  }

  edit(on) {
    this.#editing = on;
    if (on && this.#state === "failed") this.#load(this.#camera);
    this.#editor.editing = on;
    byId("edit-rules").setAttribute("aria-pressed", `${on}`);
    setHidden(byId("rules-card"), !on);
    this.#panel.refresh();
  }

  get editing() {
    return this.#editing;
  }

  /** camera: one that there is, of state.js. mayDraw: whether its rules may be changed, too. */
  refresh(camera, mayDraw) {
    if (mayDraw !== this.#mayDraw) {
      this.#mayDraw = this.#panel.mayDraw = mayDraw;
      this.#state = "new";
      byId("edit-rules").title = mayDraw ? "Draw lines and zones to count by" : "Lines and zones that are counted by";
    }
    if (this.#state === "new") this.#load(camera.id);
    this.#editor.refresh(camera.size, camera.occupancy);
  }

  /** An event of any camera. */
  happened({ camera, kind, rule, direction }) {
    if (camera !== this.#camera || !rule) return;
    this.#editor.light(rule);
    if (kind === "line_crossed") this.#panel.crossed(rule, direction);
  }

  /** Escape: gives up what is being drawn, then ends editing; false if there was neither. */
  escape() {
    if (this.#editor.cancel()) return true;
    if (!this.#editing) return false;
    this.edit(false);
    byId("edit-rules").focus();
    return true;
  }

  #path(camera) {
    return `api/v1/cameras/${encodeURIComponent(camera)}/rules`;
  }

  async #load(camera) {
    this.#state = "asked";
    this.#panel.allow(false);
    try {
      const document = await getJson(this.#path(camera));
      if (camera !== this.#camera) return;
      this.#state = "known";
      this.#panel.complain("");
      this.#panel.allow(true);
      this.#editor.show(rulesFrom(document, this.#mayDraw));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (camera !== this.#camera) return;
      this.#state = "failed";
      this.#panel.complain(`The lines and zones can't be had: ${error.message} Press “Lines and zones” again to try again.`);
    }
    this.#panel.refresh();
  }

  /** Kept one after another, so that the newest wins. */
  #save() {
    const [camera, document] = [this.#camera, documentOf(this.#editor.rules)];
    this.#saving = this.#saving.then(async () => {
      try {
        await putJson(this.#path(camera), document);
        if (camera === this.#camera) this.#panel.complain("");
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (camera === this.#camera) this.#panel.complain(`Not kept: ${error.message} Change it once more to try again.`);
      }
    });
  }
}
