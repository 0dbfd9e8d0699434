"""The scenarios of cloud-p2p and WFB-NG: what the policy robust promises, and where the original
breaks it."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import twinbed as tb

#: TWINBED_SEEDS=1000 looks longer than the suite does.
SEEDS = int(os.environ.get("TWINBED_SEEDS", "5"))

SCENARIOS = {
    "election": [
        "crash_during_upload",
        "five_servers",
        "full_disk",
        "kill_leader",
        "leader_failover",
        "leader_failure",
        "leader_isolated",
        "leader_paused",
        "lone_server",
        "many_uploads",
        "minority_isolated",
        "minority_partition",
        "missing_server",
        "mute_server",
        "normal_operation",
        "partial_partition",
        "rolling_restart",
        "seven_servers",
        "shared_storage",
        "wrong_keys",
    ],
    "wfb": [
        "adaptive",
        "backhaul_cut",
        "close_block",
        "diversity",
        "fec_curve",
        "forest_handover",
        "jammer",
        "node_crash_manual",
        "node_crash_ssh",
        "ns3_air",
        "overload_queue",
        "replayed_session",
        "session_loss",
        "stale_init_script",
        "two_transmitters_one_key",
    ],
}
STEPS = ["image.begin", "image.chunk", "image.staged", "image.proposed", "image.committed"]


@pytest.mark.parametrize("folder", SCENARIOS)
def test_every_scenario_is_listed(root, folder):
    files = (root / "scenarios" / folder).glob("*.yaml")
    assert sorted(file.stem for file in files) == SCENARIOS[folder]


@pytest.mark.parametrize(
    "name", [f"{folder}/{name}" for folder, names in SCENARIOS.items() for name in names]
)
def test_both_policies_do_what_the_scenario_expects(root, db, name):
    results = tb.replicate(
        root / f"scenarios/{name}.yaml",
        replications=SEEDS,
        seed=1,
        grid={"protocol.policy": ["original", "robust"]},
        db=db,
    )
    assert len(results.runs()) == 2 * SEEDS
    assert results.surprises().empty, results.surprises().to_string()


@pytest.mark.parametrize("step", STEPS)
def test_a_leader_that_dies_at_any_step_of_an_upload_loses_nothing(root, db, step):
    scenario = tb.Scenario.load(root / "scenarios/election/crash_during_upload.yaml", at_step(step))
    results = tb.replicate(scenario, replications=SEEDS, seed=1, db=db)
    assert results.surprises().empty, results.surprises().to_string()
    assert (results.query("SELECT touched FROM fault WHERE phase = 'end'")["touched"] == 1).all()


#: The stress test of the original's authors, and the time that the slowest copy takes.
FULL_SIZE = {
    "nodes.client.count": 50,
    "nodes.client.files.image{n}.bin.count": 20,
    "nodes.client.files.image{n}.bin.random": "500 kB",
    "workload.1.count": 20,
    "duration": "150 s",
}


@pytest.mark.slow
def test_a_thousand_images_of_fifty_clients_are_stored_and_answered(root, db):
    scenario = tb.Scenario.load(root / "scenarios/election/many_uploads.yaml", FULL_SIZE)
    results = tb.replicate(
        scenario, replications=1, seed=1, grid={"protocol.policy": ["original", "robust"]}, db=db
    )
    assert results.surprises().empty, results.surprises().to_string()
    submitted = results.query(
        "SELECT run_id, count(*) AS images,"
        " count(DISTINCT json_extract(fields, '$.hash')) AS hashes"
        " FROM event JOIN event_type USING (type_id) WHERE name = 'submit' GROUP BY run_id"
    )
    assert (submitted[["images", "hashes"]] == 1000).all(axis=None)


def test_random_files_are_the_same_simulated_and_real(root, tmp_path, node_program):
    settings = {"nodes.client.count": 2, "duration": "4 s"}
    settings |= {"workload.0.at": "2 s", "workload.1.at": "2 s"}
    scenario = tb.Scenario.load(root / "scenarios/election/many_uploads.yaml", settings)
    hashes = []
    for mode, seed in [("sim", 1), ("sim", 2), ("real", 1)]:
        run = tb.run(scenario, mode, seed=seed, db=tmp_path / "runs.db")
        submitted = run.events()
        submitted = submitted[submitted["type"] == "submit"]
        hashes.append({fields["hash"] for fields in submitted["fields"]})
    assert len(hashes[0]) == 20
    assert hashes[0] == hashes[1] == hashes[2]


def at_step(step):
    """Settings by which the leader dies when it records this step of the second upload."""
    return {"protocol.policy": "robust", "faults.0.on": step, "faults.0.at": "24 s"}


REAL = [
    "normal_operation",
    "leader_failure",
    "many_uploads",
    "minority_partition",
    "leader_paused",
    "wrong_keys",
    "full_disk",
    "shared_storage",
]


@pytest.mark.slow
def test_the_promises_are_kept_by_real_processes_too(root, tmp_path, node_program):
    """All at once: these runs wait most of their time."""
    cases = [(name, name, {"protocol.policy": "robust"}) for name in REAL]
    cases += [(step, "crash_during_upload", at_step(step)) for step in STEPS]

    def run(case):
        label, name, settings = case
        directory = tmp_path / label
        directory.mkdir()
        scenario = tb.Scenario.load(root / f"scenarios/election/{name}.yaml", settings)
        tb.run(scenario, "real", seed=1, db=directory / "runs.db", keep_files=True)
        return directory

    with ThreadPoolExecutor(len(cases)) as pool:
        for directory in pool.map(run, cases):
            results = tb.open(directory / "runs.db")
            assert results.surprises().empty, results.surprises().to_string()
            files = expect_whole_files(directory, results)
            assert directory.name not in STEPS or len(files) == 2
            if directory.name == "shared_storage":
                assert all(len({path.resolve() for path in paths}) == 1 for paths in files.values())


def expect_whole_files(directory, results):
    """The files of each accepted image, seen by two servers at the least; nothing else is there."""
    accepted = results.query(
        "SELECT submit.hash FROM"
        " (SELECT json_extract(fields, '$.id') AS id, json_extract(fields, '$.hash') AS hash"
        "  FROM event JOIN event_type USING (type_id) WHERE name = 'submit') AS submit JOIN"
        " (SELECT json_extract(fields, '$.id') AS id"
        "  FROM event JOIN event_type USING (type_id) WHERE name = 'ack') AS ack USING (id)"
    )["hash"]
    found = {}
    for path in directory.glob("nodes-*/*.files/images/*"):
        if path.name == ".incoming":
            assert not list(path.iterdir()), "what was never accepted is removed"
            continue
        content = hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()
        assert content in set(accepted), f"{path} is partial, or was never accepted"
        found.setdefault(content, []).append(path)
    for content in accepted:
        assert len(found[content]) >= 2
    return found
