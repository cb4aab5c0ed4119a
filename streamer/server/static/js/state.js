// What the page knows: the server's cameras, as its messages tell of them.

const MOST_OBJECTS = 200; // of one frame; a bound against a server gone wrong

/** A camera before anything is known of it but its id. Times: UTC seconds, but `seenAt` and `wantedAt` in performance.now() ms. */
function blankCamera(id) {
  return {
    id,
    name: id,
    source: "",
    state: "connecting",
    reason: "",
    since: 0,
    nextAttemptAt: null,
    codec: "",
    size: null,
    fps: 0,
    analyzedFps: 0,
    latency: null, // ms from capture to the end of the analysis
    frames: 0,
    analyzed: 0,
    corrupt: 0,
    reconnects: 0,
    dropped: {},
    lag: 0, // ms that frames are late before they are captured
    reduced: null, // {interval, fps, width, readings, deblock} while the load allows no more; null of these: as configured
    faces: 0,
    occupancy: {}, // people in sight now, by zone; "" for the whole picture
    timings: {},
    seenAt: null, // when the newest frame that the server analysed was captured
    wantedAt: null, // since when its pictures have been asked for
  };
}

export class State {
  greeted = false;
  version = "";
  privacy = "none";
  role = "admin"; // of the token, or of everybody where there are none
  session = false; // whether somebody signed in here, and so can sign out
  viewers = null;
  degraded = {}; // parts that can't do their work, and why
  cameras = new Map();
  clockOffset = 0; // seconds to add to this device's clock to get the server's

  get showsPictures() {
    return this.privacy !== "metadata_only";
  }

  get mayDraw() {
    return this.role === "operator" || this.role === "admin";
  }

  /** {epoch: the server's UTC seconds, local: this device's, ticks: performance.now()} */
  now() {
    const local = Date.now() / 1000;
    return { epoch: local + this.clockOffset, local, ticks: performance.now() };
  }

  hello(message) {
    const before = this.cameras;
    this.greeted = true;
    this.version = message.server;
    this.privacy = message.privacy;
    this.role = message.role;
    this.session = message.session;
    this.cameras = new Map();
    for (const status of message.cameras) {
      this.cameras.set(status.id, before.get(status.id) ?? blankCamera(status.id));
      this.#status(status);
    }
  }

  stats(message) {
    this.viewers = Object.values(message.viewers).reduce((sum, number) => sum + number, 0);
    this.degraded = message.degraded ?? {};
    this.clockOffset = message.timestamp - Date.now() / 1000;
    for (const status of message.cameras) {
      this.#status(status);
      this.#figures(status);
    }
  }

  /** A result, with or without its picture. It is given `frameAt`: when its frame was captured. */
  result(message) {
    const camera = this.cameras.get(message.camera);
    if (!camera) return;
    message.objects = message.objects.slice(0, MOST_OBJECTS);
    message.frameAt = camera.seenAt = performance.now() - message.age_ms;
    camera.faces = message.objects.filter(isCounted).length;
    camera.occupancy = message.occupancy;
    camera.timings = message.timings;
    camera.size = [message.resolution.width, message.resolution.height];
  }

  /** From now on these cameras' pictures are asked for, and no others. */
  want(ids) {
    for (const camera of this.cameras.values()) {
      if (!ids.includes(camera.id)) camera.wantedAt = null;
      else camera.wantedAt ??= performance.now();
    }
  }

  /** After a lost connection every camera starts to wait anew. */
  forgetWaiting() {
    for (const camera of this.cameras.values()) camera.wantedAt = null;
  }

  #status(status) {
    const camera = this.cameras.get(status.id);
    if (!camera) return;
    camera.name = status.name || status.id;
    camera.source = status.source;
    camera.state = status.state;
    camera.reason = status.reason;
    camera.since = status.since;
    camera.nextAttemptAt = status.next_attempt_at;
    camera.codec = status.codec;
    camera.size = status.resolution ? [status.resolution.width, status.resolution.height] : camera.size;
    camera.fps = status.fps;
    camera.lag = status.lag_ms;
    camera.frames = status.frames;
    camera.corrupt = status.corrupt;
    camera.reconnects = status.reconnects;
  }

  #figures(status) {
    const camera = this.cameras.get(status.id);
    if (!camera) return;
    camera.analyzedFps = status.fps_analyzed;
    camera.analyzed = status.analyzed;
    camera.latency = status.latency_ms;
    camera.dropped = status.dropped;
    camera.reduced = status.reduced && {
      interval: status.reduced.look_interval,
      fps: status.reduced.max_fps,
      width: status.reduced.detect_width,
      readings: status.reduced.readings,
      deblock: status.reduced.deblock,
    };
    camera.faces = status.faces;
    camera.seenAt = status.age_ms === null ? null : performance.now() - status.age_ms;
  }
}

/** Whether an object of a result is somebody: a static picture of a face isn't, unless the config counts it. */
function isCounted(object) {
  return object.counted !== false;
}

/** An object of a result → what the list of people shows. */
export function personFrom(object) {
  return {
    id: object.id,
    gender: object.gender.label.toLowerCase(), // some nets say Female
    confidence: object.gender.confidence,
    age: object.age?.label ?? null,
    samples: object.age?.samples ?? 0,
    since: object.since,
    coasting: !object.tracked,
    disabled: !object.gender.model.name,
    static: Boolean(object.static),
    counted: isCounted(object),
  };
}

/** An event message → what the feed shows. */
export function eventFrom(message) {
  const object = message.object;
  return {
    kind: message.kind,
    camera: message.camera,
    at: message.timestamp,
    rule: message.rule,
    direction: message.direction,
    reason: message.data.reason ?? "",
    label: message.data.label ?? "", // the user's word for the way over a line
    dwell: message.data.dwell ?? null, // seconds in a zone that was left
    static: Boolean(message.data.static),
    track: object && { id: object.id, gender: object.gender.label.toLowerCase(), age: object.age?.label ?? null, seconds: object.duration },
  };
}
