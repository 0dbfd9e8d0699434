"""The command line, as a user calls it."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

import pytest
import twinbed as tb
from twinbed.cli import wording
from twinbed.cli.run import parse_grid, split_values, without_seed
from twinbed.paths import parse_reference

FAST = [
    "--set", "protocol.options.profile=head",
    "--set", "duration=20 s",
    "--set", "faults.0.at=10 s .. 11 s",
]  # fmt: skip
EXPECTS_INVALID = [*FAST, "--set", "checkers.0.expect={original: invalid}"]


def test_help_teaches_with_examples(twinbed_command):
    text = twinbed_command("--help").stdout
    verbs = "demo run show compare replay diff capture schema doctor node air wfb".split()
    assert re.findall(r"^  (\w+)  ", text.split("Commands:")[1], re.MULTILINE) == verbs
    assert "Exit codes:" in text
    for verb in ("run", "show", "compare", "replay", "diff", "capture", "schema"):
        assert "Example" in twinbed_command(verb, "--help").stdout, verb


def test_a_run_prints_its_seed_first_and_its_verdicts(twinbed_command, kill_leader, tmp_path):
    result = twinbed_command("run", kill_leader, *FAST, "--seed", 3, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[0] == "seed 3"
    assert "valid, as expected of policy original" in result.stdout
    assert "failover.view" in result.stdout
    assert result.stdout.startswith("results/runs.db#1: kill_leader ")
    assert tb.open(tmp_path / "results/runs.db").run(1).seed == 3


def test_on_a_terminal_there_is_a_bar_and_a_table_with_lines(kill_leader, tmp_path):
    terminal, other_end = os.openpty()
    words = [kill_leader, *FAST, "--seed", "1", "--replications", "4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "twinbed", "run", *map(str, words)],
        cwd=tmp_path,
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "160"},
    )
    os.close(other_end)
    said = b""
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as stream:
        while part := stream.read(4096):
            said += part
    assert process.wait() == 0
    text = said.decode()
    assert "kill_leader sim" in text
    assert "4 of 4 runs" in text
    assert "─────" in text


def test_counters_are_shown_by_node_as_they_were_at_the_end(twinbed_command, kill_leader, tmp_path):
    said = twinbed_command("run", kill_leader, *FAST, "--seed", 3, cwd=tmp_path).stdout
    header, rows = said.split("counter at the end")[1].split("\n", 1)
    assert header.split() == ["node1", "node2", "node3", "all"]
    shown = {words[0]: words[1:] for words in map(str.split, rows.splitlines())}
    metrics = tb.open(tmp_path / "results/runs.db").run(1).metrics()
    assert set(shown) == set(metrics["metric"])
    for metric, own in metrics.groupby("metric"):
        at_end = dict(zip(own["node"], own["last"], strict=True))
        expected = [at_end.get(node) for node in ("node1", "node2", "node3")]
        words = [wording.number(value) for value in (*expected, own["last"].sum())]
        assert shown[metric] == words


def test_many_nodes_share_the_columns_of_their_counters(twinbed_command, tmp_path):
    scenario = tb.Scenario.build(
        name="crowd",
        duration="3 s",
        protocol={"name": "election", "policy": "original", "options": {"zero_key": True}},
        network={"link": {"delay": "1 ms"}},
    )
    for number in range(1, 10):
        scenario.node(f"node{number}", role="server", port=7000 + number)
    (tmp_path / "crowd.yaml").write_text(scenario.to_yaml())
    said = twinbed_command("run", "crowd.yaml", "--seed", 1, cwd=tmp_path).stdout
    header = next(line for line in said.splitlines() if line.startswith("counter at the end"))
    assert header.split()[4:] == ["nodes", "least", "greatest", "all"]


def test_what_is_sampled_is_shown_with_its_spread(twinbed_command, root, tmp_path):
    file = root / "scenarios/pingpong/pingpong.yaml"
    said = twinbed_command("run", file, "--seed", 3, cwd=tmp_path).stdout
    assert re.search(r"^pingpong\.round_trip +s +\S+ \[\S+ \.\. \S+\] n=\d+$", said, re.MULTILINE)


def test_a_seed_is_drawn_where_none_is_given(twinbed_command, kill_leader, tmp_path):
    results = [twinbed_command("run", kill_leader, *FAST, "--json", cwd=tmp_path) for _ in range(2)]
    seeds = {json.loads(result.stdout)["seed"] for result in results}
    assert len(seeds) == 2
    assert results[0].stderr.splitlines()[0] == f"seed {json.loads(results[0].stdout)['seed']}"


def test_an_unexpected_verdict_ends_with_1_and_the_line_that_repeats_it(
    twinbed_command, kill_leader, tmp_path
):
    result = twinbed_command(
        "run", kill_leader, *EXPECTS_INVALID, "--seed", 1, "--replications", 2, cwd=tmp_path
    )
    assert result.returncode == 1
    assert "valid, but invalid was expected of policy original" in result.stderr
    lines = re.findall(r"^reproduce: twinbed (.*)$", result.stderr, re.MULTILINE)
    assert len(lines) == 2
    again = twinbed_command(*shlex.split(lines[1]), cwd=tmp_path)
    assert again.returncode == 1
    runs = tb.open(tmp_path / "results/runs.db").runs()
    assert runs["fingerprint"][1] == runs["fingerprint"][2] != runs["fingerprint"][0]


def test_json_has_everything(twinbed_command, kill_leader, tmp_path):
    result = twinbed_command(
        "run", kill_leader, *FAST, "--seed", 2**64 - 1, "--replications", 2, "--json", "--set",
        "network.link.delay=1 ms,5 ms", cwd=tmp_path,
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert [run["run_id"] for run in answer["runs"]] == [1, 2, 3, 4]
    assert answer["runs"][0]["seed"] == 2**64 - 1
    assert answer["runs"][0]["verdicts"][0]["as_expected"] is True
    assert answer["runs"][0]["failure"] is None
    assert "failover.view" in {m["metric"] for m in answer["runs"][0]["measures"]}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "nothing.yaml"], 2, "cannot be opened"),
        (["run", "{file}", "--set", "network.link.dealy=5 ms"], 2, "did you mean 'delay'?"),
        (["run", "{file}", "--set", "nonsense"], 2, "PATH=VALUE"),
        (["run", "{file}", "--mode", "dream"], 2, "'sim', 'real'"),
        (["run", "{file}", "--seed", "-1"], 2, "0<=x<=18446744073709551615"),
        (["show", "nothing.db"], 2, "there is no such file"),
        (["show", "nothing.db#x"], 2, "FILE#RUN"),
        (["replay", "nothing.db"], 2, "FILE#RUN"),
        (["replay", "nothing.db#1"], 3, "nothing.db"),
        (["diff", "nothing.db#1", "nothing.db#2"], 3, "nothing.db"),
        (["compare"], 2, "Missing argument"),
        (["nosuchverb"], 2, "No such command"),
        (["run", "{file}", "--mode", "real"], 4, "TWINBED_NODE"),
        (["node", "--help"], 4, "TWINBED_NODE"),
    ],
)
def test_mistakes_end_with_their_codes(
    twinbed_command, kill_leader, tmp_path, monkeypatch, words, code, said
):
    monkeypatch.setenv("TWINBED_NODE", "/nothing")
    copy = tmp_path / "copy"
    if code == 4:  # with neither of the other places where the program may be
        package = kill_leader.parents[2] / "bindings/twinbed"
        shutil.copytree(package, copy / "twinbed")
        monkeypatch.setenv("PYTHONPATH", str(copy))
    result = twinbed_command(
        *[word.replace("{file}", str(kill_leader)) for word in words], cwd=tmp_path
    )
    assert result.returncode == code, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    if "Usage" not in result.stderr:
        assert "reproduce: twinbed " in result.stderr


def test_a_store_can_be_shown_compared_and_replayed(twinbed_command, kill_leader, tmp_path):
    twinbed_command("run", kill_leader, *FAST, "--seed", 1, "--replications", 3, cwd=tmp_path)
    runs = twinbed_command("show", "results/runs.db", cwd=tmp_path)
    assert len(runs.stdout.splitlines()) == 2 + 3
    one = twinbed_command("show", "results/runs.db#2", cwd=tmp_path)
    assert "crash" in one.stdout
    assert "of" in one.stdout
    assert "log lines:" in one.stdout
    compared = twinbed_command("compare", "results/runs.db", cwd=tmp_path)
    assert re.search(r"failover\.view +s .*n=3", compared.stdout)
    assert "no runs in another mode" in compared.stderr
    rows = json.loads(twinbed_command("compare", "results/runs.db", "--json", cwd=tmp_path).stdout)
    assert rows[0]["baseline_n"] == 3
    assert rows[0]["inside"] is None
    replayed = twinbed_command("replay", "results/runs.db#3", cwd=tmp_path)
    assert replayed.returncode == 0
    assert "equal" in replayed.stdout
    same = twinbed_command("diff", "results/runs.db#1", "results/runs.db#1", cwd=tmp_path)
    assert same.returncode == 0
    other = twinbed_command("diff", "results/runs.db#1", "results/runs.db#2", cwd=tmp_path)
    assert other.returncode == 1
    assert "is the first that differs" in other.stdout


def test_real_runs_stand_beside_simulated_ones(
    twinbed_command, kill_leader, tmp_path, node_program
):
    settings = [*FAST[:2], "--set", "duration=4 s", "--set", "faults=[]", "--seed", 1]
    twinbed_command("run", kill_leader, *settings, "--replications", 3, cwd=tmp_path)
    real = twinbed_command("run", kill_leader, *settings, "--mode", "real", cwd=tmp_path)
    assert real.returncode in (0, 1), real.stderr
    compared = twinbed_command("compare", "results/runs.db", cwd=tmp_path)
    header, row = re.search(
        r"^(measure .*)\n(leaders\.\w+ .*)$", compared.stdout, re.MULTILINE
    ).groups()
    assert header.split()[2:4] == ["sim", "real"]
    assert "n=1" in row


def test_a_grid_is_compared_in_one_table(twinbed_command, kill_leader, tmp_path, node_program):
    settings = [
        *("--set", "duration=3 s", "--set", "faults=[]", "--seed", 1),
        *("--set", "protocol.options.profile=head,67dc5ff"),
    ]
    twinbed_command("run", kill_leader, *settings, "--replications", 2, cwd=tmp_path)
    real = twinbed_command(
        "run", kill_leader, *settings, "--mode", "real", "--replications", 2, "-j", 4, cwd=tmp_path
    )
    assert "measure" in real.stdout, real.stderr
    compared = twinbed_command("compare", "results/runs.db", cwd=tmp_path).stdout
    heading, header, *rows = compared.splitlines()
    assert heading == "kill_leader duration=3 s faults=[]"
    assert header.split()[:5] == ["measure", "unit", "profile", "sim", "real"]
    assert [row.split()[0] for row in rows] == ["leaders.dual"] * 2 + ["leaders.changes"] * 2
    assert [row.split()[2] for row in rows[:2]] == ["head", "67dc5ff"]
    assert all(row.count("n=2") == 2 for row in rows)


def test_the_schema_is_printed_as_json(twinbed_command):
    assert json.loads(twinbed_command("schema").stdout) == tb.scenario_schema()


def test_the_run_of_a_cloud_p2p_server_can_be_shown_and_replayed(
    twinbed_command, tmp_path, node_program
):
    (tmp_path / "images").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [node_program, "cloud-p2p", "--policy", "original", "--zero-key", "--profile", "head",
         "--database", "node.db"],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={"PEERS": f"1=127.0.0.1:{port}", "SHARED_DIR": "images"},
    )  # fmt: skip
    while "starting heartbeat task" not in server.stdout.readline():
        assert server.poll() is None
    server.terminate()
    server.communicate(timeout=20)
    shown = twinbed_command("show", "node.db#1", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("node.db#1: cloud-p2p node_id=1, policy=original, ")
    assert "starting heartbeat task" in shown.stdout
    replayed = twinbed_command("replay", "node.db#1", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    with sqlite3.connect(tmp_path / "node.db") as connection:
        connection.execute("UPDATE parameter SET value = 'false' WHERE path = 'zero_key'")
    without_key = twinbed_command("replay", "node.db#1", cwd=tmp_path)
    assert without_key.returncode == 3
    assert "whose key is not in the store; set ENCRYPTION_KEY" in without_key.stderr


def test_the_doctor_says_what_each_missing_thing_costs(twinbed_command):
    result = twinbed_command("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert result.returncode == 0
    assert checks["extension module"]["found"]
    assert checks["Python packages"]["found"]
    assert all(check["detail"] for check in checks.values())
    assert "doctor" not in twinbed_command("doctor").stderr


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(kill_leader, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "twinbed", "run", kill_leader, "--replications", "100000"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    store = tmp_path / "results/runs.db"
    while not store.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1].splitlines()[-1].startswith("interrupted; ")
    assert process.returncode == 130
    assert len(tb.open(store)) >= 1


def endless(pingpong, db):
    """A recorded run that takes hours to repeat: what it says about its duration is changed."""
    tb.run(pingpong, seed=1, db=db)
    with sqlite3.connect(db) as connection:
        sql = "UPDATE run SET scenario_text = replace(scenario_text, 'duration: 2 s', ?)"
        connection.execute(sql, ("duration: 1000000000 s",))
    return f"{db}#1"


@pytest.mark.parametrize("verb", ["replay", "diff"])
def test_ctrl_c_ends_a_replay_and_a_comparison(pingpong, db, verb):
    run = endless(pingpong, db)
    words = [run] if verb == "replay" else [run, run]
    terminal, other_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "twinbed", verb, *words],
        stdout=subprocess.PIPE, stderr=other_end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "160"},
    )  # fmt: skip
    os.close(other_end)
    patience = threading.Timer(60, process.kill)
    patience.start()
    said, asked = b"", False
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as stream:
        while part := stream.read(4096):  # to the end of the process
            said += part
            if not asked and b"s of run time" in said:
                process.send_signal(signal.SIGINT)
                asked = True
    patience.cancel()
    assert process.wait(timeout=20) == 130
    assert process.stdout.read() == b""
    assert said.decode().splitlines()[-1].endswith("interrupted")
    assert b"of 1000000000 s of run time" in said


def test_values_of_a_grid_are_parted_at_commas_outside_brackets_and_quotes():
    assert split_values("1 ms, 5 ms") == ["1 ms", "5 ms"]
    assert split_values("{role: leader, count: 1},[a, b]") == ["{role: leader, count: 1}", "[a, b]"]
    assert split_values("'a,b',c") == ["'a,b'", "c"]
    assert split_values("") == [""]
    assert parse_grid(("a.b=1,2", "c=x=y")) == {"a.b": ["1", "2"], "c": ["x=y"]}


def test_the_seed_is_taken_out_of_a_command():
    assert without_seed(["run", "--seed", "1", "f", "--seed=2"]) == ["run", "f"]


def test_references_name_a_file_and_a_run():
    assert parse_reference("a#b/runs.db#17") == ("a#b/runs.db", 17)
    for wrong in ("runs.db", "runs.db#", "#1", "runs.db#-1", "runs.db#1.5"):
        with pytest.raises(tb.ResultsError):
            parse_reference(wrong)


def test_findings_are_told_in_words():
    assert wording.finding("invalid", "invalid", "original") == (
        "invalid, as expected of policy original"
    )
    assert wording.finding("valid", "invalid", "original") == (
        "valid, but invalid was expected of policy original"
    )
    assert wording.spread(3, 1.0, 0.5, 2.0) == "1 [0.5 .. 2] n=3"
    assert wording.spread(1, 1.0, 1.0, 1.0) == "1 n=1"


def test_the_demo_compares_and_names_what_to_try_next(
    kill_leader, tmp_path, monkeypatch, node_program
):
    """With a shorter scenario than the real one, whose real run takes 100 s."""
    from click.testing import CliRunner
    from twinbed.cli import run

    settings = ["protocol.options.profile=head", "duration=14 s", "faults.0.at=7 s"]
    short = tmp_path / "short.yaml"
    short.write_text(tb.Scenario.load(kill_leader, settings).to_yaml())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "shipped_scenario", lambda name: str(short))
    monkeypatch.setattr(run, "DEMO_REPLICATIONS", 3)
    said = CliRunner().invoke(run.demo, []).stdout
    assert re.search(r"failover\.view +s .* n=3  .* n=1 ", said)
    assert "A lost leader is replaced, and every server knows the next one, after" in said
    following = said.split("Next:\n")[1].splitlines()
    assert len(following) == 3
    store = following[0].split("'")[1]
    assert tb.open(store.split("#")[0]).runs()["mode"].tolist() == ["sim"] * 3 + ["real"]
