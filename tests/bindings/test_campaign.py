"""Experiments of many runs."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
import twinbed as tb
from twinbed.campaign import replication_seed
from twinbed.examples import pingpong as example
from twinbed.execute import Task, execute, open_store

GRID = {"network.link.delay": ["1 ms", "9 ms"], "network.link.jitter": ["0 s", "1 ms"]}


def outline(results):
    return results.runs()[["run_id", "parameters", "seed", "replication", "fingerprint"]]


def test_workers_change_nothing_but_the_time(pingpong, tmp_path):
    serial, pooled, elsewhere = (tmp_path / name for name in ("a.db", "b.db", "c.db"))
    options = {"replications": 3, "seed": 5, "grid": GRID}
    expected = outline(tb.replicate(pingpong, db=serial, jobs=1, **options))
    assert len(expected) == 12
    assert outline(tb.replicate(pingpong, db=pooled, jobs=2, **options)).equals(expected)
    with ProcessPoolExecutor(2) as executor:
        results = tb.replicate(pingpong, db=elsewhere, executor=executor, **options)
    assert outline(results).equals(expected)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_any_executor_will_do(pingpong, db):
    with ThreadPoolExecutor(2) as executor:
        results = tb.replicate(pingpong, replications=4, seed=1, db=db, executor=executor)
    assert results.runs()["as_expected"].all()


def test_grid_points_share_their_seeds(pingpong, db):
    runs = tb.replicate(pingpong, replications=2, seed=9, grid=GRID, db=db).runs()
    by_point = runs.groupby("parameters", sort=False)["seed"].apply(list)
    assert len(by_point) == 4
    assert all(seeds == by_point.iloc[0] for seeds in by_point)
    assert by_point.iloc[0] == [9, replication_seed(9, 1)]
    assert by_point.index[0] == "network.link.delay=1 ms, network.link.jitter=0 s"


def test_a_replication_can_be_had_alone(pingpong, db):
    many = tb.replicate(pingpong, replications=3, seed=9, db=db).runs()
    alone = tb.run(pingpong, seed=int(many["seed"][2]), db=db)
    assert alone.info["fingerprint"] == many["fingerprint"][2]


def test_results_are_those_of_the_experiment_alone(pingpong, db):
    tb.run(pingpong, seed=1, db=db)
    results = tb.replicate(pingpong, replications=2, seed=1, db=db)
    assert results.run_ids == [2, 3]
    assert set(results.runs()["run_id"]) == {2, 3}
    assert len(tb.open(db)) == 3


def test_protocols_in_python_can_be_replicated(db):
    results = tb.replicate(example.scenario(), replications=3, seed=1, db=db, protocol=example.make)
    assert len(results.samples("example.round_trip")) == 3 * 99


def test_progress_is_told(pingpong, db):
    calls = []
    tb.replicate(
        pingpong,
        replications=4,
        seed=1,
        db=db,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1] == (4, 4)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_real_runs_go_side_by_side_where_they_are_told_to(pingpong, db, node_program):
    calls = []
    began = time.monotonic()
    results = tb.replicate(
        pingpong,
        "real",
        replications=4,
        seed=9,
        jobs=4,
        db=db,
        keep_files=True,
        progress=lambda done, total: calls.append(done),
    )
    assert time.monotonic() - began < 4 * 2  # each lasts 2 s and more
    runs = results.runs()
    assert runs["as_expected"].all()
    assert runs["run_id"].tolist() == [1, 2, 3, 4]
    assert runs["seed"].tolist() == [9, *(replication_seed(9, number) for number in (1, 2, 3))]
    assert all(run.replay().equal for run in results)
    assert calls == sorted(calls)
    assert calls[-1] == 4
    assert any(0 < done < 1 for done in calls)  # the time in the runs counts
    kept = [path.name for path in db.parent.iterdir() if path.is_dir()]
    assert len(kept) == 4
    assert all(name.startswith("nodes-") for name in kept)


def test_a_mistake_in_the_grid_is_found_before_anything_runs(pingpong, db):
    with pytest.raises(tb.ScenarioError, match="5 parsecs"):
        tb.replicate(pingpong, seed=1, db=db, grid={"network.link.delay": ["1 ms", "5 parsecs"]})
    assert not db.exists()


def fail_on_second_node(node, nodes):
    if node.index == 1:
        raise RuntimeError("no second node")
    return tb.Protocol(node, nodes)


def test_a_failure_in_a_worker_is_raised_here(db):
    with pytest.raises(tb.RunError, match="no second node"):
        tb.replicate(
            example.scenario(), replications=4, seed=1, db=db, protocol=fail_on_second_node
        )
    assert tb.open(db).runs()["state"].unique().tolist() == ["failed"]


def test_batches_change_nothing(pingpong, tmp_path, monkeypatch):
    monkeypatch.setattr("twinbed.workers.BATCHES_PER_JOB", 1)
    options = {"replications": 11, "seed": 5}
    batched = outline(tb.replicate(pingpong, db=tmp_path / "a.db", jobs=2, **options))
    assert batched.equals(outline(tb.replicate(pingpong, db=tmp_path / "b.db", jobs=1, **options)))


def test_an_experiment_without_runs_is_empty(pingpong, db):
    with ThreadPoolExecutor(2) as executor:
        results = tb.replicate(pingpong, seed=1, db=db, grid={"duration": []}, executor=executor)
    assert results.run_ids == []


INTERRUPTED = """
import sys
import twinbed as tb

if __name__ == "__main__":
    scenario = tb.Scenario.load(sys.argv[1])
    report = lambda done, total: print(done, flush=True)
    try:
        tb.replicate(scenario, sys.argv[4], replications=100000, seed=1, db=sys.argv[2],
                     jobs=int(sys.argv[3]), progress=report)
    except tb.Interrupted as stopped:
        print(len(stopped.results), stopped)
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_is_finished(kill_leader, db, tmp_path, jobs):
    program = tmp_path / "experiment.py"
    program.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, program, kill_leader, db, str(jobs), "sim"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while float(process.stdout.readline()) < 4:
        pass
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to workers as well
    said = process.communicate(timeout=60)[0].splitlines()[-1]
    kept = int(said.split()[0])
    assert kept >= 3
    assert f"interrupted; {kept} of 100000 runs are finished and kept" in said
    finished = tb.open(db).runs().query("state == 'finished'")
    assert kept <= len(finished) <= kept + 1  # a run may end while it is told to stop
    assert not [path for path in db.parent.iterdir() if path.is_dir()]


def test_a_store_takes_runs_until_it_is_closed(pingpong, db):
    task = Task(pingpong, "sim", seed=1)
    with open_store(db, "sim") as store:
        assert [execute(task, db, store).run_id for _ in range(2)] == [1, 2]
        assert list(tb.open(db).runs()["state"]) == ["finished", "finished"]
    store.close()
    with pytest.raises(ValueError, match="the result store is closed"):
        execute(task, db, store)


def test_ctrl_c_ends_real_runs_that_go_side_by_side(kill_leader, db, tmp_path, node_program):
    program = tmp_path / "experiment.py"
    program.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, program, kill_leader, db, "3", "real"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while float(process.stdout.readline()) < 0.03:  # more than one second of each
        pass
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[0].splitlines()[-1]
    assert time.monotonic() - began < 20
    assert "0 interrupted; 0 of 100000 runs are finished and kept" in said
    assert set(tb.open(db).runs()["state"]) == {"failed"}
    assert not [path for path in db.parent.iterdir() if path.is_dir()]
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # the nodes are gone as well
