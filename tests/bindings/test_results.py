"""Result stores as DataFrames."""

import sqlite3

import numpy as np
import pytest
import twinbed as tb
from twinbed import columns
from twinbed.plots import role_spans


@pytest.fixture(scope="module")
def store(tmp_path_factory, request):
    """Two simulated runs, the second with a setting."""
    root = request.config.rootpath
    db = tmp_path_factory.mktemp("store") / "runs.db"
    settings = {
        "protocol.options.profile": "head",
        "duration": "20 s",
        "faults.0.at": "10 s .. 11 s",
    }
    scenario = tb.Scenario.load(root / "scenarios/election/kill_leader.yaml", settings)
    tb.run(scenario, seed=2**64 - 1, db=db)
    tb.run(scenario.set("network.link.delay", "50 ms"), seed=2, db=db)
    return db


def check_columns(frame, table):
    documented = columns.TABLES[table]
    assert list(frame.columns) == [column.name for column in documented]
    assert {c.name: str(frame[c.name].dtype) for c in documented} == {
        c.name: c.dtype for c in documented
    }


RUN_TABLES = [
    *("samples", "events", "faults", "verdicts", "nodes", "parameters", "measures", "metrics"),
]


@pytest.mark.parametrize("table", RUN_TABLES)
def test_frames_of_a_run_have_the_documented_columns(store, table):
    frame = getattr(tb.open(store).run(1), table)()
    check_columns(frame, table)
    assert len(frame) > 0
    assert set(frame["run_id"]) == {1}


@pytest.mark.parametrize(
    "table", ["runs", "samples", "verdicts", "measures", "metrics", "parameters"]
)
def test_frames_of_all_runs_have_them_too(store, table):
    frame = getattr(tb.open(store), table)()
    check_columns(frame, table)
    assert set(frame["run_id"]) == {1, 2}


def test_frames_without_rows_have_them_as_well(pingpong, db):
    run = tb.run(pingpong, seed=1, db=db)
    for table in ("faults", "verdicts", "parameters"):
        frame = getattr(run, table)()
        check_columns(frame, table)
        assert frame.empty
    check_columns(tb.open(db).compare(), "comparison")


def test_seconds_are_nanoseconds(store):
    samples = tb.open(store).run(1).samples()
    assert np.allclose(samples["time_s"], samples["time_ns"] / 1e9, rtol=1e-15)
    assert samples["time_ns"].is_monotonic_increasing


def test_seeds_are_unsigned(store):
    assert tb.open(store).runs()["seed"].tolist() == [2**64 - 1, 2]


def test_runs_are_told_apart_by_their_parameters(store):
    results = tb.open(store)
    assert "network.link.delay=50 ms" in results.runs()["parameters"][1]
    assert set(results.run(2).parameters()["path"]) >= {"duration", "network.link.delay"}
    assert results.compare()["parameters"].nunique() == 2


def test_frames_can_be_narrowed(store):
    run = tb.open(store).run(1)
    assert set(run.events("role")["type"]) == {"role"}
    metric = run.samples()["metric"].iloc[0]
    assert set(run.samples(metric)["metric"]) == {metric}
    assert run.events("role")["fields"].iloc[0]["role"] == "follower"
    assert any("node3" in line for line in run.log())


def test_measures_are_about_the_whole_run_where_they_can_be(store):
    run = tb.open(store).run(1)
    assert (run.measures()["metric"] == "failover.view").sum() == 1
    samples = run.samples("failover.view")
    assert len(samples) > 1
    whole = samples[samples["node_id"].isna()]["value"]
    assert run.measures().set_index("metric")["value"]["failover.view"] == whole.iloc[0]


