"""FFmpeg's errors in plain English."""

from __future__ import annotations

import errno

import av.error
import pytest

from streamer.capture.addresses import locate
from streamer.capture.problems import opening_problem, reading_problem
from streamer.errors import SourceError
from tests.watching import camera

RTSP = locate(camera("rtsp://127.0.0.1/cam"))
KNOWN_USER = locate(camera("rtsp://127.0.0.1/cam", username="viewer", password="k3pt secret"))
HTTP = locate(camera("http://127.0.0.1/cam"))
WEBCAM = locate(camera("0"), "linux")
FILE = locate(camera("clip.mp4"))


def ffmpeg(kind: type[av.error.FFmpegError], number: int = 0) -> av.error.FFmpegError:
    return kind(number, "words of FFmpeg", "rtsp://viewer:k3pt%20secret@127.0.0.1/cam")


@pytest.mark.parametrize(
    ("error", "address", "elapsed", "message", "retry"),
    [
        (ffmpeg(av.error.HTTPUnauthorizedError), RTSP, 0, "asks for a user name and password", True),
        (
            ffmpeg(av.error.HTTPUnauthorizedError),
            KNOWN_USER,
            0,
            "refused the user name or password (401): if they are right, set its login to Basic or to Digest with MD5",
            True,
        ),
        (ffmpeg(av.error.HTTPForbiddenError), RTSP, 0, "forbids", True),
        (ffmpeg(av.error.HTTPNotFoundError), HTTP, 0, "check the path", True),
        (ffmpeg(av.error.HTTPServerError), HTTP, 0, "error of its own", True),
        (ffmpeg(av.error.HTTPOtherClientError), RTSP, 0, "other transport", True),
        (ffmpeg(av.error.ExitError), RTSP, 5, "no answer within 5 s", True),
        (ffmpeg(av.error.TimeoutError, errno.ETIMEDOUT), HTTP, 5, "no answer within 5 s", True),
        (ffmpeg(av.error.InvalidDataError), RTSP, 5, "no answer within 5 s", True),  # its RTSP client's way to say so
        (ffmpeg(av.error.InvalidDataError), RTSP, 0.1, "speaks no RTSP", True),
        (ffmpeg(av.error.InvalidDataError), HTTP, 0.1, "no MJPEG stream", True),
        (ffmpeg(av.error.OSError, errno.EHOSTUNREACH), RTSP, 0, "no route", True),
        (ffmpeg(av.error.OSError, errno.ENOSPC), RTSP, 0, "words of FFmpeg", True),
        (ffmpeg(av.error.FileNotFoundError, errno.ENOENT), WEBCAM, 0, "plugged in", True),
        (ffmpeg(av.error.PermissionError, errno.EACCES), WEBCAM, 0, "group `video`", True),
        (ffmpeg(av.error.OSError, errno.EBUSY), WEBCAM, 0, "in use by another program", True),
        (ffmpeg(av.error.ArgumentError, errno.EINVAL), WEBCAM, 0, "size or rate", True),
        (ffmpeg(av.error.PermissionError, errno.EACCES), FILE, 0, "no permission to read", False),
        (SourceError("said already", retry=False), FILE, 0, "said already", False),
    ],
)
def test_opening_problem_says_what_to_do(
    error: Exception, address: object, elapsed: float, message: str, retry: bool
) -> None:
    problem = opening_problem(error, address, elapsed=elapsed, timeout=5)  # type: ignore[arg-type]
    assert message in str(problem)
    assert problem.retry is retry
    assert "k3pt" not in str(problem)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ffmpeg(av.error.ExitError), "no more data came"),
        (ffmpeg(av.error.TimeoutError, errno.ETIMEDOUT), "no more data came"),
        (ffmpeg(av.error.ConnectionResetError, errno.ECONNRESET), "closed the connection"),
        (ffmpeg(av.error.OSError, errno.ENODEV), "unplugged"),
        (ffmpeg(av.error.OSError, errno.EIO), "the connection broke"),
        (ffmpeg(av.error.OSError, errno.ENOSPC), "reading failed: words of FFmpeg"),
    ],
)
def test_reading_problem_says_what_happened_and_is_tried_again(error: Exception, message: str) -> None:
    problem = reading_problem(error, KNOWN_USER)
    assert message in str(problem)
    assert problem.retry
    assert "k3pt" not in str(problem)
