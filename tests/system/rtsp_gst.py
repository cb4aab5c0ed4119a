"""Serves video files over RTSP with GStreamer, each looped for ever in real time. Runs under the system's Python.

Reads one JSON object from standard input (port, mounts {name: file}, codec, spread, user, password, digest), prints
`ready`, and ends when standard input is closed: so it never outlives the test that started it.
"""

# mypy: ignore-errors
# The system's Python, under which this runs, has GStreamer's bindings; the project's environment has no types of them.

import bisect
import json
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ROLE = "viewer"
SECOND = 1_000_000_000
FORMATS = {"h264": "avc", "h265": "hvc1"}  # those whose caps tell the parameter sets, so that the SDP can


class Clip:
    """The video of a file, frame by frame in the order of decoding."""

    def __init__(self, path, codec):
        # The parameter sets before each key frame: the payloader would put them before each slice of it.
        parse = f"{codec}parse config-interval=-1 ! video/x-{codec},stream-format={FORMATS[codec]},alignment=au"
        reader = Gst.parse_launch(f"filesrc name=file ! parsebin ! {parse} ! appsink name=out sync=false")
        reader.get_by_name("file").set_property("location", path)
        reader.set_state(Gst.State.PLAYING)
        samples = list(iter(lambda: reader.get_by_name("out").emit("pull-sample"), None))
        reader.set_state(Gst.State.NULL)
        if not samples:
            sys.exit(f"{path}: no {codec} in it")
        self.caps = samples[0].get_caps()
        self.frames = [sample.get_buffer() for sample in samples]
        first, last = self.frames[0].dts, self.frames[-1]
        self.times = [frame.dts - first for frame in self.frames]  # ns
        self.length = last.dts - first + last.duration


class Camera:
    """Films for ever, in real time, whether anybody watches or not.

    Each frame goes into the pipeline of those who watch in the moment when it is due, and nowhere else: so none can be
    lost on the way, and none that was due before they came can wait for them.
    """

    def __init__(self, clip, ahead):
        """ahead: s by which it is further on in the clip than one that begins now."""
        self._clip = clip
        self._began = time.monotonic_ns() - round(ahead * SECOND)
        self._source = None

    def watched(self, _factory, media):
        """The first client has come."""
        self._source = source = media.get_element().get_by_name("source")
        source.set_property("caps", self._clip.caps)
        media.connect("unprepared", self._left, source)
        rounds, rest = divmod(time.monotonic_ns() - self._began, self._clip.length)
        number = rounds * len(self._clip.frames) + bisect.bisect(self._clip.times, rest)
        GLib.timeout_add(0, self._send, source, number)

    def _left(self, _media, source):
        """The last client has gone."""
        if self._source is source:
            self._source = None

    def _send(self, source, number):
        """The frames that are due by now, from this one on."""
        if self._source is not source:
            return GLib.SOURCE_REMOVE
        while (wait := self._due(number) - time.monotonic_ns()) <= 0:
            if wait < -SECOND:  # this process was frozen: it goes on where it was
                self._began -= wait
            self._push(source, number)
            number += 1
        GLib.timeout_add(wait // 1_000_000 + 1, self._send, source, number)
        return GLib.SOURCE_REMOVE

    def _due(self, number):
        """ns of the monotonic clock, which is also the pipeline's."""
        rounds, at = divmod(number, len(self._clip.frames))
        return self._began + rounds * self._clip.length + self._clip.times[at]

    def _push(self, source, number):
        base = source.get_base_time()  # 0 until the pipeline plays: a frame stamped by that would wait for hours in it
        running = self._due(number) - base
        if not base or running < 0:
            return
        frame = self._clip.frames[number % len(self._clip.frames)]
        sent = frame.copy_region(Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.MEMORY, 0, frame.get_size())
        sent.dts, sent.pts, sent.duration = running, running + frame.pts - frame.dts, frame.duration
        source.emit("push-buffer", sent)


def factory(camera, codec, guarded):
    """What an RTSP client gets: the camera's video, packed into RTP, shared by all clients."""
    made = GstRtspServer.RTSPMediaFactory()
    source = "appsrc name=source is-live=true format=time max-bytes=0"
    made.set_launch(f"( {source} ! rtp{codec}pay name=pay0 pt=96 )")
    made.connect("media-configure", camera.watched)
    made.set_shared(True)
    made.set_suspend_mode(GstRtspServer.RTSPSuspendMode.NONE)
    if guarded:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role(ROLE, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
        permissions.add_permission_for_role(ROLE, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
        made.set_permissions(permissions)
    return made


def guard(server, user, password, digest):
    """Ask for a user and password."""
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth = GstRtspServer.RTSPAuth()
    if digest:
        from gi.repository import GstRtsp

        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)


def main():
    """Serve until standard input ends."""
    settings = json.loads(sys.stdin.readline())
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer(service=str(settings["port"]), address="127.0.0.1")
    if settings["user"]:
        guard(server, settings["user"], settings["password"], settings["digest"])
    mounts, codec = settings["mounts"], settings["codec"]
    clips = {path: Clip(path, codec) for path in set(mounts.values())}
    for number, (name, path) in enumerate(mounts.items()):
        ahead = settings["spread"] * number / len(mounts)  # cameras' key frames don't come all at once
        camera = Camera(clips[path], ahead)
        server.get_mount_points().add_factory(f"/{name}", factory(camera, codec, bool(settings["user"])))
    if not server.attach(None):
        sys.exit(f"port {settings['port']} can't be had")
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
