// One live picture: decodes the newest JPEG, draws it, lights up a face, and says so when it isn't live.

import { fromTemplate, setData, setHidden, setText } from "./dom.js";
import { plainGround } from "./plain-ground.js";

const LIT = "#ffffff";

export class Screen {
  #root;
  #picture;
  #overlay;
  #veil;
  #plainNote;
  #pending = null;
  #decoding = false;
  #epoch = 0;
  #lit = null;
  #drawn = null;
  #onDrawn;
  frameAt = null; // when the frame on the screen was captured, performance.now()

  /** onDrawn(header): called when the picture that this result describes is on the screen. */
  constructor(root, onDrawn = () => {}) {
    this.#root = root;
    this.#onDrawn = onDrawn;
    root.replaceChildren(fromTemplate("screen-template"));
    this.#picture = root.querySelector(".picture");
    this.#overlay = root.querySelector(".overlay");
    this.#plainNote = root.querySelector(".plain-note");
    this.#veil = {
      root: root.querySelector(".veil"),
      head: root.querySelector(".veil-head"),
      detail: root.querySelector(".veil-detail"),
    };
  }

  set label(text) {
    this.#picture.setAttribute("aria-label", text);
  }

  /** The newest picture wins: at most one is being decoded and one waits. jpeg: null where none may be shown. */
  show(header, jpeg) {
    setHidden(this.#plainNote, jpeg !== null);
    if (jpeg === null) {
      this.#draw(plainGround(header), header);
      return;
    }
    this.#pending = { header, jpeg };
    if (!this.#decoding) this.#decode();
  }

  /** Forget the picture, so that another camera's never stands under this one's name. */
  clear() {
    this.#epoch += 1;
    this.#pending = null;
    this.#drawn = null;
    this.#lit = null;
    this.frameAt = null;
    this.#picture.width = this.#overlay.width = 16;
    this.#picture.height = this.#overlay.height = 9;
  }

  /** Begin with what another screen shows, until the first picture of this one comes. */
  copy(other) {
    if (other.frameAt !== null) this.#draw(other.#picture, other.#drawn);
  }

  /** A track's id, or null. Its box is drawn brightly and the rest of the picture dimmed. */
  light(id) {
    if (this.#lit === id) return;
    this.#lit = id;
    this.#drawOverlay();
  }

  /** health: as made by health.js. */
  tell(health) {
    setData(this.#root, "live", health.live ? "yes" : "no");
    setHidden(this.#veil.root, health.live);
    if (health.live) return;
    setData(this.#veil.root, "busy", health.busy ? "yes" : "no");
    setText(this.#veil.head, health.head);
    setText(this.#veil.detail, health.detail);
  }

  /** The id of the face under a point of the page, or null. */
  faceAt(clientX, clientY) {
    if (!this.#drawn) return null;
    const frame = this.#picture.getBoundingClientRect();
    const scale = Math.min(frame.width / this.#picture.width, frame.height / this.#picture.height);
    const x = (clientX - frame.left - (frame.width - this.#picture.width * scale) / 2) / scale / this.#picture.width;
    const y = (clientY - frame.top - (frame.height - this.#picture.height * scale) / 2) / scale / this.#picture.height;
    const inside = ({ detection: { bounding_box: box } }) =>
      x >= box.x_min && x <= box.x_max && y >= box.y_min && y <= box.y_max;
    return this.#drawn.objects.find(inside)?.id ?? null;
  }

  async #decode() {
    this.#decoding = true;
    while (this.#pending) {
      const { header, jpeg } = this.#pending;
      const epoch = this.#epoch;
      this.#pending = null;
      const bitmap = await createImageBitmap(jpeg).catch(() => null); // a broken picture is skipped, the next one comes
      if (bitmap && epoch === this.#epoch) this.#draw(bitmap, header);
      bitmap?.close();
    }
    this.#decoding = false;
  }

  #draw(source, header) {
    const { width, height } = source;
    if (this.#picture.width !== width || this.#picture.height !== height) {
      this.#picture.width = this.#overlay.width = width;
      this.#picture.height = this.#overlay.height = height;
    }
    this.#picture.getContext("2d", { alpha: false }).drawImage(source, 0, 0);
    this.#drawn = header;
    this.frameAt = header.frameAt;
    this.#drawOverlay();
    this.#onDrawn(header);
  }

  #drawOverlay() {
    const context = this.#overlay.getContext("2d");
    const { width, height } = this.#overlay;
    context.clearRect(0, 0, width, height);
    const face = this.#lit === null ? null : this.#drawn?.objects.find((object) => object.id === this.#lit);
    if (!face) return;
    const box = face.detection.bounding_box;
    const [x, y] = [box.x_min * width, box.y_min * height];
    const [w, h] = [(box.x_max - box.x_min) * width, (box.y_max - box.y_min) * height];
    context.fillStyle = "rgb(6 9 12 / 55%)";
    context.fillRect(0, 0, width, height);
    context.clearRect(x, y, w, h);
    context.lineWidth = Math.max(2, width / 320);
    context.strokeStyle = LIT;
    context.strokeRect(x, y, w, h);
  }
}
