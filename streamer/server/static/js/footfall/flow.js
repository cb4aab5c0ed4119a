// Visits, crossings or stays over time: the bars, the comparison with earlier days, and their sums.

import { barChart } from "./bars.js";
import { compareChart } from "./compare.js";
import { byBucket, counts, total, upByBucket } from "./data.js";
import { buckets, comparisons, contains, sameMoment } from "./period.js";
import { isDown } from "./uptime.js";

/** What is counted where this is looked at: the API's word. */
export function countedIn({ line, zone }) {
  if (zone) return "stays";
  return line ? "crossings" : "visits";
}

/** look: {scope, period, now (Date), rules, file}. Returns {bars, compared, sums}: two charts, and figures for `Stats`. */
export async function loadFlow({ scope, period, now, rules, file }, signal) {
  const counted = countedIn(scope);
  const { bucket } = period;
  const before = comparisons(period, now);
  const [own, crossed, ...theirs] = await Promise.all([
    counts(counted, scope, period, { bucket }, signal),
    scope.zone ? [] : counts("crossings", scope, period, { bucket, groupBy: ["direction"] }, signal),
    ...before.map((each) => counts(counted, scope, each.period, { bucket }, signal)),
  ]);
  const slots = buckets(period);
  const common = { buckets: slots, ups: upByBucket(own, slots), now: now / 1000, first: bucket };
  const hasFlow = !scope.zone && (rules.lines.length > 0 || total(crossed) > 0);
  const ownValues = byBucket(own, slots);
  const isWatched = common.ups.some((up) => up !== null && !isDown(up)); // else nothing is known, which isn't zero
  const series = hasFlow ? directions(crossed, slots) : [{ label: counted, tone: "visits", values: ownValues }];
  const earlier = before.map((each, place) => ({ label: each.label, tone: `before-${place + 1}`, values: alignedTo(slots, each.period, theirs[place]) }));
  const compared = [{ label: period.days === 1 ? (contains(period, now) ? "today" : "that day") : "these days", tone: "now", values: ownValues }, ...earlier];
  return {
    title: `${hasFlow ? "In and out" : capital(counted)} by ${bucket}`,
    comparedTitle: `${capital(counted)} compared`,
    bars: barChart({ ...common, name: `${series.map(({ label }) => label).join(" and ")} by ${bucket}`, file: `${file}-by-${bucket}`, series }),
    compared: compareChart({ ...common, name: `${capital(counted)}, ${compared.map(({ label }) => label).join(", ")}`, file: `${file}-compared`, series: compared }),
    sums: {
      name: `${capital(counted)}${contains(period, now) ? " so far" : ""}`,
      value: isWatched ? total(own) : null,
      against: await Promise.all(before.map((each) => sumBefore(counted, scope, period, each, now, signal))),
      hasFlow,
      flow: hasFlow && isWatched ? ["in", "out"].map((direction) => total(crossed, (row) => row.direction === direction)) : null,
    },
  };
}

function directions(crossed, slots) {
  return ["in", "out"].map((direction) => ({ label: direction, tone: direction, values: byBucket(crossed, slots, (row) => row.direction === direction) }));
}

/** An earlier period's values, laid beside the slots of this one; null where its cameras were down. */
function alignedTo(slots, period, rows) {
  const theirs = buckets(period);
  const sums = byBucket(rows, theirs);
  const ups = upByBucket(rows, theirs);
  return slots.map((slot, index) => {
    // a day may have 23 or 25 hours: an hour is held against that of the same name
    const at = period.days === 1 ? theirs.findIndex(({ label }) => label === slot.label) : index;
    return ups[at] > 0 ? sums[at] : null;
  });
}

/** An earlier period's sum, up to the same time of day while this one still runs. */
async function sumBefore(counted, scope, period, { label, period: each }, now, signal) {
  const runs = contains(period, now);
  const to = (runs ? sameMoment(period, each, now) : each.to) / 1000;
  const rows = await counts(counted, scope, each, { bucket: "total", to }, signal);
  return { label, value: rows.some((row) => row.up > 0) ? total(rows) : null, upToNow: runs };
}

function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
