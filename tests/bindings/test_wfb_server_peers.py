"""What users join to the streams of `wfb-server`: serial lines, TCP clients, OSDs, routes.

A link of two servers, each with a card of its own: the drone's, and the ground's on machine node1.
"""

import contextlib
import gzip
import json
import os
import re
import select
import socket
import struct
import subprocess
import time
import tty

import pytest
from wfb_cluster import Cluster
from wfb_machines import wait_until

pytestmark = pytest.mark.slow

CONFIG = """
[path]
conf_dir = '{folder}'
log_dir = '{folder}'
[common]
log_interval = 300
[{profile}_mavlink]
{mavlink}
"""
#: What a drone's and a ground station's programs talk to.
DRONE_PEER = "peer = 'listen://127.0.0.1:14560'\ninject_rssi = False\n"
GROUND_PEER = "peer = 'connect://127.0.0.1:14550'\ninject_rssi = False\n"
RADIO_STATUS = 109


class Link(Cluster):
    """The machines with keys; servers are started by the tests."""

    MACHINES = {"gs": "node1", "drone": "drone"}  # noqa: RUF012

    def start_server(self, profile, mavlink, more="", *options):
        text = CONFIG.format(folder=self.folder, profile=profile, mavlink=mavlink)
        (self.folder / f"{profile}.cfg").write_text(text)
        (self.folder / f"{profile}_more.cfg").write_text(more)
        return self.start(self.MACHINES[profile], "twinbed-node", "wfb-server", "--config",
                          f"{profile}.cfg", f"{profile}_more.cfg", "--profiles", profile,
                          "--wlans", "wlan0", *options, log=f"{profile}.log")  # fmt: skip

    def tcp_client(self, port):
        """A connection to a port of the ground's machine, once it is listened at."""

        def is_there():
            with self.socket("node1", kind=socket.SOCK_STREAM) as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        assert wait_until(is_there), self.log("gs.log")
        client = self.socket("node1", kind=socket.SOCK_STREAM)
        client.connect(("127.0.0.1", port))
        return client


@pytest.fixture
def link(tmp_path, node_program):
    made = Link(tmp_path, node_program)
    yield made
    made.close()


def frame(number, payload=b"\x03\x0a\x0d\x11\x13\x7f\xfe\xfd", version=2):
    """A frame of MAVLink with bytes that a terminal would act upon, and with what begins another
    frame."""
    body = struct.pack("<I", number) + payload
    if version == 1:
        return struct.pack("<6B", 0xFE, len(body), number % 256, 1, 1, 0) + body + b"cs"
    return struct.pack("<7BHB", 0xFD, len(body), 0, 0, number % 256, 1, 1, 0, 0) + body + b"cs"


def message_of(mavlink):
    """The number of the message in a frame."""
    if mavlink[0] == 0xFE:
        return mavlink[5]
    return int.from_bytes(mavlink[7:10], "little")


#: Is sent until it comes through, as servers start one after the other.
HELLO = frame(0, b"hello")
LAST = frame(0, b"last")


class Frames:
    """What comes at a descriptor, frame by frame, within ten seconds each."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.rest = b""

    def next(self):
        """The next one that is no HELLO; none where none comes in time."""
        while (found := self.any(timeout_s=10)) == HELLO:
            pass
        return found

    def any(self, timeout_s):
        while True:
            if len(self.rest) >= 2:
                assert self.rest[0] in (0xFD, 0xFE), self.rest
                length = self.rest[1] + (8 if self.rest[0] == 0xFE else 12)
                if len(self.rest) >= length:
                    found, self.rest = self.rest[:length], self.rest[length:]
                    return found
            if not select.select([self.descriptor], [], [], timeout_s)[0]:
                return None
            self.rest += os.read(self.descriptor, 65536)

    def next_of(self, message):
        """Passes over frames with other messages."""
        while True:
            found = self.next()
            if found is None or message_of(found) == message:
                return found


class SerialLine:
    """The far end of a serial device, which may be unplugged and plugged in again."""

    def __init__(self, path):
        self.path = path
        self.plug_in()

    def plug_in(self):
        self.end, self.device = os.openpty()
        tty.setraw(self.device)  # or what is sent before the server is there would be changed
        self.path.symlink_to(os.ttyname(self.device))

    def unplug(self):
        self.path.unlink()
        os.close(self.end)
        os.close(self.device)

    def send(self, data):
        os.write(self.end, data)


@pytest.fixture
def serial_line(link):
    made = SerialLine(link.folder / "ttyFC0")
    yield made
    made.unplug()


def start_with_serial(link, line):
    """Both servers; a ground user's socket that is connected, and the frames that come there."""
    user = link.socket("node1", ("127.0.0.1", 14550))
    link.start_server("gs", GROUND_PEER)
    link.start_server("drone", f"peer = 'serial:{line.path}:57600'\ninject_rssi = False")

    def passes():
        line.send(HELLO)
        return bool(select.select([user], [], [], 0.3)[0])

    assert wait_until(passes), link.log("drone.log")
    user.connect(user.recvfrom(4096)[1])
    return user, Frames(user.fileno())


