"""python -m twinbed: the command line."""

from .cli import main

main()
