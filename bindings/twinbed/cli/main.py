"""The group of verbs, and what each kind of failure does to the exit code."""

import inspect
import sys

import click

from .. import __version__
from ..errors import MissingError, ResultsError, RunError, ScenarioError
from . import capture as capture_verb
from . import machine, read, report
from . import run as run_verbs
from . import wfb as wfb_verbs
from .output import EXIT_CODES, FAILED, INTERRUPTED, MISSING, MISTAKE, leave, remark

_CODES = {
    ScenarioError: MISTAKE,
    ResultsError: MISTAKE,
    RunError: FAILED,
    MissingError: MISSING,
}


class Verbs(click.Group):
    """Verbs in the order in which one learns them; known failures become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except tuple(_CODES) as error:
            remark(f"error: {error}")
            code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
            leave(code, report.command(*sys.argv[1:]))
        except KeyboardInterrupt:
            remark("interrupted")
            leave(INTERRUPTED)


def _help() -> str:
    text = f"""One protocol, two worlds: runs the same implementation in a deterministic simulator
    and for real, and compares.

    Results of both go to one SQLite file, {run_verbs.DEFAULT_DB} unless --db says otherwise; a run
    in it is called {run_verbs.DEFAULT_DB}#17. Data is printed on stdout, everything else on stderr.

    \b
    Examples:
      twinbed demo
      twinbed run scenarios/election/leader_failover.yaml --replications 30
      twinbed run scenarios/election/leader_failover.yaml --mode real
      twinbed compare {run_verbs.DEFAULT_DB}

    """
    return inspect.cleandoc(text) + "\n\n" + EXIT_CODES


verbs = Verbs(
    name="twinbed",
    help=_help(),
    commands=[
        run_verbs.demo,
        run_verbs.run,
        read.show,
        read.compare,
        read.replay,
        read.diff,
        capture_verb.capture,
        machine.schema,
        machine.doctor,
        machine.node,
        machine.air,
        wfb_verbs.wfb,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
click.version_option(version=__version__, prog_name="twinbed")(verbs)


def main() -> None:
    """The entry of the command line."""
    verbs(prog_name=report.program())
