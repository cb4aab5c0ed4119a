// Figures and times as people read them.

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const COUNT = new Intl.NumberFormat("en-GB");

export const NONE = "–";

/** UTC seconds since the epoch → local time of day. */
export function clock(epoch) {
  return CLOCK.format(new Date(epoch * 1000));
}

export function count(number) {
  return COUNT.format(number);
}

export function counted(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** What a camera's analysis is reduced to → "reduced to 5 looks a second: …", "reduced to 6 fps, 480 px, 1 face a frame: the machine is busy". */
export function reduction({ interval, fps, width, readings, deblock }) {
  const parts = [
    fps ? `${Math.round(fps)}\u00a0fps` : interval && `${Math.round(1 / interval)} looks a second`,
    width && `${width}\u00a0px`,
    readings && `${counted(readings, "face", "faces")} a frame`,
    deblock === false && "a coarser picture",
  ];
  return `reduced to ${parts.filter(Boolean).join(", ")}: the machine is busy`;
}

/** Seconds → "0:08", "2:05", "1:02:05". */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}

/** Seconds → "8 s", "2 min 05 s", "1 h 02 min", with spaces that don't break. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}\u00a0s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0min\u00a0${two(whole % 60)}\u00a0s`;
  return `${Math.floor(whole / 3600)}\u00a0h\u00a0${two(Math.floor((whole % 3600) / 60))}\u00a0min`;
}

/** Milliseconds → "84 ms", "1.2 s", "14 s". */
export function age(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))}\u00a0ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)}\u00a0s`;
  return duration(milliseconds / 1000);
}

export function rate(perSecond) {
  return `${perSecond.toFixed(1)}\u00a0fps`;
}

export function percent(fraction) {
  return `${Math.round(fraction * 100)}\u00a0%`;
}

export function size([width, height]) {
  return `${width} × ${height}`;
}

/** An age's label as it is on the picture: "25-31" or "(25-32)" → "25–31 years", "28-28" → "28 years". */
export function years(label) {
  const [from, to] = label.replace(/[()]/g, "").split("-");
  return `${from === to ? from : `${from}–${to}`}\u00a0years`;
}

/** A sentence's first letter in upper case; an address or a path stays as it is. */
export function capitalized(text) {
  return /^[a-z]+(\W?\s|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
