// Whether a picture may look live, and if not, what is said instead. Pure.

import { age, capitalized, clock, duration } from "./format.js";

const STALE = 2500; // ms without a new frame before a picture no longer counts as live
const FEW_FRAMES = 4; // for slow cameras: this many of their own intervals

export const STATE_WORDS = {
  connecting: "Connecting",
  live: "Live",
  stalled: "Stalled",
  reconnecting: "Reconnecting",
  failed: "Failed",
  stopped: "Stopped",
};

const LEVELS = {
  connecting: "warn",
  live: "good",
  stalled: "warn",
  reconnecting: "warn",
  failed: "bad",
  stopped: "idle",
};

/** Seconds until the next attempt, rounded up; null if none is planned. */
function countdown(camera, epoch) {
  if (camera.nextAttemptAt === null) return null;
  return Math.max(0, Math.ceil(camera.nextAttemptAt - epoch));
}

function staleAfter(camera) {
  return Math.max(STALE, camera.analyzedFps > 0 ? (FEW_FRAMES * 1000) / camera.analyzedFps : 0);
}

/**
 * The pill of a camera: {level, text}. health: of the screen beside it, which it must not contradict.
 * now: {epoch: the server's UTC seconds, ticks: performance.now()}; connected: the page hears the server.
 */
export function pill(camera, health, connected, now) {
  if (!connected) return { level: "idle", text: "Not known" };
  if (camera.state === "live" && health.late) return { level: "warn", text: "No picture" };
  const wait = camera.state === "reconnecting" ? countdown(camera, now.epoch) : null;
  const text = wait ? `Retry in ${wait} s` : (STATE_WORDS[camera.state] ?? capitalized(camera.state));
  return { level: LEVELS[camera.state] ?? "idle", text };
}

/** Whether what is said of the faces on a camera is of now. */
export function isFresh(camera, now) {
  return camera.state === "live" && camera.seenAt !== null && now.ticks - camera.seenAt <= staleAfter(camera);
}

/**
 * What a screen shows: {live, head, detail, busy, late}; late: pictures are overdue though the camera is live.
 * frameAt: when the frame on it was captured, performance.now(); null if there is none yet.
 */
export function screenHealth(camera, frameAt, connection, now) {
  const covered = (head, detail, busy) => ({ live: false, head, detail, busy });
  const last = frameAt === null ? "" : `The last picture is from ${clock(now.local - (now.ticks - frameAt) / 1000)}.`;
  if (connection.state !== "open") {
    if (connection.state === "refused") return covered("Signed out", last, false);
    if (!connection.wasOpen) return covered("Connecting…", "", true);
    return covered("Connection lost – reconnecting…", last, true);
  }
  if (camera.state !== "live") return covered(...cameraTrouble(camera, now, last));
  return frameHealth(camera, frameAt, now, last, covered);
}

function cameraTrouble(camera, now, last) {
  const reason = capitalized(camera.reason);
  const since = Math.max(0, now.epoch - camera.since);
  switch (camera.state) {
    case "reconnecting": {
      const wait = countdown(camera, now.epoch);
      return [wait ? `Camera lost – next attempt in ${wait} s` : "Camera lost – trying again…", reason || last, !wait];
    }
    case "connecting":
      return ["Connecting to the camera…", reason, true];
    case "stalled":
      return [`No picture for ${duration(since)}`, reason || last, true];
    case "failed":
      return ["Camera failed", reason || "See the program's log for the reason.", false];
    case "stopped":
      return ["Camera stopped", reason || last, false];
    default:
      return [capitalized(camera.state), reason, false];
  }
}

function frameHealth(camera, frameAt, now, last, covered) {
  const waited = now.ticks - Math.max(frameAt ?? 0, camera.wantedAt ?? now.ticks);
  const limit = staleAfter(camera);
  const old = now.ticks - (frameAt ?? camera.wantedAt ?? now.ticks);
  if (frameAt !== null && old <= limit) return { live: true };
  if (waited <= limit) return covered(`Waiting for ${frameAt === null ? "the first" : "a new"} picture…`, last, true);
  const detail = last || "The camera is live, but none of its frames has arrived here.";
  return { ...covered(`No picture for ${duration(old / 1000)}`, detail, true), late: true };
}

/** The age of the frame on a screen, in words; null if there is none. */
export function frameAge(frameAt, now) {
  return frameAt === null ? null : age(now.ticks - frameAt);
}