def test_a_flight_controller_at_a_serial_line_is_heard_and_spoken_to(link, serial_line):
    user, heard = start_with_serial(link, serial_line)
    sent = [frame(number, version=1 + number % 2) for number in range(1, 40)]
    # In pieces, and with noise between frames: the frames alone go over the air, and whole.
    stream = b"noise\x00\xff".join(sent) + b"noise"
    for start in range(0, len(stream), 7):
        serial_line.send(stream[start : start + 7])
    assert [heard.next() for _ in sent] == sent
    # The other way, too, no byte is taken for a command of a terminal.
    answers = [frame(number, bytes(range(200))) for number in range(50, 60)]
    for answer in answers:
        user.send(answer)
    taken = Frames(serial_line.end)
    assert [taken.next() for _ in answers] == answers


def test_a_serial_line_that_is_too_slow_loses_whole_payloads(link, serial_line):
    user, _ = start_with_serial(link, serial_line)
    # Nobody reads at the far end, until more was sent than the device and its queue take.
    sent = []

    def is_full():
        sent.extend(frame(len(sent) + number, bytes(200)) for number in range(5))
        for each in sent[-5:]:
            user.send(each)
        return "takes less than comes over the air, and some of that is lost" in link.log(
            "drone.log"
        )

    assert wait_until(is_full)
    taken = Frames(serial_line.end)
    heard = []
    while not heard or heard[-1] != LAST:
        user.send(LAST)
        heard.append(taken.next())
        assert heard[-1], link.log("drone.log")
    assert len(heard) < len(sent)
    assert set(heard) <= {*sent, LAST}


def test_a_serial_adapter_may_be_unplugged_and_plugged_in_again(link, serial_line):
    _, heard = start_with_serial(link, serial_line)
    serial_line.send(frame(1)[:9])  # of a frame that will never be whole
    serial_line.unplug()
    gone = f"the serial device {serial_line.path} is gone; it is looked for until it is back\n"
    assert wait_until(lambda: gone in link.log("drone.log"))
    serial_line.plug_in()
    assert wait_until(lambda: f"{serial_line.path} is back\n" in link.log("drone.log"))
    serial_line.send(frame(2))
    assert heard.next() == frame(2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "there is no serial device {path}; plug it in"),
        (lambda path: path.write_text(""), "{path} is no serial device; name one such as ttyS0"),
    ],
)
def test_a_serial_device_that_cannot_be_used_is_named(link, make, sentence):
    path = link.folder / "ttyFC1"
    make(path)
    server = link.start_server("drone", f"peer = 'serial:{path}:115200'\n")
    assert server.wait(10) == 3
    assert "stream 'mavlink': " + sentence.format(path=path) in link.log("drone.log")


def test_a_serial_device_is_one_programs_alone(link, serial_line):
    start_with_serial(link, serial_line)
    text = f"peer = 'serial:{serial_line.path}:57600'\n"
    (link.folder / "second").mkdir()
    for name in ["gs.key", "drone.key"]:
        (link.folder / "second" / name).symlink_to(link.folder / name)
    second = link.start_server("gs", text)
    assert second.wait(10) == 3
    assert f"{serial_line.path} is in use by another program" in link.log("gs.log")


class Vehicle:
    """The program on the drone that its server talks to. It may send before there is a server."""

    def __init__(self, link):
        self.socket = link.socket("drone")

    def send(self, data):
        self.socket.sendto(data, ("127.0.0.1", 14560))

    def fileno(self):
        return self.socket.fileno()


def start_with_tcp(link, more=""):
    """Both servers, with a TCP port on the ground; the drone's user and the first client."""
    vehicle = Vehicle(link)
    link.start_server("drone", DRONE_PEER)
    link.start_server("gs", GROUND_PEER + "mavlink_tcp_port = 5760\n" + more)
    client = link.tcp_client(5760)
    frames = Frames(client.fileno())

    def passes():
        vehicle.send(HELLO)
        return frames.any(timeout_s=0.3) == HELLO

    assert wait_until(passes), link.log("gs.log")
    return vehicle, client, frames


