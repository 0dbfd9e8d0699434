"""What can go wrong, one class for each exit code of the command line."""

from ._twinbed import RunError, ScenarioError

__all__ = ["Interrupted", "MissingError", "ResultsError", "RunError", "ScenarioError"]

for _error in (RunError, ScenarioError):
    _error.__module__ = "twinbed"  # as messages and pickles call them


class ResultsError(ValueError):
    """What was asked of a result store is not in it; the message says what is."""


class MissingError(RuntimeError):
    """This machine lacks something that is needed; the message says what and how to get it."""


class Interrupted(KeyboardInterrupt):
    """An experiment was stopped by Ctrl-C; `results` holds the runs that had finished."""

    def __init__(self, message: str, results):
        super().__init__(message)
        self.results = results
