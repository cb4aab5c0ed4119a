"""What viewers see: boxes and labels drawn on pictures, faces hidden, and the JPEG that is sent."""
