"""From a camera, file or URL to frames in a bounded queue."""