def test_clients_of_the_tcp_port_hear_telemetry_and_speak(link):
    vehicle, first, first_frames = start_with_tcp(link)
    user = link.socket("node1", ("127.0.0.1", 14550))
    second = link.tcp_client(5760)
    second_frames = Frames(second.fileno())
    sent = [frame(number) for number in range(1, 20)]
    for each in sent:
        vehicle.send(each)
    for frames in [first_frames, second_frames, Frames(user.fileno())]:
        assert [frames.next() for _ in sent] == sent
    # Each in halves, one between the halves of the other: frames arrive whole.
    from_first, from_second = frame(100, b"a" * 150), frame(200, b"b" * 150, version=1)
    first.send(from_first[:80])
    second.send(b"noise" + from_second[:60])
    first.send(from_first[80:])
    second.send(from_second[60:])
    taken = Frames(vehicle.fileno())
    assert {taken.next(), taken.next()} == {from_first, from_second}
    # The end of one is nothing to the other.
    first.close()
    vehicle.send(frame(300))
    assert second_frames.next() == frame(300)
    second.send(frame(301))
    assert taken.next() == frame(301)


def test_noise_of_a_tcp_client_goes_nowhere(link):
    vehicle, client, _ = start_with_tcp(link)
    client.sendall(os.urandom(100_000).translate(None, b"\xfd\xfe") + frame(1))
    assert Frames(vehicle.fileno()).next() == frame(1)


def test_each_message_comes_in_a_datagram_of_its_own(link):
    vehicle, _, _ = start_with_tcp(link)
    user = link.socket("node1", ("127.0.0.1", 14550))
    sent = [frame(1), frame(2, version=1), frame(3, bytes(200))]
    # They go over the air in one payload; what is no MAVLink at its end comes as it is.
    vehicle.send(b"".join(sent) + b"text")
    heard = []
    while b"text" not in heard:
        heard.append(user.recv(4096))
    assert [each for each in heard if each != HELLO] == [*sent, b"text"]


@pytest.mark.parametrize("kind", ["connect", "unix", "serial", "tcp"])
def test_an_osd_has_a_copy_of_telemetry_and_is_told_of_the_link(link, kind):
    line = SerialLine(link.folder / "ttyOSD")
    datagrams = link.socket("node1", ("127.0.0.1", 14551))
    local = link.socket("node1", "\0osd", family=socket.AF_UNIX)
    osd = {
        "connect": "osd = 'connect://127.0.0.1:14551'\n",
        "unix": "osd = 'connect_unix://@osd'\n",
        "serial": f"osd = 'serial:{line.path}:115200'\n",
        "tcp": "osd_tcp = 5761\n",
    }[kind]
    vehicle = Vehicle(link)
    user = link.socket("node1", ("127.0.0.1", 14550))
    link.start_server("drone", DRONE_PEER)
    link.start_server("gs", "peer = 'connect://127.0.0.1:14550'\n" + osd)
    if kind == "tcp":
        datagrams = link.tcp_client(5761)
    read = Frames({"unix": local.fileno(), "serial": line.end}.get(kind, datagrams.fileno()))
    told = Frames(user.fileno())
    assert told.next_of(RADIO_STATUS)
    status = read.next_of(RADIO_STATUS)
    assert status[5:7] == bytes([3, 68])

    def passes():
        vehicle.send(frame(7))
        return read.next_of(0) == frame(7)

    assert wait_until(passes)
    assert told.next_of(0) == frame(7)
    line.unplug()


def test_an_osd_that_is_to_listen_is_a_mistake_of_the_file(link):
    server = link.start_server("gs", GROUND_PEER + "osd = 'listen://127.0.0.1:14551'\n")
    assert server.wait(10) == 2
    assert "gs.cfg:10:7: osd must be connect://ADDRESS:PORT" in link.log("gs.log")


