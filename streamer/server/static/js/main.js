// The page: brings the connection, what is known, and what is shown together.

import { CameraView } from "./camera-view.js";
import { Connection } from "./connection.js";
import { byId, setData, setHidden } from "./dom.js";
import { Feed } from "./feed.js";
import { GridView } from "./grid.js";
import { Header } from "./header.js";
import { readRoute } from "./router.js";
import { eventFrom, State } from "./state.js";
import { NOTHING, Subscription } from "./subscription.js";
import { startTheme } from "./theme.js";
import { socketUrl } from "./wire.js";

const REFRESH = 250; // ms between updates of text; pictures are drawn as they come

const state = new State();
const connection = new Connection(socketUrl(document.baseURI), isSignedOut);
const subscription = new Subscription(connection);
const header = new Header(connection);
const feed = new Feed((id) => state.cameras.get(id)?.name ?? id);
const grid = new GridView(ask);
const camera = new CameraView(ask);
let route = { view: "grid", id: null };

/** A token that ended shows as an answer that isn't the API's. */
async function isSignedOut() {
  const answer = await fetch("api/v1/status", { cache: "no-store", redirect: "manual" }).catch(() => null);
  return answer !== null && (answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect");
}

/** Ask for what can be seen now. */
function ask() {
  const view = route.view === "camera" ? camera : grid;
  const seen = document.hidden ? NOTHING : (view.wanted(state) ?? NOTHING);
  state.want(seen.cameras);
  subscription.want(seen);
}

function refresh() {
  const now = state.now();
  header.refresh(state, connection, now);
  if (route.view === "camera") camera.refresh(state, connection, now);
  else grid.refresh(state, connection, now);
}

function go() {
  const before = route;
  route = readRoute(location.hash);
  const large = route.view === "camera";
  setData(byId("main"), "view", route.view);
  setHidden(byId("grid-view"), large);
  setHidden(byId("camera-view"), !large);
  setHidden(byId("people"), !large);
  camera.open(route.id, grid.screenOf(route.id));
  feed.filter(route.id);
  refresh();
  ask();
  if (large && before.id !== route.id) {
    scrollTo(0, 0);
    byId("camera-title").focus({ preventScroll: true });
  } else if (!large && before.view === "camera") {
    grid.focus(before.id);
  }
  document.title = large ? `${state.cameras.get(route.id)?.name ?? route.id} – streamer` : "streamer";
}

function receive(message) {
  switch (message.type) {
    case "hello":
      state.hello(message);
      go();
      break;
    case "stats":
      state.stats(message);
      break;
    case "result":
      state.result(message);
      break;
    case "event":
      feed.add(eventFrom(message));
      break;
    case "error":
      console.warn(`the server says: ${message.code}: ${message.message}`);
      break;
    default: // pong, and kinds that a later server may add
  }
}

function keydown(event) {
  if (route.view !== "camera" || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape" && !document.fullscreenElement) location.hash = "#/";
  else if (camera.key(event.key)) event.preventDefault();
}

startTheme(byId("theme"), byId("theme-icon"));
connection.addEventListener("message", (event) => receive(event.detail));
connection.addEventListener("picture", ({ detail }) => {
  state.result(detail.header);
  (route.view === "camera" ? camera : grid).draw(detail.header, detail.jpeg);
});
connection.addEventListener("state", () => {
  if (connection.state === "open") {
    state.forgetWaiting();
    ask();
  }
  refresh();
});
addEventListener("hashchange", go);
addEventListener("keydown", keydown);
document.addEventListener("visibilitychange", () => {
  ask();
  refresh();
});
setInterval(refresh, REFRESH);
go();
connection.start();
