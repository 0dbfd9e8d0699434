"""What antennas heard, as a table and as a plot."""

import pytest
import twinbed as tb
from twinbed import columns
from twinbed.plots import plot_antennas


@pytest.fixture(scope="module")
def flight(root, tmp_path_factory):
    """The first seconds of a flight: nodes one to three hear the drone."""
    scenario = tb.Scenario.load(
        root / "scenarios/wfb/forest_handover.yaml", settings={"duration": "8 s"}
    )
    return tb.run(scenario, seed=1, db=tmp_path_factory.mktemp("flight") / "runs.db")


def test_antennas_are_a_table(flight):
    heard = flight.antennas()
    assert list(heard.columns) == columns.names("antennas")
    central = heard[(heard["node"] == "central") & (heard["stream"] == "video rx")]
    # 10.77.0.11 and 10.77.0.12, each the only antenna of its only card.
    assert {"0A4D000B:0:0", "0A4D000C:0:0"} <= set(central["antenna"])
    assert set(heard.loc[heard["node"] == "drone", "antenna"]) == {"0:0"}
    near = central[central["antenna"] == "0A4D000B:0:0"].set_index("time_s")
    # The drone hovers above the first node for two seconds and then leaves.
    assert near.loc[2.0, "signal_dbm"] > near.loc[8.0, "signal_dbm"]
    assert near.loc[2.0, "packets"] > near.loc[8.0, "packets"]
    noise = near["signal_dbm"] - near["snr_db"]
    assert noise.between(-96, -92).all()


def test_antennas_are_a_plot(flight):
    ax = flight.plot_antennas()
    assert ax.get_title() == "forest_handover: central video rx"
    assert {"0A4D000B:0:0", "0A4D000C:0:0"} <= set(ax.get_legend_handles_labels()[1])
    assert flight.plot_antennas(ax) is ax
    assert plot_antennas(flight, node="drone").get_title().startswith(
        "forest_handover: drone"
    )


def test_runs_without_antennas_say_so(root, tmp_path):
    run = tb.run(root / "scenarios/pingpong/pingpong.yaml", seed=1, db=tmp_path / "runs.db")
    assert run.antennas().empty
    with pytest.raises(tb.ResultsError, match="no such antenna has heard any packet"):
        run.plot_antennas()
