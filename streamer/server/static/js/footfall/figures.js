// All figures of a period: asks for them, and has them drawn.

import { byId, setText } from "../dom.js";
import { clock, count, duration } from "../format.js";
import { fetchSnapshot } from "../snapshot.js";
import { ChartCard } from "./chart-card.js";
import { ageGroups, counts, dwell, heat, occupancy, total } from "./data.js";
import { countedIn, loadFlow } from "./flow.js";
import { heatChart } from "./heat.js";
import { histogramChart } from "./histogram.js";
import { occupancyChart } from "./occupancy.js";
import { dayText, dayWords, midnight } from "./period.js";
import { pyramidChart } from "./pyramid.js";
import { Stats } from "./stats.js";

const CARDS = ["flow", "compare", "people", "dwell", "occupancy", "heat"];

export class Figures {
  #cards = Object.fromEntries(CARDS.map((name) => [name, new ChartCard(byId(`chart-${name}`))]));
  #stats = new Stats(byId("stats"));

  wait() {
    for (const card of Object.values(this.#cards)) card.wait();
    this.#stats.wait();
  }

  /** Nothing is on its way any more. */
  rest() {
    for (const card of Object.values(this.#cards)) card.rest();
    this.#stats.rest();
  }

  /** Who is there at this moment, from the live results. */
  now(state, scope, connected) {
    const cameras = [...state.cameras.values()].filter(({ id }) => !scope.camera || id === scope.camera);
    const there = cameras.reduce((sum, camera) => sum + (camera.occupancy[scope.zone] ?? 0), 0);
    this.#stats.now(connected && cameras.some((camera) => camera.state === "live") ? there : null);
  }

  /** Throws ApiError or AbortError. look: {scope, period, now (Date), rules, state}. */
  async load(look, signal) {
    const view = { ...look, file: fileName(look) };
    await Promise.all([
      this.#flow(view, signal),
      this.#people(view, signal),
      this.#dwell(view, signal),
      this.#occupancy(view, signal),
      this.#heat(view, signal),
    ]);
  }

  async #flow(view, signal) {
    const flow = await loadFlow(view, signal);
    setText(byId("chart-flow-title"), flow.title);
    setText(byId("chart-compare-title"), flow.comparedTitle);
    this.#cards.flow.show(flow.bars);
    this.#cards.compare.show(flow.compared);
    this.#stats.sums(flow.sums);
  }

  async #people({ scope, period, now, file }, signal) {
    const counted = countedIn(scope);
    const [groups, rows] = await Promise.all([
      ageGroups(signal),
      counts(counted, scope, period, { bucket: "total", groupBy: ["gender", "age_group"] }, signal),
    ]);
    const all = total(rows);
    if (!all) {
      this.#cards.people.blank(period.to <= now ? "Nobody in this time." : "Nobody yet. Age and gender of a visit are settled when it ends.");
      return;
    }
    const cell = (group, gender) => total(rows, (row) => row.ageGroup === group && row.gender === gender);
    const unknown = total(rows, (row) => row.ageGroup === "unknown" || row.gender === "unknown");
    const note = unknown
      ? `${count(all)} ${counted}; age or gender unknown for ${count(unknown)} of them`
      : `${count(all)} ${counted}`;
    this.#cards.people.show(pyramidChart({ name: "Age and gender", file: `${file}-age-gender`, note, groups, counted: cell }));
  }

  async #dwell({ scope, period, now, file }, signal) {
    const { spans, median } = await dwell(scope, period, signal);
    const what = scope.zone ? "stays" : "visits";
    this.#stats.dwell(median);
    if (median === null) {
      this.#cards.dwell.blank(`No ${what} have ended in this time${period.to <= now ? "" : " yet"}.`);
      return;
    }
    const note = `Half of the ${what} lasted up to ${duration(median)}`;
    this.#cards.dwell.show(histogramChart({ name: `How long ${what} lasted`, file: `${file}-dwell`, note, spans, what }));
  }

  async #occupancy({ scope, period, now, file }, signal) {
    const points = await occupancy(scope, period, signal);
    const known = points.filter((point) => point.mean !== null);
    if (!known.length) {
      this.#cards.occupancy.blank(period.to <= now ? "No camera was up in this time." : "Nothing yet. A minute is drawn when it is over.");
      this.#stats.peak(null, "");
      return;
    }
    const top = known.reduce((best, point) => (point.peak > best.peak ? point : best));
    this.#stats.peak(top.peak, period.days === 1 ? `at ${clock(top.start).slice(0, 5)}` : `on ${dayWords(new Date(top.start * 1000))}`);
    const legend = [{ label: "mean", tone: "area" }, { label: "most at one time", tone: "peak" }];
    const chart = occupancyChart({ name: "How many at the same time", file: `${file}-occupancy`, points, period, now: now / 1000 });
    this.#cards.occupancy.show({ ...chart, legend });
  }

  async #heat({ scope, period, state, file }, signal) {
    if (!scope.camera) {
      this.#cards.heat.blank("Choose one camera to see where on its picture faces were.");
      return;
    }
    const found = await heat(scope.camera, period, signal);
    const since = new Date(found.since * 1000);
    const known = `${dayWords(since)}, ${clock(found.since).slice(0, 5)}`;
    if (!found.seconds.some((row) => row.some((seconds) => seconds > 0))) {
      const before = period.to / 1000 <= found.since;
      this.#cards.heat.blank(before ? `Nothing is known from before ${known}.` : "No face yet in this time.");
      return;
    }
    const picture = state.showsPictures ? await fetchSnapshot(scope.camera, "clean", signal).then(createImageBitmap).catch(() => null) : null;
    const note = since > period.from ? `From ${known}, on` : "";
    const name = `Where faces were at ${state.cameras.get(scope.camera)?.name ?? scope.camera}`;
    this.#cards.heat.show(heatChart({ name, file: `${file}-heat`, note, heat: found, picture }));
  }
}

function fileName({ scope, period }) {
  const what = [scope.camera, scope.line, scope.zone].filter(Boolean).join("-").replace(/[^\p{L}\p{N}_-]+/gu, "-");
  const last = period.days > 1 ? dayText(midnight(period.to, -1)) : "";
  return ["footfall", what, dayText(period.from), last].filter(Boolean).join("-");
}
