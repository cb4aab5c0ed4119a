// The header and the banner: whether the page hears the server, said plainly.

import { byId, setData, setHidden, setText } from "./dom.js";
import { capitalized, clock, count } from "./format.js";

/** What is said to those who may not do everything. */
const ROLES = {
  viewer: { text: "Watching only", title: "Your token is for watching: it can't draw lines and zones" },
  operator: { text: "Operator", title: "Your token is for watching, and for drawing lines and zones" },
};

function wait(connection, now) {
  return Math.max(1, Math.ceil((connection.retryAt - now.ticks) / 1000));
}

/** {level, text} of the pill. */
export function linkState(connection, now) {
  switch (connection.state) {
    case "open":
      return { level: "good", text: "Connected" };
    case "refused":
      return { level: "bad", text: "Signed out" };
    case "waiting":
      if (!navigator.onLine) return { level: "bad", text: "Lost – offline" };
      return { level: "bad", text: `Reconnecting in ${wait(connection, now)} s` };
    default:
      return connection.lostAt === null
        ? { level: "warn", text: "Connecting…" }
        : { level: "bad", text: "Reconnecting…" };
  }
}

/** Not a form: this page sends no Referer, and browsers then hide from whom a form comes, so that it is refused. */
async function signOut() {
  await fetch("logout", { method: "POST", redirect: "manual" }).catch(() => {}); // the page that is loaded tells
  location.reload();
}

export class Header {
  #announced = "";

  constructor(connection) {
    byId("banner-action").addEventListener("click", () => {
      if (connection.state === "refused") location.reload();
      else connection.retryNow();
    });
    byId("sign-out").addEventListener("click", signOut);
  }

  refresh(state, connection, now) {
    const link = linkState(connection, now);
    setData(byId("link"), "level", link.level);
    setText(byId("link-text"), link.text);
    setText(byId("version"), state.version);
    setHidden(byId("role"), state.role === "admin");
    setText(byId("role"), ROLES[state.role]?.text ?? state.role);
    byId("role").title = ROLES[state.role]?.title ?? "";
    setHidden(byId("sign-out"), !state.session || connection.state === "refused");
    setHidden(byId("viewers"), connection.state !== "open" || state.viewers === null);
    setText(byId("viewers-count"), count(state.viewers ?? 0));
    setText(byId("viewers-word"), state.viewers === 1 ? " viewer" : " viewers");
    this.#banner(connection, now);
    this.#degraded(connection.state === "open" ? Object.entries(state.degraded) : []);
    this.#announce(connection);
  }

  #banner(connection, now) {
    const refused = connection.state === "refused";
    setHidden(byId("banner"), !refused && (connection.lostAt === null || !connection.wasOpen));
    if (byId("banner").hidden) return;
    const since = clock(now.local - (now.ticks - connection.lostAt) / 1000);
    setText(byId("banner-head"), refused ? "You are signed out." : `Connection lost at ${since}.`);
    const why = connection.reason ? `${capitalized(connection.reason)}. ` : "";
    setText(byId("banner-detail"), refused ? "Sign in again to go on watching." : `${why}What you see is old. The page reconnects by itself.`);
    setText(byId("banner-action"), refused ? "Sign in" : "Try now");
    byId("banner-action").disabled = connection.state === "connecting";
  }

  /** What can't do its work: parts beside the video, and cameras' analysis. */
  #degraded(parts) {
    setHidden(byId("degraded"), !parts.length);
    setHidden(byId("degraded-else"), parts.some(([part]) => part.startsWith("camera ")));
    setText(byId("degraded-detail"), parts.map(([part, problem]) => `${capitalized(part)}: ${problem}`).join("; "));
  }

  /** Told once per change, not with every second of a countdown. */
  #announce(connection) {
    const lost = connection.lostAt !== null;
    const text =
      connection.state === "open"
        ? "Connected"
        : connection.state === "refused"
          ? "Signed out"
          : lost
            ? "Connection lost, reconnecting"
            : "Connecting";
    if (text === this.#announced) return;
    this.#announced = text;
    setText(byId("announce"), text);
  }
}
