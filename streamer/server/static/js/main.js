// The page: brings the connection, what is known, and what is shown together.

import { CameraView } from "./camera-view.js";
import { Connection } from "./connection.js";
import { byId, setData, setHidden } from "./dom.js";
import { Feed } from "./feed.js";
import { FootfallView } from "./footfall/view.js";
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
const feed = new Feed(nameOf);
const grid = new GridView(ask);
const camera = new CameraView(ask);
const footfall = new FootfallView();
const views = { grid, camera, footfall };
let route = readRoute("");

/** A token that ended shows as an answer that isn't the API's. */
async function isSignedOut() {
  const answer = await fetch("api/v1/status", { cache: "no-store", redirect: "manual" }).catch(() => null);
  return answer !== null && (answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect");
}

/** Ask for what can be seen now. */
function ask() {
  const seen = document.hidden ? NOTHING : (views[route.view].wanted(state) ?? NOTHING);
  state.want(seen.cameras);
  subscription.want(seen);
}

function refresh() {
  const now = state.now();
  header.refresh(state, connection, now);
  views[route.view].refresh(state, connection, now);
}

function go() {
  const before = route;
  route = readRoute(location.hash);
  setData(byId("main"), "view", route.view);
  for (const name of Object.keys(views)) setHidden(byId(`${name}-view`), name !== route.view);
  setHidden(byId("side"), route.view === "footfall");
  setHidden(byId("people"), route.view !== "camera");
  setCurrent(byId("to-live"), route.view !== "footfall");
  setCurrent(byId("to-footfall"), route.view === "footfall");
  camera.open(route.id, grid.screenOf(route.id));
  feed.filter(route.id);
  if (route.view === "footfall") footfall.open(route.query);
  else footfall.close();
  refresh();
  ask();
  if (before.view !== route.view || before.id !== route.id) focusOn(route, before);
  document.title = { grid: "streamer", camera: `${nameOf(route.id)} – streamer`, footfall: "Footfall – streamer" }[route.view];
}

function nameOf(id) {
  return state.cameras.get(id)?.name ?? id;
}

function setCurrent(link, current) {
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

/** Where the keyboard goes on after another view was opened. */
function focusOn(now, before) {
  if (now.view === "grid") {
    if (before.view === "camera") grid.focus(before.id);
    return;
  }
  scrollTo(0, 0);
  byId(`${now.view}-title`).focus({ preventScroll: true });
}

function happened(event) {
  feed.add(event);
  camera.happened(event);
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
      if (!state.showsPictures) views[route.view].draw?.(message, null);
      break;
    case "event":
      happened(eventFrom(message));
      break;
    case "error":
      console.warn(`the server says: ${message.code}: ${message.message}`);
      break;
    default: // pong, and kinds that a later server may add
  }
}

function keydown(event) {
  if (route.view !== "camera" || event.altKey || event.ctrlKey || event.metaKey) return;
  if (camera.key(event.key)) event.preventDefault();
  else if (event.key === "Escape" && !document.fullscreenElement) location.hash = "#/";
}

startTheme(byId("theme"), byId("theme-icon"));
connection.addEventListener("message", (event) => receive(event.detail));
connection.addEventListener("picture", ({ detail }) => {
  state.result(detail.header);
  views[route.view].draw?.(detail.header, detail.jpeg);
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
