"""Scenarios in Python."""

import pickle

import jsonschema
import pytest
import twinbed as tb


def test_a_file_is_loaded_with_settings(kill_leader):
    scenario = tb.Scenario.load(kill_leader, {"network.link.delay": "5 ms"})
    assert scenario.to_dict()["network"]["link"]["delay"] == "5 ms"
    assert scenario.parameters == [("network.link.delay", "5 ms")]
    assert tb.Scenario.load(kill_leader, ["network.link.delay=5 ms"]) == scenario


def test_a_mistake_in_a_file_names_the_place_and_the_remedy(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nname: x\nduration: 1 s\nprotocl: {name: pingpong}\n")
    with pytest.raises(tb.ScenarioError, match=r"bad\.yaml:4:1: .*'protocl'.*'protocol'"):
        tb.Scenario.load(path)
    assert issubclass(tb.ScenarioError, ValueError)


def test_a_scenario_that_is_built_equals_one_that_is_written(pingpong):
    text = """
        version: 1
        name: pair
        duration: 2 s
        protocol: {name: pingpong}
        network: {link: {delay: 5 ms, jitter: 1 ms}}
        nodes:
          - {name: alice, role: pinger, port: 7001}
          - {name: bob, role: ponger, port: 7001}
    """
    assert tb.Scenario.from_yaml(text) == pingpong


def test_all_parts_can_be_built(pingpong):
    pingpong.workload("alice", "hello", at="1 s", every="100 ms", count=2)
    pingpong.fault("crash", at="1 s .. 1.5 s", lasts="500 ms", select=["bob"])
    pingpong.checker("at_most_one_leader", expect={"robust": "valid"}, options={"tolerance": "1 s"})
    document = pingpong.to_dict()
    assert document["workload"][0]["count"] == 2
    assert document["faults"][0]["for"] == "500 ms"
    assert document["checkers"][0]["name"] == "at_most_one_leader"
    assert tb.Scenario.from_dict(document) == pingpong
    assert tb.Scenario.from_yaml(pingpong.to_yaml()) == pingpong


def test_parts_can_be_added_to_a_scenario_from_a_file(kill_leader):
    scenario = tb.Scenario.load(kill_leader)
    faults = len(scenario.to_dict()["faults"])
    scenario.fault("pause", at="30 s", select=["node1"])
    assert len(scenario.to_dict()["faults"]) == faults + 1
    assert len(scenario.to_dict()["nodes"]) == 3


def test_one_entry_can_stand_for_many_nodes(pingpong):
    files = {"photo{n}.jpg": {"random": "2 kB", "count": 3}}
    pingpong.node("carol", count=4, role="ponger", port=7001, files=files)
    pingpong.workload("carol", "hello", at="1 s .. 1.5 s")
    pingpong.fault("pause", at="1 s", select=["carol"])
    pingpong.set("nodes.carol3.port", 7003)
    document = pingpong.to_dict()
    assert [node["name"] for node in document["nodes"][2:]] == [f"carol{n}" for n in range(1, 5)]
    assert [node["port"] for node in document["nodes"][2:]] == [7001, 7001, 7003, 7001]
    assert document["nodes"][2]["files"]["photo3.jpg"] == {"random": "2 kB"}
    assert len(document["workload"]) == 4
    assert document["faults"][0]["select"] == ["carol1", "carol2", "carol3", "carol4"]
    with pytest.raises(tb.ScenarioError, match="there is no 'carol5' in 'nodes'"):
        pingpong.set("nodes.carol5.port", 1)


def test_settings_of_a_file_hold_when_parts_are_added_to_it(root):
    scenario = tb.Scenario.load(
        root / "scenarios/election/many_uploads.yaml", {"nodes.client.count": 2}
    )
    scenario.fault("crash", at="30 s", select=["client"]).set("nodes.client.count", 3)
    assert len(scenario.to_dict()["nodes"]) == 6
    assert len(scenario.to_dict()["faults"][0]["select"]) == 3


def test_a_mistake_in_a_built_scenario_shows_what_is_wrong(pingpong):
    pingpong.fault("crash", at="1 s", selct=["bob"])
    with pytest.raises(tb.ScenarioError, match=r"'selct'.*'select'.*in .*\"selct\": \[\"bob\"\]"):
        pingpong.to_yaml()


def test_a_change_that_is_refused_leaves_the_scenario_as_it_was(kill_leader):
    scenario = tb.Scenario.load(kill_leader)
    before = scenario.to_yaml()
    with pytest.raises(tb.ScenarioError, match="dealy"):
        scenario.set("network.link.dealy", "5 ms")
    assert scenario.to_yaml() == before
    assert scenario.parameters == []


def test_settings_take_python_values_and_replace_each_other(kill_leader):
    scenario = tb.Scenario.load(kill_leader)
    scenario.set("faults.0.select", {"nodes": ["node1"]}).set("network.link.loss", 0.25)
    scenario.set("network.link.loss", 0.5)
    assert scenario.to_dict()["faults"][0]["select"] == ["node1"]
    assert [path for path, _ in scenario.parameters] == ["faults.0.select", "network.link.loss"]


def test_copies_are_independent_and_can_be_sent_to_other_processes(pingpong):
    copy = pingpong.copy().set("duration", "3 s")
    assert copy != pingpong
    assert pickle.loads(pickle.dumps(copy)) == copy


def test_check_finds_what_is_not_a_matter_of_the_file_alone(pingpong):
    pingpong.check()
    pingpong.set("protocol.name", "nosuch")
    with pytest.raises(tb.ScenarioError, match="nosuch"):
        pingpong.check()
    pingpong.check(own_protocol=True)


def test_the_schema_accepts_what_the_loader_accepts(root, pingpong):
    schema = tb.scenario_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(pingpong.to_dict())
    for path in sorted((root / "scenarios").glob("*/*.yaml")):
        validator.validate(tb.Scenario.load(path).to_dict())
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**pingpong.to_dict(), "nods": []})
