"""Serves video files over RTSP with GStreamer, each looped for ever in real time. Runs under the system's Python.

Reads one JSON object from standard input (port, mounts {name: file}, codec, user, password), prints `ready`, and
ends when standard input is closed: so it never outlives the test that started it.
"""

# mypy: ignore-errors
# The system's Python, under which this runs, has GStreamer's bindings; the project's environment has no types of them.

import ctypes
import json
import signal
import socket
import subprocess
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ROLE = "viewer"
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """Run in a child before it becomes ffmpeg: it dies with this process, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def unused_udp_port():
    """A port of the loopback on which nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def feed(path, port):
    """ffmpeg sends the file, looped and in real time, as MPEG-TS over UDP."""
    target = f"udp://127.0.0.1:{port}?pkt_size=1316"
    read = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", path]
    write = ["-an", "-c:v", "copy", "-f", "mpegts", "-flush_packets", "1", target]
    return subprocess.Popen([*read, *write], stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)  # noqa: PLW1509


def factory(port, codec, guarded):
    """What an RTSP client gets: the feed's video, packed into RTP, shared by all clients."""
    made = GstRtspServer.RTSPMediaFactory()
    source = (
        f"udpsrc address=127.0.0.1 port={port} buffer-size=2097152 caps=video/mpegts,systemstream=true,packetsize=188"
    )
    made.set_launch(f"( {source} ! tsdemux ! queue ! {codec}parse config-interval=-1 ! rtp{codec}pay name=pay0 pt=96 )")
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
    feeders = []
    for name, path in settings["mounts"].items():
        port = unused_udp_port()
        feeders.append(feed(path, port))
        server.get_mount_points().add_factory(f"/{name}", factory(port, settings["codec"], bool(settings["user"])))
    if not server.attach(None):
        sys.exit(f"port {settings['port']} can't be had")
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    print("ready", flush=True)
    loop.run()
    for feeder in feeders:
        feeder.kill()
        feeder.wait()


if __name__ == "__main__":
    main()
