"""Single runs, in simulation and for real, and their repetition."""

import csv
import sqlite3

import pytest
import twinbed as tb


def test_equal_seeds_give_equal_runs(pingpong, db):
    first, second, third = (tb.run(pingpong, seed=seed, db=db) for seed in (7, 7, 8))
    assert first.info["fingerprint"] == second.info["fingerprint"] != third.info["fingerprint"]
    assert [run.run_id for run in (first, second, third)] == [1, 2, 3]
    assert tb.diff(first.reference, second.reference).equal
    difference = tb.diff(first.reference, third.reference)
    assert not difference.equal
    assert difference.event > 0
    assert difference.left != difference.right


def test_python_finds_the_pinned_fingerprints(root, db):
    with open(root / "tests/testdata/fingerprints.csv", newline="") as pinned:
        rows = list(csv.DictReader(pinned))
    assert rows
    for row in rows:
        run = tb.run(tb.Scenario.load(root / row["scenario"]), seed=int(row["seed"]), db=db)
        assert run.info["fingerprint"] == row["fingerprint"], row
        assert run.info["events_count"] == int(row["events"]), row


def test_a_run_keeps_all_that_a_replay_needs(fast_failover, db):
    run = tb.run(fast_failover, seed=3, db=db)
    report = tb.replay(run.reference)
    assert report.equal
    assert report.events == run.info["events_count"]
    assert run.replay().replayed == run.info["fingerprint"]
    assert run.scenario.to_yaml().startswith("version: 1")


@pytest.mark.parametrize("seed", [0, 2**63 - 1, 2**63, 2**64 - 1])
def test_seeds_of_64_bits_survive(pingpong, db, seed):
    run = tb.run(pingpong, seed=seed, db=db)
    assert run.seed == seed
    assert run.replay().equal


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_other_seeds_are_refused(pingpong, db, seed):
    with pytest.raises(tb.ScenarioError, match="64 bits"):
        tb.run(pingpong, seed=seed, db=db)


def test_a_seed_that_is_not_given_is_drawn_and_recorded(pingpong, db):
    seeds = {tb.run(pingpong, db=db).seed for _ in range(2)}
    assert len(seeds) == 2


def test_an_unknown_mode_is_refused(pingpong, db):
    with pytest.raises(tb.ScenarioError, match="modes are sim, real, virtual-radio"):
        tb.run(pingpong, mode="dream", db=db)
    assert not db.exists()


def test_a_run_can_be_stopped_and_is_recorded_as_failed(pingpong, db):
    calls = []

    def stop(done_ns, total_ns):
        calls.append((done_ns, total_ns))
        return False

    with pytest.raises(tb.RunError, match="stopped") as caught:
        tb.run(pingpong, seed=1, db=db, progress=stop)
    assert calls[0][1] == 2_000_000_000
    assert caught.value.run.info["state"] == "failed"
    assert not caught.value.run.as_expected


def test_what_the_progress_callback_raises_comes_through(pingpong, db):
    def fail(done_ns, total_ns):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tb.run(pingpong, seed=1, db=db, progress=fail)
    assert tb.open(db).runs()["state"].tolist() == ["failed"]


def test_a_replay_and_a_comparison_tell_their_progress_and_can_be_stopped(pingpong, db):
    first, second = (tb.run(pingpong, seed=7, db=db).reference for _ in range(2))
    for again in (
        lambda progress: tb.replay(first, progress=progress),
        lambda progress: tb.diff(first, second, progress=progress),
    ):
        calls = []
        assert again(lambda done_ns, total_ns, calls=calls: calls.append((done_ns, total_ns))).equal
        assert {total_ns for _, total_ns in calls} == {2_000_000_000}
        assert all(0 <= done_ns <= 2_000_000_000 for done_ns, _ in calls)
        with pytest.raises(tb.RunError, match="was stopped before its end"):
            again(lambda done_ns, total_ns: False)
        with pytest.raises(ZeroDivisionError):
            again(lambda done_ns, total_ns: 1 / 0)


def test_the_store_is_indexed_after_a_run(pingpong, db):
    tb.run(pingpong, seed=1, db=db)
    with sqlite3.connect(db) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        assert ("sample_by_metric",) in rows.fetchall()


def test_replaying_what_is_not_there_is_an_error(pingpong, db):
    tb.run(pingpong, seed=1, db=db)
    with pytest.raises(tb.RunError):
        tb.replay(f"{db}#99")
    with pytest.raises(tb.ResultsError, match="FILE#RUN"):
        tb.replay(str(db))


def test_a_real_run_leaves_the_same_rows_and_no_files(pingpong, db, node_program):
    simulated = tb.run(pingpong, seed=1, db=db)
    real = tb.run(pingpong, mode="real", seed=1, db=db)
    assert real.mode == "real"
    assert set(real.samples()["metric"]) == set(simulated.samples()["metric"])
    assert real.nodes()["node"].tolist() == simulated.nodes()["node"].tolist()
    assert real.replay().equal
    with pytest.raises(tb.RunError, match="was stopped before its end"):
        tb.replay(real.reference, progress=lambda done_ns, total_ns: False)
    assert [path.name for path in db.parent.iterdir() if path.is_dir()] == []


def test_a_real_run_without_the_node_program_says_what_to_do(pingpong, db, monkeypatch):
    monkeypatch.setattr("twinbed.paths.node_candidates", lambda: [db.parent / "nothing"])
    with pytest.raises(tb.MissingError, match="build the project or set TWINBED_NODE"):
        tb.run(pingpong, mode="real", seed=1, db=db)
