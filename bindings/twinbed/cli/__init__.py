"""The command line: `twinbed`, or `python -m twinbed`."""

from .main import main

__all__ = ["main"]
