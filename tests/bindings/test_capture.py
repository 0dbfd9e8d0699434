"""Captures of simulated and of real runs, as tshark reads them."""

import collections
import shutil
import statistics
import struct
import subprocess
import sys

import pytest
import twinbed as tb
from twinbed import _twinbed

PORTS = {7001, 7002, 7003}
CHECKED = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
GOOD = "1"  #: tshark's word for a checksum that is right


@pytest.fixture
def tshark():
    """Calls tshark on a capture file: the chosen fields of each packet that a filter lets pass."""
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed; apt-get install tshark")

    def read(path, fields, condition="", options=()):
        words = [program, "-r", str(path), *CHECKED, *options, "-T", "fields", "-Y", condition]
        for field in fields:
            words += ["-e", field]
        result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
        assert result.returncode == 0, result.stderr
        return [line.split("\t") for line in result.stdout.splitlines()]

    return read


@pytest.fixture
def on_air(root):
    """A radio link with fading and two antennas at its end, for some seconds."""
    settings = {"duration": "3 s", "checkers": "[]", "radio.path_loss.loss": "100 dB"}
    return tb.Scenario.load(root / "scenarios/wfb/diversity.yaml", settings)


@pytest.fixture
def may_capture():
    """Skips a test that captures real packets where this process may not."""
    problem = _twinbed.capture_problem()
    if problem is not None:
        pytest.skip(problem)


def frames(run, **wanted):
    """The captured rows of a run."""
    results = tb.open(run.db)
    rows = results.query(
        "SELECT frame.*, node.name AS node FROM frame LEFT JOIN node USING (run_id, node_id) "
        "WHERE run_id = ? ORDER BY time_ns, frame.rowid",
        (run.run_id,),
    )
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def expect_clean(tshark, path):
    """Nothing in the file is malformed, and every checksum is right."""
    assert tshark(path, ["frame.number"], "_ws.malformed || _ws.expert.severity == error") == []
    checksums = tshark(path, ["ip.checksum.status", "tcp.checksum.status"], "tcp")
    assert checksums
    assert {tuple(pair) for pair in checksums} == {(GOOD, GOOD)}


def expect_handshakes(tshark, path, first_calls):
    """Connections are opened in three steps, between nodes and the ports at which they listen."""
    flags = [
        "tcp.stream",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.flags.syn",
        "tcp.flags.ack",
        "tcp.len",
    ]
    streams = collections.defaultdict(list)
    for stream, source, target, syn, ack, length in tshark(path, flags, "tcp"):
        streams[stream].append((int(source), int(target), syn == "1", ack == "1", int(length)))
    answered = [packets for packets in streams.values() if packets[1][2] and packets[1][3]]
    assert len(answered) >= first_calls
    for packets in answered:
        (caller, port, *call), (back, to, *answer), (again, there, *confirmed) = packets[:3]
        assert port in PORTS
        assert call[:2] == [True, False]
        assert (back, to) == (port, caller)
        assert answer[:2] == [True, True]
        assert (again, there) == (caller, port)
        assert confirmed[:2] == [False, True]


def messages(tshark, path):
    """The sizes of the messages in the streams of a capture, by the codec's own length field."""
    data = collections.defaultdict(dict)
    for stream, port, sequence, payload in tshark(
        path, ["tcp.stream", "tcp.srcport", "tcp.seq", "tcp.payload"], "tcp.len > 0"
    ):
        data[stream, port][int(sequence)] = bytes.fromhex(payload)
    sizes = []
    for parts in data.values():
        flow = b""
        for sequence in sorted(parts):
            assert sequence == 1 + len(flow), "bytes are missing"
            flow += parts[sequence]
        while flow:
            (size,) = struct.unpack(">I", flow[:4])
            assert len(flow) >= 4 + size, "a message is cut off"
            sizes.append(size)
            flow = flow[4 + size :]
    return sizes


