// The figures that the API answers, in the page's own words. Times are UTC seconds.

import { getJson } from "../api.js";
import { TIME_ZONE } from "./period.js";

const STEP = 600; // seconds

/** What is looked at: camera, line and zone, each "" for all. */
export function scopeOf(query, cameras) {
  const camera = query.get("camera") || (cameras.length === 1 ? cameras[0].id : "");
  return { camera, line: query.get("line") ?? "", zone: query.get("zone") ?? "" };
}

/** Counts: [{start, direction, gender, ageGroup, count, up}]; count: null where the cameras were down all the time. */
export async function counts(what, scope, period, { bucket, groupBy = [], to = period.to / 1000 }, signal) {
  const { rows } = await getJson(
    "api/v1/footfall",
    { count: what, ...scope, from: period.from / 1000, to, bucket, group_by: groupBy.join(","), tz: TIME_ZONE },
    signal,
  );
  return rows.map((row) => ({ ...row, ageGroup: row.age_group }));
}

let groups = null;

/** Names of the age groups of the config, youngest first, and "unknown"; they can't change while the program runs. */
export async function ageGroups(signal) {
  groups ??= (await getJson("api/v1/status", {}, signal)).age_groups;
  return groups;
}

/** Names of the lines and zones of a camera: {lines, zones}. */
export async function ruleNames(camera, signal) {
  if (!camera) return { lines: [], zones: [] };
  const { lines, zones } = await getJson(`api/v1/cameras/${encodeURIComponent(camera)}/rules`, {}, signal);
  return { lines: lines.map(({ name }) => name), zones: zones.map(({ name }) => name) };
}

export function heat(camera, period, signal) {
  return getJson(`api/v1/cameras/${encodeURIComponent(camera)}/heat`, { from: period.from / 1000, to: period.to / 1000 }, signal);
}

/** Sums by bucket: for each of these buckets the count of rows that pass. */
export function byBucket(rows, buckets, passes = () => true) {
  const sums = new Map();
  for (const row of rows) if (passes(row)) sums.set(row.start, (sums.get(row.start) ?? 0) + (row.count ?? 0));
  return buckets.map(({ start }) => sums.get(start) ?? 0);
}

/** Shares of each bucket in which the cameras were up; null where nothing is known. */
export function upByBucket(rows, buckets) {
  const shares = new Map(rows.map((row) => [row.start, row.up]));
  return buckets.map(({ start }) => shares.get(start) ?? null);
}

export function total(rows, passes = () => true) {
  return rows.reduce((sum, row) => sum + (passes(row) ? (row.count ?? 0) : 0), 0);
}

/** How long it lasted: {spans: [{from, to (s; null: open), count}], median (s; null: nothing has ended)}. */
export function dwell(scope, period, signal) {
  return getJson("api/v1/dwell", { ...scope, from: period.from / 1000, to: period.to / 1000 }, signal);
}

/**
 * How many were there: [{start, end, mean, peak}], in order; null where nothing was observed. Days are shown in steps of
 * ten minutes, longer times by the hour, as the API has them.
 */
export async function occupancy({ camera, zone }, period, signal) {
  const fine = period.days <= 2;
  const { rows } = await getJson(
    "api/v1/occupancy",
    { camera, zone, from: period.from / 1000, to: period.to / 1000, bucket: fine ? "minute" : "hour", tz: TIME_ZONE },
    signal,
  );
  return fine ? inSteps(rows, STEP) : rows;
}

/** Minutes put together: means weighted by how long each was observed. */
function inSteps(rows, length) {
  const steps = [];
  for (const row of rows) {
    const start = row.start - (row.start % length);
    if (steps.at(-1)?.start !== start) steps.push({ start, end: start + length, seconds: 0, people: 0, mean: null, peak: null });
    const step = steps.at(-1);
    if (row.mean === null) continue;
    step.seconds += row.observed;
    step.people += row.mean * row.observed;
    step.mean = step.people / step.seconds;
    step.peak = Math.max(step.peak ?? 0, row.peak);
  }
  return steps;
}
