"""Radios in real time: scenarios in modes real and virtual-radio, and programs on `twinbed air`."""

import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
import twinbed as tb

#: Then there is loopback, for whatever follows.
WITH_LOOPBACK = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
#: As a user and as root.
OWN_NETWORKS = [["unshare", "--map-root-user", "--net"], ["unshare", "--net"]]
MAKE_RADIO = """
from twinbed import _twinbed
problem = _twinbed.virtual_radio_problem()
raise SystemExit(problem or 0)
"""


@pytest.fixture
def own_network():
    """Words before a command that has a network of its own, in which it may make radios."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare or ip is not installed; apt-get install util-linux iproute2")
    for unshare in OWN_NETWORKS:
        words = [*unshare, *WITH_LOOPBACK]
        tried = subprocess.run(
            [*words, sys.executable, "-c", MAKE_RADIO],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if tried.returncode == 0:
            return words
    pytest.skip(f"no network with radios of its own: {tried.stderr.strip()}")


def run_in(network, mode, file, db, *settings, seed=1):
    """One run of the command line; the scenario's verdicts are looked at by the caller."""
    words = [*network, sys.executable, "-m", "twinbed", "run", str(file), "--mode", mode]
    words += ["--seed", str(seed), "--db", str(db), "--json"]
    for setting in settings:
        words += ["--set", setting]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=200)


# The code 8 of 12 behind independent losses.

K, N = 8, 12
RESIDUAL = {0.1: 1.85e-3, 0.2: 0.0322, 0.3: 0.1291}
FAST = [
    "duration=13 s",
    "protocol.options.interval=500 us",
    "protocol.options.bytes=200",
    "protocol.options.mcs=7",
    "nodes.1.cards.0.queue=2000",  # frames that wait while the machine does something else
]
#: Runs for which the machine may be too busy before that is a failure.
ATTEMPTS = 3
#: By then a session has come through. What was sent at the very end may still be under way.
FIRST_SECOND, LAST_SECOND = 2, 10


def block_moments(loss):
    """Mean and variance of the payloads that a block loses, by the binomial law."""

    def weight(number, of):
        return math.comb(of, number) * loss**number * (1 - loss) ** (of - number)

    losses = [
        (data if data + parity > N - K else 0, weight(data, K) * weight(parity, N - K))
        for data in range(K + 1)
        for parity in range(N - K + 1)
    ]
    mean = sum(lost * chance for lost, chance in losses)
    return mean, sum(lost**2 * chance for lost, chance in losses) - mean**2


def test_the_binomial_law_gives_the_residual_losses():
    for loss, residual in RESIDUAL.items():
        assert block_moments(loss)[0] / K == pytest.approx(residual, rel=0.01)


def payloads(db):
    """How many were sent, and came, in the seconds that count."""
    events = tb.open(db).query(
        "SELECT type AS name, json_extract(fields, '$.second') AS second, "
        "json_extract(fields, '$.count') AS count FROM v_event WHERE type LIKE 'traffic.%'"
    )
    events = events[events["second"].between(FIRST_SECOND, LAST_SECOND)]
    counts = events.groupby("name")["count"].sum()
    return int(counts["traffic.sent"]), int(counts["traffic.received"])


def shortfall(db):
    """What was lost because the machine was too slow, in words; then the figures say nothing."""
    rows = tb.open(db).query(
        "SELECT metric, sum(value) AS value FROM v_sample WHERE metric IN "
        "('air.lost', 'radio.dropped', 'radio.queue_full') GROUP BY metric"
    )
    assert len(rows) == 3
    lost = rows[rows["value"] > 0]
    worst = tb.open(db).query("SELECT node_id, kind, worst_ns / 1e6 AS worst_ms FROM lateness")
    return "" if lost.empty else f"the machine did not keep up:\n{lost}\nlateness:\n{worst}"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["real", "virtual-radio"])
@pytest.mark.parametrize("loss", RESIDUAL)
def test_the_residual_loss_is_that_of_the_closed_form(
    root, tmp_path, node_program, own_network, mode, loss
):
    link = f'radio.links.0.trace={{csv: "time,loss\\n0,{loss}\\n"}}'
    file = root / "scenarios/wfb/fec_curve.yaml"
    for attempt in range(ATTEMPTS):
        db = tmp_path / f"{attempt}.db"
        result = run_in(own_network, mode, file, db, link, *FAST, seed=attempt)
        # The loss may be beyond the scenario's own.
        assert result.returncode in (0, 1), result.stderr
        if not shortfall(db):
            break
    assert not shortfall(db), shortfall(db)
    sent, came = payloads(db)
    assert sent > 10_000
    mean, variance = block_moments(loss)
    standard_error = math.sqrt(variance / (sent / K)) / K
    assert (sent - came) / sent == pytest.approx(mean / K, abs=5 * standard_error)
    assert came < sent, "some are lost at each of these losses"


