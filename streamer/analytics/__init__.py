"""From tracks to figures: visits, lines and zones. Pure: no clock, no thread, no I/O."""
