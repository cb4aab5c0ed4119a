"""One file for each runtime behind `streamer.inference.runtime.Session`."""