def test_a_simulated_failover_is_read_without_a_complaint(fast_failover, db, tmp_path, tshark):
    run = tb.run(fast_failover, seed=1, db=db, capture=True)
    path = tmp_path / "failover.pcap"
    count = run.write_capture(path)
    assert count == len(frames(run, direction="sent")) > 100
    expect_clean(tshark, path)
    expect_handshakes(tshark, path, 6)
    sizes = messages(tshark, path)
    assert len(sizes) > 30
    assert min(sizes) > 12 + 16  # nonce and tag


def test_times_in_the_file_are_nanoseconds_of_run_time(pingpong, db, tmp_path, tshark):
    run = tb.run(pingpong, seed=1, db=db, capture=True)
    run.write_capture(tmp_path / "pair.pcap")
    written = tshark(tmp_path / "pair.pcap", ["frame.time_epoch", "frame.protocols"])
    stored = frames(run, direction="sent")["time_ns"]
    assert [row[0] for row in written] == [f"{ns // 10**9}.{ns % 10**9:09}" for ns in stored]
    assert {row[1] for row in written} == {"raw:ip:udp:data"}


def test_lost_packets_are_sent_not_received_and_sent_again(fast_failover, db, tmp_path, tshark):
    fast_failover.set("network.link.loss", "10 %")
    run = tb.run(fast_failover, seed=1, db=db, capture=True)
    path = tmp_path / "lossy.pcap"
    run.write_capture(path)
    expect_clean(tshark, path)
    assert len(tshark(path, ["frame.number"], "tcp.analysis.retransmission")) > 3
    assert len(frames(run, direction="received")) < len(frames(run, direction="sent"))


def test_a_node_s_file_has_what_it_sent_and_received(fast_failover, db, tmp_path, tshark):
    run = tb.run(fast_failover, seed=1, db=db, capture=True)
    path = tmp_path / "node2.pcap"
    rows = frames(run, node="node2")
    assert run.write_capture(path, node="node2") == len(rows)
    ends = tshark(path, ["ip.src", "ip.dst"])
    assert all("10.0.0.2" in pair for pair in ends)
    assert [source == "10.0.0.2" for source, _ in ends] == list(rows["direction"] == "sent")
    assert set(rows["direction"]) == {"sent", "received"}


def test_a_capture_does_not_change_the_run(fast_failover, db):
    plain = tb.run(fast_failover, seed=7, db=db)
    captured = tb.run(fast_failover, seed=7, db=db, capture=True)
    assert captured.info["fingerprint"] == plain.info["fingerprint"]
    assert captured.events().drop(columns="run_id").equals(plain.events().drop(columns="run_id"))
    assert captured.scenario == plain.scenario
    assert frames(plain).empty
    assert captured.replay().equal


def test_runs_of_several_processes_are_captured(fast_failover, db, tmp_path):
    results = tb.replicate(fast_failover, replications=4, seed=1, jobs=2, db=db, capture=True)
    counts = [run.write_capture(tmp_path / f"{run.run_id}.pcap") for run in results]
    assert min(counts) > 100
    assert len(set(counts)) > 1


def test_a_real_failover_is_read_without_a_complaint_and_says_what_a_simulated_one_does(
    fast_failover, db, tmp_path, tshark, node_program, may_capture
):
    fast_failover.set("faults.0.at", "4 s").set("duration", "6 s")
    calls, sizes = [], []
    for mode in ("sim", "real"):
        run = tb.run(fast_failover, mode, seed=1, db=db, capture=True)
        path = tmp_path / f"{mode}.pcap"
        count = run.write_capture(path)
        assert count == len(frames(run, direction="sent"))
        expect_clean(tshark, path)
        expect_handshakes(tshark, path, 6)
        answers = "tcp.flags.syn == 1 && tcp.flags.ack == 1"
        calls.append(sorted(row[0] for row in tshark(path, ["tcp.srcport"], answers)))
        sizes.append(set(messages(tshark, path)))
    assert calls[0] == calls[1], "connections to the same ports"
    assert sizes[0] == sizes[1], "and messages of the same sizes"
    assert run.samples("capture.dropped")["value"].tolist() == [0]
    assert run.replay().equal


