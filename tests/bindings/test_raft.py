"""The protocol raft in both worlds."""

import pytest
import twinbed as tb


@pytest.mark.parametrize("mode", ["sim", "real"])
def test_a_killed_leader_is_replaced_and_nothing_is_lost(root, db, mode, node_program):
    settings = {
        "duration": "9 s",
        "workload.0.count": 8,
        "workload.1.count": 8,
        "faults": "[{at: 4 s, for: 1 s, action: crash, select: {role: leader}}]",
        "checkers.agreement.options.settle": "3 s",
    }
    scenario = tb.Scenario.load(root / "scenarios/raft/kill_leader.yaml", settings)
    run = tb.run(scenario, mode=mode, seed=1, db=db)
    assert run.as_expected, run.verdicts()["explanation"].to_list()
    measures = run.measures().set_index("metric")["value"]
    shown = set(run.plot_timeline().get_legend_handles_labels()[1])
    assert "ack" in shown
    assert shown.isdisjoint({"raft.append", "raft.apply"}), "every entry of every log has such rows"
    assert 0 < measures["leaders.first"] < 4
    assert 0 < measures["failover.view"] < 4
    assert run.replay().equal
