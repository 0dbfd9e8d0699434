"""Links whose loss and delay follow a trace, in both worlds."""

import pytest
import twinbed as tb

# In seconds and milliseconds: near, then far, then cut off, then near again.
TRACE = "time,delay,loss\n0,5,0\n1,30,0\n2,0,1\n3,5,0\n"
SCENARIO = """
version: 1
name: traced
duration: 4 s
protocol: {name: pingpong, options: {interval: 100 ms}}
nodes:
  - {name: alice, role: pinger, port: 7001}
  - {name: bob, role: ponger, port: 7001}
network: {link: {trace: {file: way.csv}}}
"""


@pytest.fixture
def traced(tmp_path):
    """A scenario file whose two links, on either side of the switch, follow a CSV file."""
    (tmp_path / "way.csv").write_text(TRACE)
    (tmp_path / "traced.yaml").write_text(SCENARIO)
    return tmp_path / "traced.yaml"


def round_trips_sent_in(run, begin_s, end_s):
    """The round trips, in milliseconds, of the pings that were sent in an interval of time."""
    samples = run.samples("pingpong.round_trip")
    sent = samples["time_s"] - samples["value"]
    return (samples["value"][(sent > begin_s) & (sent < end_s)] * 1e3).tolist()


def expect_trace(run, slack_ms):
    """Four crossings of a link make a round trip."""
    near = round_trips_sent_in(run, 0.05, 0.95)
    far = round_trips_sent_in(run, 1.05, 1.85)
    back = round_trips_sent_in(run, 3.05, 3.95)
    assert min(len(near), len(far), len(back)) >= 7
    for trips, expected in ((near, 20), (far, 120), (back, 20)):
        assert min(trips) >= expected - 1e-6
        assert sorted(trips)[len(trips) // 2] < expected + slack_ms
    assert round_trips_sent_in(run, 2.05, 2.95) == []


def test_a_simulated_run_follows_the_trace(traced, db):
    expect_trace(tb.run(traced, seed=1, db=db), slack_ms=1e-6)


def test_a_real_run_follows_the_trace(traced, db, node_program):
    expect_trace(tb.run(traced, "real", seed=1, db=db), slack_ms=30)


def test_a_replay_does_not_need_the_file(traced, db):
    run = tb.run(traced, seed=1, db=db)
    (traced.parent / "way.csv").unlink()
    assert run.replay().equal
    recorded = run.scenario.to_dict()["network"]["link"]["trace"]
    assert recorded["csv"].splitlines()[1:3] == ["0 s,0,5 ms", "1 s,0,30 ms"]


def test_a_data_frame_is_a_trace(db, pingpong):
    import pandas as pd

    frame = pd.DataFrame({"time": [0.0, 0.9], "delay": [1e-2, 100.0 / 3]})
    pingpong.set("network.link", {"trace": {"csv": frame.to_csv(index=False)}})
    run = tb.run(pingpong, seed=1, db=db)
    trips = run.samples("pingpong.round_trip")
    assert trips["value"].iloc[0] == pytest.approx(4e-5, abs=1e-9)
    assert trips["value"].iloc[-1] == pytest.approx(4 / 30, abs=1e-8)


def test_a_mistake_in_the_file_is_named_with_its_place(traced):
    (traced.parent / "way.csv").write_text("time,delay\n0,5\n1,-5\n")
    with pytest.raises(tb.ScenarioError, match=r"traced.yaml:9:32: way.csv:3:3: delay '-5' is out"):
        tb.Scenario.load(traced)


def test_a_trace_that_repeats_goes_on(traced, db):
    scenario = tb.Scenario.load(traced).set("network.link.trace.repeat", "3500 ms")
    scenario.set("duration", "6 s")
    run = tb.run(scenario, seed=1, db=db)
    assert min(round_trips_sent_in(run, 4.55, 5.35)) == pytest.approx(120)
    assert round_trips_sent_in(run, 5.55, 5.95) == []
