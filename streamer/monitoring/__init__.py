"""What the program tells about itself: its metrics, and which of its parts are out of order."""
