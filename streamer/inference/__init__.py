"""Finding faces and reading age and gender: models, runtimes, detectors, attribute nets."""