def test_metrics_sum_up_what_the_protocol_sampled_at_each_node(store):
    run = tb.open(store).run(1)
    samples = run.samples()
    metrics = run.metrics()
    assert not set(metrics["metric"]) & set(run.measures()["metric"])
    assert set(metrics["metric"]) | set(run.measures()["metric"]) == set(samples["metric"])
    assert metrics["counter"].all()  # of this protocol
    for row in metrics.itertuples():
        own = samples[(samples["metric"] == row.metric) & (samples["node"] == row.node)]["value"]
        assert (row.samples, row.min, row.max) == (len(own), own.min(), own.max())
        assert row.mean == pytest.approx(own.mean())
        assert row.last == own.iloc[-1]
        assert "since the start" in row.description


def test_what_is_no_counter_is_told_from_one(pingpong, db):
    assert not tb.run(pingpong, seed=1, db=db).metrics()["counter"].any()


def test_what_is_not_there_is_an_error_with_what_is(store, tmp_path):
    with pytest.raises(tb.ResultsError, match="has no run 9; its runs are 1 to 2"):
        tb.open(store).run(9)
    with pytest.raises(tb.ResultsError, match="there is no such file"):
        tb.open(tmp_path / "nothing.db")
    other = tmp_path / "other.db"
    other.write_text("hello, this is no database at all, but long enough to look at")
    with pytest.raises(tb.ResultsError, match="no result store"):
        tb.open(other)
    with sqlite3.connect(other.with_name("empty.db")) as connection:
        connection.execute("CREATE TABLE run (run_id)")
    with pytest.raises(tb.ResultsError, match="no result store of this version"):
        tb.open(other.with_name("empty.db"))


def test_reading_changes_nothing(store):
    before = store.read_bytes()
    results = tb.open(store)
    results.runs(), results.measures(), results.run(1).events()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        results.query("DELETE FROM run")
    assert store.read_bytes() == before


def test_queries_of_ones_own(store):
    frame = tb.open(store).query("SELECT count(*) AS n FROM event WHERE run_id = ?", (1,))
    assert frame["n"].tolist() == [len(tb.open(store).run(1).events())]


def test_comparison_counts_what_lies_inside():
    import pandas as pd
    from twinbed.comparison import compare

    rows = [("sim", value) for value in (1.0, 2.0, 3.0)] + [("real", 2.5), ("real", 3.5)]
    measures = pd.DataFrame(
        {
            "run_id": range(5),
            "scenario": "s",
            "parameters": "",
            "mode": [mode for mode, _ in rows],
            "metric": "failover.view",
            "unit": "s",
            "value": [value for _, value in rows],
        }
    )
    row = compare(measures).iloc[0]
    assert (row["baseline_n"], row["baseline_mean"], row["baseline_max"]) == (3, 2.0, 3.0)
    assert (row["mode"], row["n"], row["mean"]) == ("real", 2, 3.0)
    assert (row["difference"], row["inside"], row["outside"]) == (1.0, 1, 0.5)
    only_sim = compare(measures[measures["mode"] == "sim"]).iloc[0]
    assert only_sim["n"] == 0
    assert compare(measures, "real").iloc[0]["inside"] == 1


def test_the_timeline_shows_the_leaders_and_the_fault(store):
    run = tb.open(store).run(1)
    spans = role_spans(run.events(), run.faults(), 20.0)
    leaders = spans[spans["role"] == "leader"]
    crash_s = run.faults()["begin_s"].iloc[0]
    killed = leaders[leaders["node"] == "node3"]
    assert killed["end_s"].max() == crash_s
    assert leaders[leaders["node"] == "node2"]["end_s"].max() == 20.0
    ax = run.plot_timeline()
    assert run.plot_timeline(ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["node1", "node2", "node3"]
    assert {"leader", "crash", "suspect"} <= set(ax.get_legend_handles_labels()[1])


def test_notebooks_show_runs_as_tables(store, pingpong):
    results = tb.open(store)
    assert "at_most_one_leader" in results.run(1)._repr_html_()
    assert "kill_leader" in results._repr_html_()
    assert "pinger" in pingpong._repr_html_()
    assert [run.run_id for run in results] == [1, 2]
