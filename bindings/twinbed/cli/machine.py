"""The verbs about this machine and its programs: doctor, schema, node, air."""

import os

import click

from .. import _twinbed
from ..doctor import examine
from ..paths import find_air_program, find_node_program
from .output import MISSING, OK, leave, print_json, print_table


@click.command()
def schema():
    """Prints the JSON Schema of scenario files.

    Editors complete and check scenario files with it.

    \b
    Example:
      twinbed schema > scenario.schema.json
    """
    print(_twinbed.scenario_schema())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Prints JSON.")
def doctor(as_json):
    """Looks at this machine, and says what each missing thing costs.

    Ends with 4 if something is missing without which nothing works.
    """
    checks = examine()
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        rows = [[c.name, "found" if c.found else "missing", c.detail] for c in checks]
        print_table(["what", "is", "remark"], rows)
    leave(OK if all(c.found or not c.required for c in checks) else MISSING)


def _passed_on(verb):
    """A verb whose words all go to a native program, --help included."""
    command = click.command(
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        add_help_option=False,
    )
    return command(click.argument("arguments", nargs=-1, type=click.UNPROCESSED)(verb))


@_passed_on
def node(arguments):
    """Runs the program of one node, twinbed-node.

    All that follows the verb goes to the program.

    \b
    Example:
      twinbed node --help
    """
    program = find_node_program()
    os.execv(program, [program, *arguments])


@_passed_on
def air(arguments):
    """Puts the radio cards of a scenario on the air, for programs to attach to.

    Each card becomes a network interface in monitor mode, or with --udp a port, and the scenario's
    own air is between them in real time. All that follows the verb goes to the program twinbed-air.

    \b
    Examples:
      twinbed air --help
      twinbed air scenarios/wfb/fec_curve.yaml --duration '10 min'
    """
    program = find_air_program()
    os.execv(program, [program, *arguments])
