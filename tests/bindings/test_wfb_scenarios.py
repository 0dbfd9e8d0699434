"""What the scenarios of WFB-NG ask; test_promises.py has what each policy answers."""

import os

import pytest
import twinbed as tb

#: TWINBED_SEEDS=1000 looks longer than the suite does.
SEEDS = int(os.environ.get("TWINBED_SEEDS", "5"))


def mean_loss(root, db, name, settings):
    """The mean share of payloads lost in a second, over all seconds and seeds."""
    scenario = tb.Scenario.load(root / f"scenarios/wfb/{name}.yaml", settings)
    results = tb.replicate(scenario, replications=SEEDS, seed=1, db=db)
    samples = results.query("SELECT avg(value) AS loss FROM v_sample WHERE metric = 'traffic.loss'")
    return float(samples["loss"].iloc[0])


def test_antennas_help_and_correlated_ones_help_less(root, tmp_path):
    losses = [
        mean_loss(root, tmp_path / f"{number}.db", "diversity", settings)
        for number, settings in enumerate(
            [
                {"nodes.2.cards.0.antennas": "[0 dBi]"},
                {"nodes.2.cards.0.correlation": "0.95"},
                {},
                {"nodes.2.cards.0.antennas": "[0 dBi, 0 dBi, 0 dBi]"},
            ]
        )
    ]
    one, correlated, two, three = losses
    assert one > 0.05
    assert one > correlated > 3 * two
    assert three <= two


def test_bursts_leave_more_than_independent_losses(root, tmp_path):
    independent = mean_loss(root, tmp_path / "a.db", "fec_curve", {})
    bursts = "[{from: drone, to: ground, bursts: {good_to_bad: 2.5 %, bad_to_good: 10 %}}]"
    bursty = mean_loss(root, tmp_path / "b.db", "fec_curve", {"radio.links": bursts})
    assert independent == pytest.approx(0.0322, abs=0.01)
    assert bursty > 3 * independent


def test_a_full_queue_is_counted(root, db):
    scenario = root / "scenarios/wfb/overload_queue.yaml"
    results = tb.replicate(scenario, replications=1, seed=1, db=db)
    counts = results.query(
        "SELECT metric AS name, max(value) AS value FROM v_sample"
        " WHERE metric LIKE 'radio.%' GROUP BY metric"
    ).set_index("name")["value"]
    assert counts["radio.queue_full"] > 10_000
    # What was accepted was sent, at the airtime of MCS 1, and nearly all of it arrived.
    assert counts["radio.received"] > 0.99 * counts["radio.sent"]
    assert 12 < counts["radio.airtime"] < 15


def test_ns3_s_own_physical_layer_receives_what_the_table_does(root, tmp_path):
    shares = []
    for medium in ("ns3", "table"):
        results = tb.replicate(
            tb.Scenario.load(root / "scenarios/wfb/ns3_air.yaml", {"radio.medium": medium}),
            replications=2,
            seed=1,
            db=tmp_path / f"{medium}.db",
        )
        counts = results.query(
            "SELECT metric, sum(value) AS value FROM v_sample"
            " WHERE metric IN ('radio.sent', 'radio.received') GROUP BY metric"
        ).set_index("metric")["value"]
        assert counts["radio.sent"] > 8000
        shares.append(counts["radio.received"] / counts["radio.sent"])
    # Two shares of some thousands of independent frames differ by less than four deviations.
    assert 0.5 < shares[0] < 0.95
    assert shares[0] == pytest.approx(shares[1], abs=0.025)


def test_ns3_s_runs_follow_one_another_in_a_process_and_go_side_by_side_in_several(root, tmp_path):
    scenario = root / "scenarios/wfb/ns3_air.yaml"
    prints = [
        tb.replicate(scenario, replications=3, seed=5, jobs=jobs, db=tmp_path / f"{jobs}.db")
        .runs()["fingerprint"]
        .tolist()
        for jobs in (1, 2)
    ]
    assert prints[0] == prints[1]
    assert len(set(prints[0])) == 3
    assert tb.open(tmp_path / "1.db").run(2).replay().equal
    with pytest.raises(tb.RunError, match="which another run in this process has"):
        tb.diff(f"{tmp_path}/1.db#1", f"{tmp_path}/1.db#2")


def test_the_same_seed_gives_the_same_air(root, tmp_path):
    scenario = root / "scenarios/wfb/diversity.yaml"
    first, again, other = (
        tb.replicate(scenario, replications=1, seed=seed, db=tmp_path / f"{place}.db")
        .runs()["fingerprint"]
        .iloc[0]
        for place, seed in enumerate([7, 7, 8])
    )
    assert first == again
    assert other != first


def test_ns3_is_for_mode_sim(root, db, node_program):
    for mode in ("real", "virtual-radio"):
        with pytest.raises(tb.RunError, match="ns-3's medium, which cannot keep up with real time"):
            tb.run(root / "scenarios/wfb/ns3_air.yaml", mode, seed=1, db=db)


@pytest.mark.parametrize(
    ("name", "repair"), [("close_block", "close_block"), ("replayed_session", "refuse_replay")]
)
def test_one_repair_alone_makes_the_difference(root, tmp_path, name, repair):
    """Where the verdicts of the policies differ, each has the other's by this switch."""

    def verdicts(policy, **switches):
        settings = {f"protocol.options.{key}": value for key, value in switches.items()}
        scenario = tb.Scenario.load(
            root / f"scenarios/wfb/{name}.yaml", {"protocol.policy": policy, **settings}
        )
        db = tmp_path / f"{policy}-{len(switches)}.db"
        results = tb.replicate(scenario, replications=SEEDS, seed=1, db=db)
        return results.verdicts()["verdict"].tolist()

    original, robust = verdicts("original"), verdicts("robust")
    with_it = verdicts("original", **{repair: True})
    without_it = verdicts("robust", **{repair: False})
    differ = [i for i, verdict in enumerate(original) if verdict != robust[i]]
    assert len(differ) >= SEEDS
    assert [with_it[i] for i in differ] == [robust[i] for i in differ]
    assert [without_it[i] for i in differ] == [original[i] for i in differ]


#: The ground is off from 12 to 13.2 s, and its disk is wiped meanwhile or not. The first session
#: that it hears then is the recorded one, at 13.75 s.
RESTARTED = """[
  {at: 5 s, for: 1 s, action: crash, select: [drone]},
  {at: 12 s, action: crash, select: [ground]},
  {at: 13.2 s, action: restart, select: [ground], disk: DISK}]"""


def test_the_epoch_on_its_disk_protects_a_receiver_that_starts_again(root, tmp_path):
    def copies(disk):
        settings = {"protocol.policy": "robust", "faults": RESTARTED.replace("DISK", disk)}
        scenario = tb.Scenario.load(root / "scenarios/wfb/replayed_session.yaml", settings)
        results = tb.replicate(scenario, replications=SEEDS, seed=1, db=tmp_path / f"{disk}.db")
        counts = results.query(
            "SELECT coalesce(sum(json_extract(fields, '$.count')), 0) AS copies"
            " FROM v_event WHERE type = 'traffic.repeated'"
        )
        return counts["copies"].iloc[0]

    assert copies("keep") == 0
    # Until the drone announces its session, which is newer than the recorded one.
    assert 10 * SEEDS < copies("wipe") < 100 * SEEDS
