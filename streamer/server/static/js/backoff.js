// How long to wait before the next attempt: doubles up to a ceiling, with jitter so that many pages don't return at once.

const FIRST = 500;
const LONGEST = 15_000;

/** Attempts that have failed in a row (≥ 1), a random number in 0–1 → milliseconds. */
export function pause(failures, random) {
  const whole = Math.min(LONGEST, FIRST * 2 ** Math.min(failures - 1, 16));
  return whole * (0.75 + 0.25 * random);
}
