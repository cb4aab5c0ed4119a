"""Every metric, declared once. Names and units follow Prometheus' conventions: base units, `_total` on counters."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from streamer import __version__
from streamer.monitoring.thread_times import ThreadTimes

__all__ = ["Metrics"]

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each counter, which nobody asks for

_STAGE_BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0)
# Fine enough that a quantile read from them is off by at most a quarter
_ANSWER_BUCKETS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.0125, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065),
    *(0.08, 0.1, 0.125, 0.16, 0.2, 0.25, 0.32, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
_AGE_BUCKETS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.25, 0.4, 0.6, 1.0, 2.0, 5.0)

_CAMERA = ["camera"]


class Metrics:
    """The metrics of one running program, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry(auto_describe=True)
        self._declare_capture(registry)
        self._declare_inference(registry)
        self._declare_sinks(registry)
        self._declare_store(registry)
        self._declare_viewers(registry)
        self._declare_images(registry)
        registry.register(ThreadTimes())
        Info("streamer_build", "Version", registry=registry).info({"version": __version__})

    def _declare_capture(self, registry: CollectorRegistry) -> None:
        self.frames_captured = Counter("streamer_frames_captured", "Frames decoded", _CAMERA, registry=registry)
        self.frames_dropped = Counter(
            "streamer_frames_dropped",
            "Frames not analysed, by reason: rate (over max_fps), load (left out evenly while the machine is busy), "
            "evicted (a newer one came), stale (too old at its turn), corrupt, keyframe (before the next key frame), "
            "failed (an error while analysing), hung (the analysis did not end)",
            ["camera", "reason"],
            registry=registry,
        )
        self.reconnects = Counter(
            "streamer_camera_reconnects", "Attempts to reach a camera again", _CAMERA, registry=registry
        )
        self.camera_up = Gauge("streamer_camera_up", "1 while the camera is live", _CAMERA, registry=registry)
        self.camera_lag = Gauge(
            "streamer_camera_lag_seconds",
            "How late frames are when they are decoded, going by the camera's clock: a backlog in network or decoder",
            _CAMERA,
            registry=registry,
        )

    def _declare_inference(self, registry: CollectorRegistry) -> None:
        self.frames_analyzed = Counter("streamer_frames_analyzed", "Frames analysed", _CAMERA, registry=registry)
        self.queue_depth = Gauge("streamer_queue_depth", "Frames that wait for a worker", _CAMERA, registry=registry)
        self.stage_seconds = Histogram(
            "streamer_stage_duration_seconds",
            "Work per frame, by stage: detect, track, attributes, annotate, encode",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self.frame_age = Histogram(
            "streamer_frame_age_seconds",
            "Time since capture, at a point of the frame's way: analyzed, sent",
            ["camera", "point"],
            buckets=_AGE_BUCKETS,
            registry=registry,
        )
        self.workers_busy = Gauge("streamer_workers_busy", "Inference workers at work", registry=registry)
        self.workers_replaced = Counter(
            "streamer_workers_replaced", "Inference workers left behind because their work hung", registry=registry
        )
        self.workers_use = Gauge(
            "streamer_workers_use_ratio",
            "Share of the last seconds in which the workers were at work",
            registry=registry,
        )
        self.frames_lost = Gauge(
            "streamer_frames_lost_ratio",
            "Share of the frames of the last seconds that were dropped in a queue, evicted or stale",
            registry=registry,
        )
        self.reduction_level = Gauge(
            "streamer_camera_reduction_level",
            "Steps by which a camera is analysed less closely than configured, as the machine is busy; 0: none",
            _CAMERA,
            registry=registry,
        )
        self.reductions = Counter(
            "streamer_reductions",
            "Steps taken because of the load, by direction: lower, raise",
            ["direction"],
            registry=registry,
        )
        self.tracks = Gauge(
            "streamer_tracks",
            "Confirmed faces in the newest frame, static pictures left out",
            _CAMERA,
            registry=registry,
        )
        self.readings = Counter(
            "streamer_face_readings", "Looks at a face by the attribute nets", _CAMERA, registry=registry
        )
        self.reading_failures = Counter(
            "streamer_face_reading_failures", "Frames in which the attribute nets failed", _CAMERA, registry=registry
        )
        self.visits = Counter(
            "streamer_visits",
            "Visits started (confirmed tracks); those in streamer_visits_static_total turned out to be none",
            _CAMERA,
            registry=registry,
        )
        self.visits_static = Counter(
            "streamer_visits_static",
            "Visits started that were a static picture's, not a person's",
            _CAMERA,
            registry=registry,
        )
        self.crossings = Counter(
            "streamer_crossings",
            "Visits that crossed a line, by direction: in, out",
            ["camera", "line", "direction"],
            registry=registry,
        )

    def _declare_sinks(self, registry: CollectorRegistry) -> None:
        self.degraded = Gauge(
            "streamer_degraded",
            "1 while a part can't do its work: store, mqtt, webhooks, the analysis of a camera",
            ["part"],
            registry=registry,
        )
        self.webhook_attempts = Counter(
            "streamer_webhook_attempts",
            "Requests to webhook targets, by outcome: delivered, refused (given up), retry",
            ["target", "outcome"],
            registry=registry,
        )
        self.webhook_dropped = Counter(
            "streamer_webhook_dropped", "Events that had to make room in a full queue", ["target"], registry=registry
        )
        self.webhook_queue = Gauge(
            "streamer_webhook_queue", "Events that wait for a target", ["target"], registry=registry
        )

    def _declare_store(self, registry: CollectorRegistry) -> None:
        self.store_queue_depth = Gauge(
            "streamer_store_queue_depth", "Events and minutes that wait to be stored", registry=registry
        )
        self.store_dropped = Counter(
            "streamer_store_dropped",
            "What was not stored: event, minute (no room in the queue), refused (by the database, for what is in it)",
            ["kind"],
            registry=registry,
        )
        self.store_write_seconds = Histogram(
            "streamer_store_write_duration_seconds",
            "Time for one transaction of the store's writer",
            buckets=_ANSWER_BUCKETS,
            registry=registry,
        )

    def _declare_viewers(self, registry: CollectorRegistry) -> None:
        self.viewers = Gauge(
            "streamer_viewers", "Connected viewers, by transport: websocket, mjpeg", ["transport"], registry=registry
        )
        self.viewer_bytes = Counter(
            "streamer_viewer_sent_bytes", "Bytes handed to viewers' connections", ["transport"], registry=registry
        )
        self.pictures_sent = Counter(
            "streamer_viewer_pictures_sent", "Pictures handed to viewers' connections", _CAMERA, registry=registry
        )
        self.pictures_replaced = Counter(
            "streamer_viewer_pictures_replaced", "Unsent pictures replaced by a newer one", _CAMERA, registry=registry
        )
        self.pictures_encoded = Counter(
            "streamer_pictures_encoded", "JPEGs encoded, once for each watched variant", _CAMERA, registry=registry
        )
        self.encode_failures = Counter(
            "streamer_picture_encoding_failures", "Pictures that could not be encoded", _CAMERA, registry=registry
        )
        self.viewers_evicted = Counter(
            "streamer_viewers_evicted", "Viewers cut off, by reason: stuck, protocol", ["reason"], registry=registry
        )
        self.events_dropped = Counter(
            "streamer_events_dropped",
            "Events that found their queue full, by queue: hub, viewer, mqtt",
            ["queue"],
            registry=registry,
        )

    def _declare_images(self, registry: CollectorRegistry) -> None:
        self.image_requests = Counter(
            "streamer_image_requests",
            "Requests to the image service, by outcome: answered, refused (the request or its image is wrong), busy "
            "(no room in the queue), failed (an error here), gone (the client left)",
            ["outcome"],
            registry=registry,
        )
        self.image_requests_in_flight = Gauge(
            "streamer_image_requests_in_flight", "Requests to the image service not answered yet", registry=registry
        )
        self.image_answer_seconds = Histogram(
            "streamer_image_request_duration_seconds",
            "Time from a request's headers to its answer, of those that were answered, by cache: hit, miss",
            ["cache"],
            buckets=_ANSWER_BUCKETS,
            registry=registry,
        )
        self.images = Counter(
            "streamer_images",
            "Images, by outcome: analyzed, hit (in the cache), joined (the same image was being analysed), refused, "
            "failed, skipped (nobody waited for it any more)",
            ["outcome"],
            registry=registry,
        )
        self.image_queue_depth = Gauge("streamer_image_queue_depth", "Images that wait for a worker", registry=registry)
        self.image_batch_size = Histogram(
            "streamer_image_batch_size",
            "Images that a worker took in one turn",
            buckets=(1, 2, 3, 4, 6, 8, 12, 16, 32),
            registry=registry,
        )
        self.image_stage_seconds = Histogram(
            "streamer_image_stage_duration_seconds",
            "Work on images, by stage: wait (in the queue), decode, detect, attributes (of a batch), annotate, encode",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self.cache_hits = Counter(
            "streamer_image_cache_hits", "Answers found, by store: memory, redis", ["store"], registry=registry
        )
        self.cache_misses = Counter("streamer_image_cache_misses", "Answers not found in any store", registry=registry)
        self.cache_errors = Counter(
            "streamer_image_cache_errors", "Failures and time-outs of Redis; each costs speed only", registry=registry
        )
        self.cache_bytes = Gauge("streamer_image_cache_bytes", "Size of the answers kept in memory", registry=registry)
        self.cache_entries = Gauge("streamer_image_cache_entries", "Answers kept in memory", registry=registry)
