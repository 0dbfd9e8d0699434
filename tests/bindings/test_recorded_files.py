"""The files of a scenario go into the store with the run."""

import shutil
import sqlite3

import pytest
import twinbed as tb


@pytest.fixture
def copied_failover(root, tmp_path):
    """A scenario whose client sends three images, in a place of its own."""
    shutil.copytree(root / "scenarios/election", tmp_path / "election")
    return tmp_path / "election/leader_failover.yaml"


@pytest.mark.parametrize("jobs", [1, 2])
def test_replications_keep_each_file_once_and_replay_without_it(copied_failover, db, jobs):
    results = tb.replicate(copied_failover, replications=4, seed=1, jobs=jobs, db=db)
    with sqlite3.connect(db) as connection:
        assert connection.execute("SELECT count(*) FROM content").fetchone() == (3,)
        files = connection.execute("SELECT count(*) FROM file GROUP BY run_id").fetchall()
    assert files == [(3,)] * 4
    images = copied_failover.parent / "images"
    (images / "waves.jpg").write_bytes(b"another image")
    (images / "rings.jpg").unlink()
    for run in results:
        assert run.replay().equal
    first = f"{db}#1"
    assert tb.diff(first, first).equal
    with pytest.raises(tb.ScenarioError, match=r"rings\.jpg, which cannot be opened"):
        tb.run(copied_failover, seed=1, db=db)
