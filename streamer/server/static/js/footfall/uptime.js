// Time in which a camera was down: shown as such, never as zero.

import { duration, percent } from "../format.js";
import { svg } from "../svg.js";

const NEARLY = 0.985; // of a bucket; a shorter gap isn't worth a word

/** Shares of each bucket in which the cameras were up; null where nothing is known (not yet, or not any more). */
export function isDown(up) {
  return up !== null && up <= 0;
}

export function isPartly(up) {
  return up !== null && up > 0 && up < NEARLY;
}

/** What is said of a bucket beside its figures; "" where nothing has to be. */
export function downWords(bucket, up, now) {
  if (bucket.start >= now) return "still to come";
  if (isDown(up)) return "camera down";
  if (!isPartly(up)) return "";
  const seconds = (1 - up) * (Math.min(bucket.end, now) - bucket.start);
  return `camera down for ${duration(seconds)}`;
}

/** For a table: a share in words. */
export function upCell(up) {
  return up === null ? null : percent(up).replace("\u00a0", " ");
}

/** The word for the hatched ground, where there is any. */
export function downLegend(ups) {
  return ups.some((up) => isDown(up) || isPartly(up)) ? [{ label: "camera down", tone: "camera-down" }] : [];
}

/** The hatched ground of a plot's slots: the whole height where the camera was down, a strip below where it was for a part. */
export function downGround(plot, ups) {
  return ups.map((up, index) => {
    if (!isDown(up) && !isPartly(up)) return null;
    const { x, width } = plot.slot(index, ups.length);
    const place = isDown(up) ? { y: plot.top, height: plot.inner.height } : { y: plot.floor + 2, height: 6 };
    return svg("rect", { class: "down", fill: plot.hatched, x, width, ...place });
  });
}
