// The days that are looked at, in this device's time zone, and those they are compared with. Pure.

export const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const PRESETS = [
  { key: "today", label: "Today", days: 1, ago: 0 },
  { key: "yesterday", label: "Yesterday", days: 1, ago: 1 },
  { key: "7d", label: "7 days", days: 7, ago: 0 },
  { key: "30d", label: "30 days", days: 30, ago: 0 },
];

const MOST_DAYS = 400;
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG_DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "long" });

/** Midnight so many days after a moment's day, as clocks here have it. */
export function midnight(date, days = 0) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

/** "2026-11-24" → that midnight, or null. */
export function parseDay(text) {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? "");
  if (!found) return null;
  const day = new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
  return dayText(day) === text ? day : null;
}

export function dayText(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Whole days between two midnights, whatever clocks did meanwhile. */
function daysBetween(from, to) {
  return Math.round((to - from) / 86_400_000);
}

/** A span of whole days: {key, from, to (the midnight after the last), days, bucket}. */
function span(key, from, days) {
  return { key, from, to: midnight(from, days), days, bucket: days <= 2 ? "hour" : "day" };
}

/** What the address asks for; today if it asks for nothing that makes sense. */
export function periodOf(query, now) {
  const [from, to] = [parseDay(query.get("from")), parseDay(query.get("to") ?? query.get("from"))];
  if (from && to && from <= to && daysBetween(from, to) < MOST_DAYS) return span("custom", from, daysBetween(from, to) + 1);
  const preset = PRESETS.find(({ key }) => key === query.get("range")) ?? PRESETS[0];
  return span(preset.key, midnight(now, 1 - preset.days - preset.ago), preset.days);
}

export function contains(period, moment) {
  return period.from <= moment && moment < period.to;
}

/** The same span so many days earlier. */
export function earlier(period, days) {
  return span(period.key, midnight(period.from, -days), period.days);
}

/** The moment that has the place in another span that this one has in its own: the day of that number, the time by the clock. */
export function sameMoment(period, other, moment) {
  const day = midnight(other.from, daysBetween(period.from, midnight(moment)));
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), moment.getHours(), moment.getMinutes(), moment.getSeconds(), moment.getMilliseconds());
}

/** [{label, period}]: a day is held against the day before and the same weekday a week before, more against as many before. */
export function comparisons(period, now) {
  if (period.days > 1) return [{ label: `the ${period.days} days before`, period: earlier(period, period.days) }];
  const isToday = contains(period, now);
  return [
    { label: isToday ? "yesterday" : "the day before", period: earlier(period, 1) },
    { label: `${WEEKDAY.format(period.from)} a week before`, period: earlier(period, 7) },
  ];
}

/** "24 Nov" */
export function dayLabel(date) {
  return SHORT_DAY.format(date);
}

export function dayWords(date) {
  return DAY.format(date);
}

export function title(period) {
  const last = midnight(period.to, -1);
  return period.days === 1 ? LONG_DAY.format(period.from) : `${DAY.format(period.from)} – ${DAY.format(last)}`;
}

/** The buckets of a period: [{start, end, label, title}], start and end in UTC seconds. A day may have 23 or 25 hours. */
export function buckets(period) {
  const found = [];
  if (period.bucket === "day") {
    for (let day = period.from; day < period.to; day = midnight(day, 1)) {
      found.push({ start: day / 1000, end: midnight(day, 1) / 1000, label: dayLabel(day), title: DAY.format(day) });
    }
    return found;
  }
  for (let hour = period.from.getTime(); hour < period.to.getTime(); hour += 3_600_000) {
    const text = String(new Date(hour).getHours()).padStart(2, "0");
    const day = period.days > 1 ? `${DAY.format(new Date(hour))}, ` : "";
    found.push({ start: hour / 1000, end: hour / 1000 + 3600, label: text, title: `${day}${text}:00` });
  }
  return found;
}