#: A machine that is later than this makes pauses of its own.
TOO_LATE_MS = 50


def worst_lateness_ms(db):
    return tb.open(db).query("SELECT max(worst_ns) / 1e6 AS worst FROM lateness")["worst"].iloc[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "duration"),
    [
        ("session_loss", "9 s"),
        ("jammer", "20 s"),
        ("close_block", "40 s"),
        ("replayed_session", "24 s"),
        ("adaptive", "28 s"),
    ],
)
def test_scenarios_have_the_same_verdicts_for_real(root, tmp_path, node_program, name, duration):
    """A session that is lost costs the original a second; a jammer costs both what it jams;
    telemetry that is repaired late is late; what was recorded on the air deceives the original;
    and a drone that does not adapt is not heard any more when it is far."""
    scenario = tb.Scenario.load(root / f"scenarios/wfb/{name}.yaml", {"duration": duration})
    policies = {"protocol.policy": ["original", "robust"]}
    for attempt in range(ATTEMPTS):
        db = tmp_path / f"{attempt}.db"
        results = tb.replicate(
            scenario, "real", replications=1, seed=3, grid=policies, jobs=2, db=db
        )
        if results.surprises().empty or worst_lateness_ms(db) < TOO_LATE_MS:
            break
    assert list(results.runs()["state"]) == ["finished", "finished"]
    assert results.surprises().empty, f"{worst_lateness_ms(db)} ms late\n{results.surprises()}"
    if name == "jammer":
        faults = tb.open(db).query("SELECT action, phase, touched FROM fault WHERE phase = 'end'")
        assert set(faults["action"]) == {"jam"}
        assert (faults["touched"] > 100).all()


@pytest.mark.slow
def test_a_cluster_runs_in_processes(root, db, node_program):
    """Vehicle, nodes and central node, which shares its host with the ends of its streams."""
    settings = {"duration": "8 s", "faults": "[]", "checkers": CLUSTER_CHECKERS}
    scenario = tb.Scenario.load(root / "scenarios/wfb/node_crash_manual.yaml", settings)
    run = tb.run(scenario, "real", seed=1, db=db)
    assert run.verdicts()["as_expected"].all(), run.verdicts().to_string()


CLUSTER_CHECKERS = (
    "[{name: traffic, options: {source: camera, from: 2 s, loss: 0.01}},"
    " {name: traffic, options: {source: pilot, from: 2 s, loss: 0.1}}]"
)


#: The card is gone for half a second from the first session on.
TRIGGERED = """
version: 1
name: triggered
question: Does a fault of radios that waits for an event come for real?
duration: 5 s
protocol: {name: wfb, options: {interval: 2 ms, bytes: 200}}
radio: {error_rate: table, path_loss: {model: fixed, loss: 70 dB}}
nodes:
  - {name: camera, role: source, host: air}
  - {name: drone, role: transmitter, host: air, port: 5600, cards: [{}]}
  - {name: ground, role: receiver, host: station, cards: [{}]}
  - {name: screen, role: sink, host: station, port: 5700}
faults:
  - {at: 0 s, on: wfb.session, for: 500 ms, action: unplug, select: [drone]}
checkers:
  - {name: traffic, options: {from: 1 s, loss: 0}}
"""


def test_a_fault_of_radios_waits_for_its_event(tmp_path, db, node_program):
    file = tmp_path / "triggered.yaml"
    file.write_text(TRIGGERED)
    run = tb.run(file, "real", seed=1, db=db)
    faults = run.faults()
    assert list(faults["action"]) == ["unplug"]
    assert 0.4 <= faults["end_s"].iloc[0] - faults["begin_s"].iloc[0] <= 0.7
    assert faults["touched"].iloc[0] > 0
    assert run.verdicts()["as_expected"].all(), run.verdicts().to_string()
    metrics = set(run.samples()["metric"])
    assert {"radio.sent", "radio.received", "air.lost", "radio.dropped"} <= metrics
    air = "SELECT count FROM lateness WHERE kind = 'release' AND node_id IS NULL"
    assert tb.open(db).query(air)["count"].iloc[0] > 100, "the air has a ledger, too"
    assert tb.replay(f"{db}#1").equal
    tb.run(file, seed=1, db=db)
    figures = tb.open(db).compare().set_index("metric")
    for measure in ("traffic.lost", "traffic.pause", "traffic.delay"):
        assert list(figures.loc[measure, ["baseline_n", "mode", "n"]]) == [1, "real", 1]


# Programs on the air.


