"""Pixels: kept as the decoder or a file gave them, converted to what someone takes."""