def test_real_packets_are_timed_as_the_other_rows_are(pingpong, db, node_program, may_capture):
    run = tb.run(pingpong, "real", seed=1, db=db, capture=True)
    arrived = frames(run, node="bob", direction="received")["time_ns"].tolist()
    handled = (
        tb.open(db)
        .query(
            "SELECT time_ns FROM input JOIN node USING (run_id, node_id) "
            "WHERE name = 'bob' AND kind = 'datagram' ORDER BY sequence"
        )["time_ns"]
        .tolist()
    )
    assert len(arrived) == len(handled) > 10
    late = [after - before for before, after in zip(arrived, handled, strict=True)]
    assert min(late) > -100_000  # the clocks are compared to some microseconds
    assert sorted(late)[len(late) // 2] < 50_000_000


def test_what_cannot_be_written_is_said(pingpong, db, tmp_path):
    captured = tb.run(pingpong, seed=1, db=db, capture=True)
    plain = tb.run(pingpong, seed=1, db=db)
    path = tmp_path / "out.pcap"
    with pytest.raises(tb.ResultsError, match="was not captured; run it again with --capture"):
        plain.write_capture(path)
    with pytest.raises(tb.ResultsError, match="no node 'alize', did you mean 'alice'"):
        captured.write_capture(path, node="alize")
    assert not path.exists()
    with pytest.raises(tb.ResultsError, match="cannot be written"):
        captured.write_capture(tmp_path / "nowhere" / "out.pcap")


def test_the_command_line_captures_and_writes(twinbed_command, kill_leader, tmp_path, tshark):
    words = [
        "--set",
        "protocol.options.profile=head",
        "--set",
        "duration=9 s",
        "--set",
        "faults=[]",
    ]
    made = twinbed_command("run", kill_leader, *words, "--seed", 1, "--capture", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    written = twinbed_command("capture", "results/runs.db#1", "all.pcap", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    packets = tshark(tmp_path / "all.pcap", ["frame.number"])
    assert written.stderr == f"{len(packets)} packets in all.pcap\n"
    assert written.stdout == ""
    piped = subprocess.run(
        [sys.executable, "-m", "twinbed", "capture", "results/runs.db#1", "-"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert piped.stdout == (tmp_path / "all.pcap").read_bytes()
    wrong = twinbed_command("capture", "results/runs.db#1", "x.pcap", "--node", "n", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "the run has no node 'n'" in wrong.stderr


def test_without_the_privilege_a_real_capture_is_refused(kill_leader, tmp_path, node_program):
    command = [sys.executable, "-m", "twinbed", "run", str(kill_leader), "--mode", "real"]
    setpriv = shutil.which("setpriv")
    if _twinbed.capture_problem() is None:
        if setpriv is None:
            pytest.skip("this process may capture, and setpriv, which takes that away, is missing")
        command = [setpriv, "--bounding-set=-net_raw", "--inh-caps=-net_raw", *command]
    result = subprocess.run(
        [*command, "--capture"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 4
    assert (
        "packets on the interface lo cannot be captured without the privilege CAP_NET_RAW; run as "
        "root (sudo), or without a capture" in result.stderr
    )
    assert not (tmp_path / "results").exists(), "no run was begun"


#: WFB-NG's frames are encrypted without saying so; what is in them is no LLC.
OPAQUE = ["--disable-protocol", "llc"]


def counted(run, metric, node):
    """What the medium has counted at a node's cards."""
    samples = run.samples(metric)
    return int(samples[samples["node"] == node]["value"].iloc[-1])


def test_radio_frames_are_read_with_their_cards_and_readings(on_air, db, tmp_path, tshark):
    run = tb.run(on_air, seed=1, db=db, capture=True)
    path = tmp_path / "ground.pcapng"
    received = counted(run, "radio.received", "ground")
    assert run.write_capture(path, node="ground", radio=True) == received > 1000
    assert received < counted(run, "radio.sent", "drone")
    assert tshark(path, ["frame.number"], "_ws.malformed || _ws.expert", OPAQUE) == []
    said = ["frame.interface_name", "frame.p2p_dir", "radiotap.channel.freq", "radiotap.mcs.index"]
    assert set(map(tuple, tshark(path, said))) == {("ground:0", "1", "5825", "1")}
    readings = tshark(path, ["radiotap.dbm_antsignal", "radiotap.dbm_antnoise", "radiotap.antenna"])
    assert {(noise, antenna) for _, noise, antenna in readings} == {("-94,-94", "0,1")}
    signals = [list(map(int, signal.split(","))) for signal, _, _ in readings]
    first, second = (statistics.mean(pair[antenna] for pair in signals) for antenna in (0, 1))
    assert first == pytest.approx(-80, abs=4), "20 dBm less 100 dB, and what fading does"
    assert second == pytest.approx(-80, abs=4)
    assert any(pair[0] != pair[1] for pair in signals)


@pytest.mark.parametrize("mode", ["sim", "real"])
def test_each_radio_frame_is_there_once_as_it_was_sent(
    on_air, mode, db, tmp_path, tshark, node_program, may_capture
):
    run = tb.run(on_air, mode, seed=1, db=db, capture=True)
    path = tmp_path / "air.pcapng"
    sent = counted(run, "radio.sent", "drone")
    assert run.write_capture(path, radio=True) == sent
    assert tshark(path, ["frame.number"], "_ws.malformed || _ws.expert", OPAQUE) == []
    said = ["frame.interface_name", "frame.p2p_dir", "radiotap.channel.freq", "radiotap.mcs.index"]
    rows = tshark(path, said)
    assert len(rows) == sent
    assert set(map(tuple, rows)) == {("drone:0", "0", "5825", "1")}
    assert len(tshark(path, ["frame.number"], "radiotap.present.txflags == 1")) == sent
    assert all(row[0].startswith("57:42:") for row in tshark(path, ["wlan.ta"]))
    stored = frames(run, direction="sent")
    times = stored[stored["card"].notna()]["time_ns"]
    written = [row[0] for row in tshark(path, ["frame.time_epoch"])]
    assert written == [f"{ns // 10**9}.{ns % 10**9:09}" for ns in times]


def test_packets_and_radio_frames_are_files_of_their_own(on_air, pingpong, db, tmp_path, tshark):
    run = tb.run(on_air, seed=1, db=db, capture=True)
    plain = tb.run(on_air, seed=1, db=db)
    assert run.info["fingerprint"] == plain.info["fingerprint"]
    assert run.replay().equal
    packets = frames(run, direction="sent")
    packets = packets[packets["card"].isna()]
    assert run.write_capture(tmp_path / "wired.pcap") == len(packets) > 0
    assert {row[0] for row in tshark(tmp_path / "wired.pcap", ["frame.protocols"])} == {
        "raw:ip:udp:data"
    }
    wired = tb.run(pingpong, seed=1, db=db, capture=True)
    with pytest.raises(tb.ResultsError, match="has no radio frames; leave out --radio"):
        wired.write_capture(tmp_path / "none.pcapng", radio=True)
    with pytest.raises(tb.ResultsError, match="was not captured"):
        plain.write_capture(tmp_path / "none.pcapng", radio=True)
    assert not (tmp_path / "none.pcapng").exists()


def test_the_command_line_writes_radio_frames(on_air, twinbed_command, db, tmp_path):
    run = tb.run(on_air, seed=1, db=db, capture=True)
    count = run.write_capture(tmp_path / "air.pcapng", node="ground", radio=True)
    words = ["capture", f"{db}#1", "again.pcapng", "--radio", "--node", "ground"]
    written = twinbed_command(*words, cwd=tmp_path)
    assert written.stderr == f"{count} frames in again.pcapng\n"
    assert (tmp_path / "again.pcapng").read_bytes() == (tmp_path / "air.pcapng").read_bytes()
    piped = subprocess.run(
        [sys.executable, "-m", "twinbed", "capture", f"{db}#1", "-", *words[3:]],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert piped.stdout == (tmp_path / "air.pcapng").read_bytes()
