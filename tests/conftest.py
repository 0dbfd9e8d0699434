"""Fixtures of all Python tests."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("MPLBACKEND", "agg")
# The package as it is imported here, for the programs that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / "bindings"), *filter(None, [os.environ.get("PYTHONPATH")])]
)


@pytest.fixture(scope="session")
def root():
    """The source tree."""
    return ROOT


@pytest.fixture
def kill_leader():
    """The file of a scenario with three servers and one kill."""
    return ROOT / "scenarios/election/kill_leader.yaml"


@pytest.fixture
def fast_failover(kill_leader):
    """The same, with the fast timing profile and as short as it can be."""
    import twinbed as tb

    settings = {
        "protocol.options.profile": "head",
        "duration": "20 s",
        "faults.0.at": "10 s .. 11 s",
    }
    return tb.Scenario.load(kill_leader, settings)


@pytest.fixture
def db(tmp_path):
    """The path of a result store that does not exist yet."""
    return tmp_path / "results" / "runs.db"


@pytest.fixture
def pingpong():
    """A scenario of two nodes that takes no time to run."""
    import twinbed as tb

    return (
        tb.Scenario.build(
            name="pair",
            duration="2 s",
            protocol="pingpong",
            network={"link": {"delay": "5 ms", "jitter": "1 ms"}},
        )
        .node("alice", role="pinger", port=7001)
        .node("bob", role="ponger", port=7001)
    )


@pytest.fixture
def twinbed_command():
    """Runs the command line as a user would: result = twinbed_command('run', FILE)."""
    import subprocess

    def call(*words, cwd=None, **options):
        return subprocess.run(
            [sys.executable, "-m", "twinbed", *map(str, words)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **options,
        )

    return call


@pytest.fixture
def node_program():
    """The program twinbed-node; tests that need it are skipped where it is not built."""
    import twinbed as tb
    from twinbed.paths import find_node_program

    try:
        return find_node_program()
    except tb.MissingError as missing:
        pytest.skip(str(missing))
