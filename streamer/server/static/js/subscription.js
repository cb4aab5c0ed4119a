// Asks the server for just what can be seen: sends a subscription when it differs from the last one.

const SETTLE = 120; // ms; scrolling and resizing come in bursts

/** No pictures and no results, as while the page is hidden; what happens is heard of all the same. */
export const NOTHING = { cameras: [], frames: "none" };

export class Subscription {
  #connection;
  #wanted = NOTHING;
  #sent = "";
  #timer = 0;

  constructor(connection) {
    this.#connection = connection;
    connection.addEventListener("state", () => {
      this.#sent = "";
      if (connection.state === "open") this.#send();
    });
  }

  want(wanted) {
    this.#wanted = wanted;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), SETTLE);
  }

  #send() {
    const message = { type: "subscribe", events: "*", ...this.#wanted };
    const text = JSON.stringify(message);
    if (this.#connection.state !== "open" || text === this.#sent) return;
    this.#sent = text;
    this.#connection.send(message);
  }
}

const WIDTHS = [320, 480, 640, 960, 1280, 1600, 1920];

/** CSS pixels → the width to ask for: the next step up, so that small changes of layout don't ask for a new variant. */
export function stepWidth(cssPixels, ceiling = 1920) {
  const pixels = Math.min(cssPixels * Math.min(devicePixelRatio, 2), ceiling);
  return WIDTHS.find((width) => width >= pixels) ?? WIDTHS.at(-1);
}
