"""Where things are: the node program, the scenarios that come with the package, result stores."""

import os
from pathlib import Path

from .errors import MissingError, ResultsError, ScenarioError

PACKAGE = Path(__file__).resolve().parent
DEFAULT_DB = "results/runs.db"


def source_root() -> Path | None:
    """The source tree that this package runs from; None where it is installed."""
    root = PACKAGE.parent.parent
    return root if (root / "CMakeLists.txt").is_file() else None


def node_candidates() -> list[Path]:
    """Where the native node program may be, in the order of preference."""
    candidates = []
    if os.environ.get("TWINBED_NODE"):
        candidates.append(Path(os.environ["TWINBED_NODE"]))
    root = source_root()
    if root is not None:
        candidates.append(root / "build/dev/bin/twinbed-node")
    candidates.append(PACKAGE / "bin/twinbed-node")
    return candidates


def find_node_program() -> str:
    """Path of the native program that runs one node, twinbed-node."""
    candidates = node_candidates()
    for path in candidates:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise MissingError(
        "the program twinbed-node, which mode real needs, is at none of "
        f"{', '.join(map(str, candidates))}; build the project or set TWINBED_NODE"
    )


def find_air_program() -> str:
    """Path of the native program that runs the emulated air in real time, twinbed-air."""
    path = Path(find_node_program()).with_name("twinbed-air")
    if path.is_file() and os.access(path, os.X_OK):
        return str(path)
    raise MissingError(
        f"the program twinbed-air, which puts radios on the air in real time, is not at {path}; "
        "build the project"
    )


def shipped_scenario(name: str) -> str:
    """Path of a scenario that comes with twinbed: 'election/leader_failover.yaml'."""
    root = source_root()
    path = (root if root is not None else PACKAGE) / "scenarios" / name
    if not path.is_file():
        raise ScenarioError(f"{path}: the scenario {name}, which comes with twinbed, is missing")
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def parse_reference(reference: str) -> tuple[str, int]:
    """'results/runs.db#17' as path and run id."""
    path, mark, number = reference.rpartition("#")
    if not mark or not path or not number.isdecimal():
        raise ResultsError(f"'{reference}' names no run; write it as FILE#RUN, such as runs.db#17")
    return path, int(number)