def start(words, cwd):
    return subprocess.Popen(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


#: Runs in the network: payloads go to UDP port 5602 and are counted at 5600.
EXCHANGE = r"""
import socket, time
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("127.0.0.1", 5600))
heard.settimeout(2)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
came = set()
deadline = time.monotonic() + 30
number = 0
while len(came) < 200 and time.monotonic() < deadline:
    sender.sendto(b"payload %d" % number, ("127.0.0.1", 5602))
    number += 1
    time.sleep(0.002)
    heard.setblocking(False)
    try:
        while True:
            came.add(heard.recv(2000))
    except BlockingIOError:
        pass
print(len(came), all(payload.startswith(b"payload ") for payload in came))
"""

SESSION = r"""
set -e
"$NODE" wfb-keygen > keygen.txt
"$PYTHON" -m twinbed air "$SCENARIO" --duration '60 s' --seed 1 > air.txt 2> air.err &
air=$!
tries=0
while ! ip link show ground-0 > /dev/null 2>&1; do
  sleep 0.1; tries=$((tries + 1)); [ $tries -lt 200 ]
done
"$NODE" wfb-rx -K gs.key -u 5600 ground-0 > rx.txt & rx=$!
"$NODE" wfb-tx -K drone.key -u 5602 drone-0 > tx.txt & tx=$!
if [ -n "$TSHARK" ]; then
  "$TSHARK" -i ground-0 -c 50 -w frames.pcap 2> tshark.err & shark=$!
  tries=0
  while ! grep -q "Capture started" tshark.err; do
    sleep 0.1; tries=$((tries + 1)); [ $tries -lt 200 ]
  done
fi
"$PYTHON" -c "$EXCHANGE"
if [ -n "$TSHARK" ]; then wait $shark; fi
kill -TERM $rx $tx
wait $rx $tx
kill -INT $air
wait $air
ip -brief link
"""


@pytest.fixture
def session(root, tmp_path, node_program, own_network):
    """wfb-tx, wfb-rx and, where it is there, tshark attach to the air; what the shell printed."""
    environment = {
        **os.environ,
        "NODE": node_program,
        "PYTHON": sys.executable,
        "SCENARIO": str(root / "scenarios/wfb/fec_curve.yaml"),
        "EXCHANGE": EXCHANGE,
        "TSHARK": shutil.which("tshark") or "",
    }
    result = subprocess.run(
        [*own_network, "bash", "-c", SESSION],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr + (tmp_path / "air.err").read_text()
    return result.stdout


@pytest.mark.slow
def test_programs_attach_to_the_air(session, tmp_path):
    lines = session.splitlines()
    count, are_whole = lines[0].split()
    assert int(count) >= 200
    assert are_whole == "True"
    assert [line.split()[0] for line in lines[1:]] == ["lo"], "the radios went with the air"
    air = (tmp_path / "air.txt").read_text().splitlines()
    assert [line.split()[:4] for line in air[:3]] == [
        ["node", "card", "channel", "position"],
        ["drone", "drone-0", "5825", "MHz"],
        ["ground", "ground-0", "5825", "MHz"],
    ]
    counts = {line.split()[0]: line.split()[1:] for line in air[4:6]}
    sent, received, corrupted = (
        int(counts["drone-0"][0]), int(counts["ground-0"][1]), int(counts["ground-0"][2])
    )  # fmt: skip
    assert sent > 300
    assert received + corrupted == sent
    assert 0.1 < corrupted / sent < 0.3, "the link loses one in five"
    assert "PKT" in (tmp_path / "rx.txt").read_text()


@pytest.mark.slow
def test_tshark_understands_the_frames(session, tmp_path):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed; apt-get install tshark")
    fields = ["radiotap.channel.freq", "radiotap.dbm_antsignal", "wlan.fc.type_subtype", "wlan.ra"]
    words = ["tshark", "-r", "frames.pcap", "-T", "fields", "-Y", "not _ws.malformed"]
    for field in fields:
        words += ["-e", field]
    read = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    rows = [line.split("\t") for line in read.stdout.splitlines()]
    assert len(rows) == 50
    assert {row[0] for row in rows} == {"5825"}
    assert {row[1].split(",")[0] for row in rows} == {"-50"}, "20 dBm less 70 dB"
    assert {row[3] for row in rows} == {"ff:ff:ff:ff:ff:ff"}


#: The runner is killed once the run has made its radios; they must not outlive it for long.
KILLED = r"""
"$PYTHON" -m twinbed run "$SCENARIO" --mode virtual-radio --seed 1 --db runs.db > /dev/null 2>&1 &
run=$!
tries=0
until ip -brief link | grep -q '^tb.*n1c0'; do
  sleep 0.1; tries=$((tries + 1)); [ $tries -lt 200 ] || exit 1
done
kill -KILL $run
tries=0
while ip -brief link | grep -q '^tb'; do
  sleep 0.1; tries=$((tries + 1)); [ $tries -lt 100 ] || exit 2
done
"""


def test_the_radios_of_a_run_go_with_its_runner(root, tmp_path, node_program, own_network):
    scenario = root / "scenarios/wfb/jammer.yaml"
    environment = {**os.environ, "PYTHON": sys.executable, "SCENARIO": str(scenario)}
    result = subprocess.run(
        [*own_network, "bash", "-c", KILLED], cwd=tmp_path, env=environment, check=False, timeout=60
    )
    assert result.returncode == 0, {1: "no radios were made", 2: "they are still there"}


def test_a_machine_that_is_too_slow_is_told_so(root, tmp_path, twinbed_command, node_program):
    """A node that is stopped for a while takes nothing from its card, whose room ends."""
    settings = [
        *("--set", "duration=6 s", "--set", "protocol.options.interval=400 us"),
        *("--set", "protocol.options.mcs=7", "--set", "protocol.options.bytes=1000"),
        *("--set", "faults=[{at: 1 s, for: 3 s, action: pause, select: [ground]}]"),
    ]
    file = root / "scenarios/wfb/fec_curve.yaml"
    result = twinbed_command("run", file, "--mode", "real", "--seed", 1, *settings, cwd=tmp_path)
    assert re.search(
        r"this machine did not keep up: \d+ of \d+ deadlines .* [1-9]\d* radio frames were lost",
        result.stderr,
    ), result.stderr


def test_an_air_by_udp_needs_no_privilege(root, tmp_path, node_program):
    words = [sys.executable, "-m", "twinbed", "air", str(root / "scenarios/wfb/jammer.yaml")]
    if shutil.which("setpriv") is not None:
        words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *words]
    air = start([*words, "--udp", "--duration", "20 s"], tmp_path)
    lines = [air.stdout.readline().split() for _ in range(3)]
    assert lines[0] == ["node", "card", "channel", "position"]
    drone, ground = (line[1].rsplit(":", 1) for line in lines[1:])
    # By hand: attach to the ground's card, and send a frame at MCS 1 from the drone's.
    radiotap = bytes.fromhex("00000d00008008000800370001")
    frame = b"\x08\x01\0\0" + b"\xff" * 6 + b"\x57\x42" * 6 + b"\0\0" + b"by hand"
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.settimeout(10)
    receiver.sendto(b"\x01", (ground[0], int(ground[1])))
    time.sleep(0.1)
    receiver.sendto(radiotap + frame, (drone[0], int(drone[1])))
    heard = receiver.recv(2000)
    assert heard.endswith(frame)
    assert len(heard) > len(frame) + 8, "with a radiotap header of its own"
    air.send_signal(2)
    rest, _ = air.communicate(timeout=20)
    assert air.returncode == 0
    assert "frames were handed over at most" in rest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["air", "scenarios/election/kill_leader.yaml"], "has no radio cards"),
        (["air", "nowhere.yaml"], "nowhere.yaml"),
        (["air", "scenarios/wfb/jammer.yaml", "--duration", "soon"], "--duration"),
        (["air", "scenarios/wfb/jammer.yaml", "--prefix", "muchtoolong"], "at most 8 characters"),
    ],
)
def test_mistakes_get_a_sentence(root, twinbed_command, node_program, words, sentence):
    result = twinbed_command(*words, cwd=root)
    assert result.returncode in (2, 3)
    assert sentence in result.stderr


