// The websocket: opens it, notices when it has died, and opens it again.

import { pause } from "./backoff.js";
import { PROTOCOL, parsePicture } from "./wire.js";

const SILENCE = 6000; // ms; the server speaks once a second, so this long without a word means a dead connection
const OPENING = 8000; // ms for one attempt

/**
 * State: "connecting" | "open" | "waiting" (until `retryAt`) | "refused" (only a sign-in helps).
 * Events: "state"; "message" with a parsed text message; "picture" with {header, jpeg}.
 * Times are performance.now().
 */
export class Connection extends EventTarget {
  state = "connecting";
  wasOpen = false;
  lostAt = null;
  retryAt = null;
  reason = "";
  badMessages = 0;

  #url;
  #isSignedOut;
  #socket = null;
  #failures = 0;
  #retry = 0;
  #heard = 0;

  /** isSignedOut: async () => boolean, asked after an attempt that failed. */
  constructor(url, isSignedOut) {
    super();
    this.#url = url;
    this.#isSignedOut = isSignedOut;
  }

  start() {
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.retryNow());
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => {
      this.#heard = performance.now(); // timers and sockets slept with the page: count silence from here
      if (!document.hidden) this.retryNow();
    });
    this.#open();
  }

  retryNow() {
    if (this.state !== "waiting") return;
    clearTimeout(this.#retry);
    this.#open();
  }

  send(message) {
    if (this.state === "open") this.#socket.send(JSON.stringify(message));
  }

  #open() {
    const socket = new WebSocket(this.#url, PROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#heard = performance.now();
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", (event) => this.#received(socket, event.data));
    socket.addEventListener("close", (event) => this.#lost(socket, event.reason));
    this.#become("connecting");
  }

  #opened(socket) {
    if (socket !== this.#socket) return;
    this.wasOpen = true;
    this.lostAt = null;
    this.reason = "";
    this.#become("open");
  }

  #received(socket, data) {
    if (socket !== this.#socket) return;
    this.#heard = performance.now();
    this.#failures = 0; // only a connection that speaks counts as a success
    let name = "picture";
    let detail;
    try {
      if (typeof data === "string") [name, detail] = ["message", JSON.parse(data)];
      else detail = parsePicture(data);
    } catch (error) {
      this.badMessages += 1;
      if (this.badMessages === 1) console.warn("a message that can't be read", error);
      return;
    }
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async #lost(socket, reason) {
    if (socket !== this.#socket) return;
    const refused = this.state === "connecting";
    this.#socket = null;
    this.lostAt ??= performance.now();
    this.#failures += 1;
    this.reason = reason;
    const wait = pause(this.#failures, Math.random());
    this.retryAt = performance.now() + wait;
    this.#retry = setTimeout(() => this.#open(), wait);
    this.#become("waiting");
    if (refused && (await this.#isSignedOut())) this.#refused();
  }

  #refused() {
    if (this.state === "open") return;
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = null;
    this.#become("refused");
  }

  #watch() {
    const limit = this.state === "open" ? SILENCE : OPENING;
    if (this.#socket && !document.hidden && performance.now() - this.#heard > limit) {
      const socket = this.#socket;
      socket.close(); // its close event may come much later, or never: don't wait for it
      this.#lost(socket, "the server fell silent");
    }
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