def route_of(link, machine):
    words = link.words(machine, "ip", "route", "show", "default")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_tunnel_may_be_the_default_route(link):
    """What the ground sends to an address that is known to the drone alone arrives there."""
    words = link.words("drone", "ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    subprocess.run(words, check=True)
    far = link.socket("drone", ("192.0.2.1", 9000))
    far.settimeout(0.3)
    link.start_server("drone", DRONE_PEER)
    ground = link.start_server("gs", GROUND_PEER, "[gs_tunnel]\ndefault_route = True\n")
    assert wait_until(lambda: route_of(link, "node1")), link.log("gs.log")
    assert "dev gs-wfb" in route_of(link, "node1")
    assert "metric 10" in route_of(link, "node1")
    assert route_of(link, "drone") == "", "only where it is asked for"
    near = link.socket("node1")

    def passes():
        near.sendto(b"hello", ("192.0.2.1", 9000))
        try:
            return far.recvfrom(100) == (b"hello", ("10.5.0.1", near.getsockname()[1]))
        except TimeoutError:
            return False

    assert wait_until(passes)
    far.sendto(b"world", ("10.5.0.1", near.getsockname()[1]))
    assert near.recv(100) == b"world"
    ground.terminate()
    assert ground.wait(10) == 0
    assert route_of(link, "node1") == ""


def test_what_a_node_prints_cannot_command_the_terminal(link):
    # Of Python's literal one backslash of two is left, and bash's printf makes the bytes.
    commands = r"printf '\\033[2J\\033]0;mine\\007 über\\tAlles\\r\\n'"
    link.start_by_ssh(more=f'custom_init_script = "{commands}"')
    log = (link.folder / "central.log").read_bytes()
    for address in ["10.77.0.11", "10.77.0.12"]:
        line = rf"{address}: \x1b[2J\x1b]0;mine\x07 über" + "\tAlles\n"
        assert line.encode() in log
    assert b"\x1b" not in log
    assert b"\r" not in log


def records_of(path):
    """The records of a binary log, as far as it can be read: one that was cut has no end."""
    text = b""
    with gzip.open(path) as file, contextlib.suppress(EOFError):
        while part := file.read1(65536):
            text += part
    records = []
    while len(text) >= 4:
        (length,) = struct.unpack_from(">I", text)
        records.append(Message(text[4 : 4 + length]).value())
        text = text[4 + length :]
    return records


class Message:
    """A reader of MessagePack, as far as it is written here."""

    def __init__(self, text):
        self.text = text

    def take(self, form):
        values = struct.unpack_from(">" + form, self.text)
        self.text = self.text[struct.calcsize(">" + form) :]
        return values[0]

    def list_of(self, count):
        return [self.value() for _ in range(count)]

    def map_of(self, count):
        pairs = [(self.value(), self.value()) for _ in range(count)]
        return {tuple(map(str, k)) if isinstance(k, list) else k: v for k, v in pairs}

    def value(self):
        kind = self.take("B")
        if kind < 0x80 or kind >= 0xE0:
            return kind if kind < 0x80 else kind - 256
        if kind < 0x90:
            return self.map_of(kind & 15)
        if kind < 0xA0:
            return self.list_of(kind & 15)
        if kind < 0xC0:
            return self.take(f"{kind & 31}s").decode()
        numbers = {0xCA: "f", 0xCB: "d", 0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q", 0xD0: "b",
                   0xD1: "h", 0xD2: "i", 0xD3: "q"}  # fmt: skip
        if kind in numbers:
            return self.take(numbers[kind])
        if kind in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[kind]
        if kind == 0xC4:
            return self.take(f"{self.take('B')}s")
        if kind == 0xD9:
            return self.take(f"{self.take('B')}s").decode()
        assert kind in (0xDC, 0xDE), kind
        return (self.list_of if kind == 0xDC else self.map_of)(self.take("H"))


LOGGED = "binary_log_file = 'wfb_%%s.log'\n"


def start_with_log(link):
    """Both servers, the ground's with a log; a frame has gone through either way."""
    vehicle = Vehicle(link)
    user = link.socket("node1", ("127.0.0.1", 14550))
    link.start_server("drone", DRONE_PEER)
    ground = link.start_server("gs", GROUND_PEER + "log_messages = True\n", "[common]\n" + LOGGED)

    def passes():
        vehicle.send(frame(7))
        return bool(select.select([user], [], [], 0.3)[0])

    assert wait_until(passes), link.log("gs.log")
    user.sendto(frame(8, version=1), user.recvfrom(4096)[1])
    assert Frames(vehicle.fileno()).next() == frame(8, version=1)
    return ground


def test_statistics_and_telemetry_are_logged(link):
    ground = start_with_log(link)
    with link.tcp_client(8103).makefile() as told:
        for line in told:
            message = json.loads(line)
            if message.get("id") == "mavlink rx" and message["packets"]["out"][1] > 0:
                break
    second = link.start_server("gs", GROUND_PEER, "[common]\n" + LOGGED)
    assert second.wait(10) == 3, "its ports are taken, and it has made no log"
    ground.terminate()
    assert ground.wait(10) == 0
    (path,) = link.folder.glob("wfb_gs.log.*")
    assert re.fullmatch(r"wfb_gs\.log\.\d{8}-\d{6}", path.name)
    records = records_of(path)
    begin = records[0]
    assert abs(begin.pop("timestamp") - time.time()) < 600
    assert begin == {"type": "init", "version": None, "profile": "gs", "wlans": ["wlan0"],
                     "link_domain": "default"}  # fmt: skip
    sessions = [record for record in records if record["type"] == "new_session"]
    of_mavlink = next(record for record in sessions if record["id"] == "mavlink rx")
    assert (of_mavlink["fec_type"], of_mavlink["fec_k"], of_mavlink["fec_n"]) == ("VDM_RS", 1, 2)
    heard = [record for record in records if record.get("id") == "mavlink rx"]
    totals = [record["packets"]["out"][1] for record in heard if record["type"] == "rx"]
    assert totals[-1] >= 1
    assert any(record["type"] == "tx" and record["id"] == "mavlink tx" for record in records)
    told = [(r["hdr"], r["msg"]) for r in records if r["type"] == "mavlink"]
    assert ([7, 1, 1, 0], frame(7)[10:-2]) in told
    assert told.count(([8, 1, 1, 0], frame(8)[10:-2])) == 1


def test_a_log_can_be_read_after_a_power_failure(link):
    ground = start_with_log(link)
    (path,) = link.folder.glob("wfb_gs.log.*")
    # Every ten seconds what there is is made durable.
    assert wait_until(lambda: path.stat().st_size > 100)
    ground.kill()
    ground.wait()
    assert {"init", "rx", "tx", "mavlink"} <= {record["type"] for record in records_of(path)}


def test_a_log_that_cannot_be_written_ends_and_not_the_flight(link):
    (link.folder / "logs").mkdir()
    link.start_server("drone", DRONE_PEER)
    text = CONFIG.format(folder=link.folder, profile="gs", mavlink=GROUND_PEER)
    log_dir = f"[path]\nlog_dir = '{link.folder}/logs'\n[common]\nlog_interval = 1\n"
    (link.folder / "gs.cfg").write_text(text)
    (link.folder / "more.cfg").write_text(log_dir + LOGGED)
    command = "mount -t tmpfs -o size=16k tmpfs logs && exec twinbed-node wfb-server " \
              "--config gs.cfg more.cfg --profiles gs --wlans wlan0"  # fmt: skip
    ground = link.start("node1", "unshare", "--mount", "bash", "-c", command, log="gs.log")
    ends = "ends here, it cannot be written: No space left on device\n"
    assert wait_until(lambda: ends in link.log("gs.log")), link.log("gs.log")
    assert ground.poll() is None


def test_a_log_that_cannot_be_created_is_named(link):
    ground = link.start_server("gs", GROUND_PEER,
                               "[path]\nlog_dir = '/nowhere'\n[common]\n" + LOGGED)  # fmt: skip
    assert ground.wait(10) == 3
    assert "the binary log /nowhere/wfb_gs.log." in link.log("gs.log")
    assert "No such file or directory; set log_dir to" in link.log("gs.log")


def heartbeat(base_mode, system=1):
    payload = struct.pack("<IBBBBB", 0, 2, 12, base_mode, 4, 3)
    head = struct.pack("<7BHB", 0xFD, len(payload), 0, 0, 0, system, 1, 0, 0)
    return head + payload + b"cs"


def test_programs_are_called_when_the_vehicle_is_armed_and_disarmed(link):
    for name in ["armed", "disarmed"]:
        (link.folder / name).write_text(f"#!/bin/bash\necho {name} >> calls\nexit 3\n")
        (link.folder / name).chmod(0o755)
    vehicle = Vehicle(link)
    link.start_server("drone", DRONE_PEER)
    calls = f"call_on_arm = '{link.folder}/armed'\ncall_on_disarm = '{link.folder}/disarmed'\n"
    link.start_server("gs", GROUND_PEER + calls)

    def is_called(base_mode, expected):
        vehicle.send(heartbeat(255, system=2) + heartbeat(base_mode))
        time.sleep(0.2)
        return link.log("calls") == expected

    assert wait_until(lambda: is_called(0x51, "disarmed\n"))
    assert wait_until(lambda: is_called(0xD1, "disarmed\narmed\n"))
    assert wait_until(lambda: is_called(0x51, "disarmed\narmed\ndisarmed\n"))
    failed = f"the program {link.folder}/armed has failed: status 3\n"
    assert wait_until(lambda: failed in link.log("gs.log"))
    assert "the vehicle is armed\n" in link.log("gs.log")
