"""`python -m streamer` is the same as `streamer`."""

from streamer.cli import main

if __name__ == "__main__":
    main()
