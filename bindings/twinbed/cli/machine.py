"""The verbs about this machine and this program: doctor, schema, node."""

import os

import click

from .. import _twinbed
from ..doctor import examine
from ..paths import find_node_program
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


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def node(arguments):
    """Runs the program of one node, twinbed-node.

    All that follows the verb goes to the program.

    \b
    Example:
      twinbed node --help
    """
    program = find_node_program()
    os.execv(program, [program, *arguments])