def test_a_node_by_hand_needs_its_cards(root, tmp_path, twinbed_command, node_program):
    file = root / "scenarios/wfb/jammer.yaml"
    words = ["node", "--scenario", file, "--node", "ground", "--seed", 1]
    for cards, sentence in [
        (
            [],
            "node ground has 1 radio cards in the scenario and was given 0; give each with --card",
        ),
        (["nowhere0"], "there is no interface nowhere0"),
        (["127.0.0.1:port"], "the card 127.0.0.1:port: "),
    ]:
        given = [word for card in cards for word in ("--card", card)]
        result = twinbed_command(*words, *given, cwd=tmp_path)
        assert result.returncode == 3
        assert sentence in result.stderr


def test_mode_virtual_radio_needs_cards(kill_leader, db):
    with pytest.raises(tb.ScenarioError, match="has no radio cards.*run it in mode real"):
        tb.run(kill_leader, "virtual-radio", db=db)
    assert not db.exists()


def test_mode_virtual_radio_needs_a_privilege(root, tmp_path, node_program):
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv, which takes privileges away, is not installed")
    without = [setpriv, "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    result = run_in(
        without if os.geteuid() == 0 else [],
        "virtual-radio",
        root / "scenarios/wfb/jammer.yaml",
        tmp_path / "runs.db",
    )
    assert result.returncode == 4
    assert "cannot be created without the privilege CAP_NET_ADMIN; run as root" in result.stderr
    assert "mode real needs no privilege" in result.stderr
    assert not (tmp_path / "runs.db").exists(), "no run was begun"
