"""streamer: a real-time video stream analyzer for live cameras on an ordinary CPU."""

__version__ = "0.1.0"
