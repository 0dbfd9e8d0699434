"""`twinbed wfb top` at a TCP server whose messages the encoder has made."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from twinbed import _twinbed, wfb_top
from twinbed.errors import RunError, ScenarioError

NODE = 0x0A4D000B  # 10.77.0.11


def title(profile="gs", log_interval_ms=1000):
    message = _twinbed.WfbTitle()
    message.title = f"WFB-NG @{profile} [cluster]"
    message.profile = profile
    message.is_cluster = True
    message.log_interval_ms = log_interval_ms
    return message


def antenna(number, packets, rssi):
    row = _twinbed.WfbRxAntenna()
    row.mhz, row.mcs, row.bandwidth_mhz = 5825, 1, 20
    row.antenna = (NODE << 32) | number
    row.packets = packets
    row.rssi_min, row.rssi_avg, row.rssi_max = rssi - 2, rssi, rssi + 1
    row.snr_min, row.snr_avg, row.snr_max = 20, 30, 40
    return row


def receiver(service="video rx", lost=3):
    message = _twinbed.WfbReceiver()
    message.timestamp = 1700000000.5
    message.id = service
    message.tx_wlan = NODE << 24
    message.packets = {
        "uniq": (100, 1000),
        "lost": (lost, 30),
        "fec_rec": (7, 70),
        "bad": (1, 1),
        "dec_err": (1, 1),
        "out_bytes": (125000, 1250000),
    }
    message.antennas = [antenna(0x000, 100, -45), antenna(0x101, 75, -60)]
    message.session = (8, 12, 0)
    return message


def transmitter():
    message = _twinbed.WfbTransmitter()
    message.id = "mavlink tx"
    message.packets = {"dropped": (2, 9)}
    row = _twinbed.WfbTxAntenna()
    row.antenna = (NODE << 32) | 0xFF
    row.injected, row.dropped = 20, 2
    row.latency_min_us, row.latency_avg_us, row.latency_max_us = 10, 15, 90
    message.antennas = [row]
    return message


class Server:
    """A central node's stats_port: tells each connection its script, then does what it says.

    A script is a list of messages, bytes, seconds to wait, or "stay".
    """

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while not self.ended.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            with connection:
                try:
                    self._tell(connection, script)
                except OSError:
                    continue  # the client has gone

    def _tell(self, connection, script):
        for step in script:
            if step == "stay":
                # Until the client goes or the test is over.
                while not self.ended.is_set():
                    if select.select([connection], [], [], 0.1)[0] and not connection.recv(100):
                        return
            elif isinstance(step, float):
                self.ended.wait(step)
            else:
                is_raw = isinstance(step, bytes)
                connection.sendall(step if is_raw else _twinbed.wfb_statistics_frame(step))

    def close(self):
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def serve():
    """Starts servers, which are stopped after the test."""
    servers = []

    def start(*scripts):
        servers.append(Server(*scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_once_prints_the_tables_in_plain_text(serve, twinbed_command):
    messages = [title(), receiver(), transmitter(), receiver("mavlink rx"), receiver(lost=4)]
    server = serve([*messages, "stay"])
    result = twinbed_command("wfb", "top", f"127.0.0.1:{server.port}", "--once")
    assert result.returncode == 0, result.stderr
    lines = [re.split(r"  +", line) for line in result.stdout.splitlines()]
    assert lines[0] == ["WFB-NG @gs [cluster]"]
    row = ["video rx", "0A4D000B:0:0", "5825", "1", "20", "100", "0 %", "-47 < -45 < -44",
           "20 < 30 < 40", "yes"]  # fmt: skip
    assert row in lines
    assert [*row[:1], "0A4D000B:1:1", *row[2:5], "75", "25 %", "-62 < -60 < -59", row[8]] in lines
    assert ["video rx", "8/12", "100", "4", "7", "2", "1000", "30"] in lines
    assert ["mavlink tx", "0A4D000B:0:X", "20", "2", "10 < 15 < 90", "9"] in lines
    assert "\x1b" not in result.stdout


def test_rates_are_those_of_the_servers_interval(serve, twinbed_command):
    server = serve([title(log_interval_ms=500), receiver(), receiver(), "stay"])
    result = twinbed_command("wfb", "top", f"127.0.0.1:{server.port}", "--once")
    assert re.search(r"^video rx +8/12 +200 +6 +14 +4 +2000 ", result.stdout, re.MULTILINE)


def test_json_has_a_line_for_each_message(serve, twinbed_command):
    server = serve([title(), receiver(), transmitter(), receiver(), "stay"])
    result = twinbed_command("wfb", "top", f"127.0.0.1:{server.port}", "--once", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["settings", "rx", "tx", "rx"]
    assert lines[1]["rx_ant_stats"][1]["ant"] == (NODE << 32) | 0x101
    assert lines[1]["session"] == {"fec_type": "VDM_RS", "fec_k": 8, "fec_n": 12, "epoch": 0}


def test_another_profile_is_fatal(serve, twinbed_command):
    server = serve([title("drone"), receiver(), "stay"])
    result = twinbed_command("wfb", "top", f"127.0.0.1:{server.port}", "--profile", "gs")
    assert result.returncode == 3
    assert f"127.0.0.1:{server.port} is of profile 'drone', not 'gs'; name" in result.stderr
    assert server.connections == 1


def test_what_speaks_something_else_is_told_so(serve, twinbed_command):
    json_line = _twinbed.wfb_statistics_line(title()).encode()
    server = serve([json_line, "stay"])
    result = twinbed_command("wfb", "top", f"127.0.0.1:{server.port}")
    assert result.returncode == 3
    assert "this is the JSON interface (api_port); name the port of stats_port" in result.stderr


def test_nobody_there_is_one_sentence_with_once(twinbed_command):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = twinbed_command("wfb", "top", f"127.0.0.1:{port}", "--once")
    assert result.returncode == 3
    assert f"error: no statistics from 127.0.0.1:{port} (Connection refused); is" in result.stderr
    result = twinbed_command("wfb", "top", "127.0.0.1")
    assert result.returncode == 2
    assert "'127.0.0.1' is no server; write HOST:PORT" in result.stderr


@pytest.fixture
def impatient(monkeypatch):
    """The limits of silence, in tenths."""
    monkeypatch.setattr(wfb_top, "LEAST_SILENCE_S", 0.5)
    monkeypatch.setattr(wfb_top, "RETRY_S", 0.1)


def test_the_limit_of_silence():
    assert wfb_top.silence_limit_s(100) == 5
    assert wfb_top.silence_limit_s(1000) == 5
    assert wfb_top.silence_limit_s(2000) == 10


def test_a_connection_that_is_silent_or_closed_is_made_anew(serve, impatient):
    server = serve(
        [title(log_interval_ms=10), receiver("one rx"), "stay"],  # falls silent
        [title(log_interval_ms=10), receiver("two rx")],  # is closed
        [title(log_interval_ms=10), receiver("three rx"), "stay"],
    )
    told = []
    watch = wfb_top.Watch(("127.0.0.1", server.port), on_status=told.append)
    heard = []
    for message in watch.messages():
        if isinstance(message, _twinbed.WfbReceiver):
            heard.append(message.id)
        if len(heard) == 3:
            break
    assert heard == ["one rx", "two rx", "three rx"]
    where = f"no statistics from 127.0.0.1:{server.port}"
    assert told == [
        "connected",
        f"{where} (it said nothing)",
        "connected",
        f"{where} (it closed the connection)",
        "connected",
    ]


def test_bytes_that_are_no_message_do_not_keep_a_connection_alive(serve, impatient):
    announced = (1000).to_bytes(4, "big")
    trickle = [announced, *[step for _ in range(50) for step in (b"\x80", 0.05)]]
    server = serve([title(log_interval_ms=10), *trickle], [title(), receiver(), "stay"])
    watch = wfb_top.Watch(("127.0.0.1", server.port))
    heard = next(m for m in watch.messages() if isinstance(m, _twinbed.WfbReceiver))
    assert heard.id == "video rx"
    assert server.connections == 2


def test_a_mistake_of_the_user_is_found_before_anything_is_connected():
    for text in ["host", "host:", ":8003", "host:0", "host:65536", "host:http"]:
        with pytest.raises(ScenarioError, match="write HOST:PORT"):
            wfb_top.parse_server(text)
    assert wfb_top.parse_server("central.local:8003") == ("central.local", 8003)


def test_with_once_a_lost_connection_is_an_error(serve):
    server = serve([title(), receiver()])
    watch = wfb_top.Watch(("127.0.0.1", server.port), once=True)
    with pytest.raises(RunError, match="it closed the connection"):
        list(watch.messages())


def test_the_live_view_on_a_terminal_follows_and_ends_with_ctrl_c(serve):
    server = serve([title(), receiver(lost=3), 0.5, receiver(lost=77), "stay"])
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "twinbed", "wfb", "top", f"127.0.0.1:{server.port}"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"},
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    try:
        deadline = time.monotonic() + 60
        while not re.search(rb"\b77 ", shown) and time.monotonic() < deadline:
            if select.select([master], [], [], 0.5)[0]:
                shown += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        while select.select([master], [], [], 5)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break  # the terminal is closed: the process has ended
        assert process.wait(20) == 0, shown[-2000:]
    finally:
        process.kill()
        process.wait()
        os.close(master)
    text = shown.decode(errors="replace")
    assert "0A4D000B:1:1" in text
    assert "WFB-NG @gs [cluster]" in text
    assert text.index("\x1b[?1049h") < text.rindex("\x1b[?1049l")  # the screen is given back
