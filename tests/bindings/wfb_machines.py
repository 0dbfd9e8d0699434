"""Machines of a WFB-NG cluster for tests: network namespaces, cards in them, and the air between.

    drone ~~~ wlan0 ~~~ air ~~~ wlan0 node1 10.77.0.11 ──┐
                         └~~~~~ wlan0 node2 10.77.0.12 ──┴── central 10.77.0.1

The cards are TUN devices with the link type of monitor mode, and the air is a thread of the test
that hands what is sent on one to the others. The wires are veth pairs on a bridge.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

CENTRAL = "10.77.0.1"
NODES = {"node1": "10.77.0.11", "node2": "10.77.0.12"}
MACHINES = ["central", "node1", "node2", "drone"]
CARDS = ["node1", "node2", "drone"]

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def run(*words):
    """A command that must succeed; without the privilege for it, or the tools, the test is
    skipped."""
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    if result.returncode != 0:
        pytest.skip(f"{' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


def wait_until(is_true, timeout_s=20.0):
    """Whether it has become true."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.02)
    return bool(is_true())


class Air(threading.Thread):
    """What is sent on one card, the others hear; nodes do not hear each other.

    `hears(machine, number)` says whether a machine hears the frame with this number, counted from
    0 over what the drone sends.
    """

    SIGNAL_DBM: ClassVar = {"node1": -45, "node2": -60, "drone": -50}
    MHZ, NOISE_DBM = 5825, -95

    def __init__(self, cards):
        super().__init__()
        self.cards = cards
        self.hears = lambda machine, number: True
        self.sent = dict.fromkeys(cards, 0)
        self._ends = threading.Event()

    def run(self):
        names = {descriptor: name for name, descriptor in self.cards.items()}
        while not self._ends.is_set():
            for descriptor in select.select(list(names), [], [], 0.05)[0]:
                self._carry(names[descriptor], os.read(descriptor, 65536)[4:])

    def _carry(self, sender, packet):
        (length,) = struct.unpack_from("<H", packet, 2)
        number = self.sent[sender]
        self.sent[sender] += 1
        for name, descriptor in self.cards.items():
            if name == sender or "drone" not in (name, sender):
                continue
            if sender == "drone" and not self.hears(name, number):
                continue
            heard = struct.pack(
                "<BBHIHHbbBBBB",
                *(0, 0, 18, 1 << 3 | 1 << 5 | 1 << 6 | 1 << 11 | 1 << 19, self.MHZ, 0),
                *(self.SIGNAL_DBM[name], self.NOISE_DBM, 0, 0x37, 0x30, 1),
            )
            os.write(descriptor, b"\0\0\0\4" + heard + packet[length:])

    def close(self):
        self._ends.set()
        self.join()
        for descriptor in self.cards.values():
            os.close(descriptor)


#: Where `./twinbed test` unpacks the ssh server, whose package would start a service.
UNPACKED_SSHD = Path(__file__).parents[2] / "build/sshd/usr/sbin/sshd"

#: The server wants a user of its own and a directory, which only it sees here; root logs in by key.
SSHD_SCRIPT = """
mount --bind passwd /etc/passwd
mount --bind shadow /etc/shadow
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
exec {sshd} -D -e -f sshd_config
"""
SSHD_CONFIG = """
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
SetEnv PATH={path}
"""
PASSWD = """root:x:0:0:root:/root:/bin/bash
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
"""
#: The client is the system's; what it knows and is known by are the test's.
SSH = """#!/bin/bash
exec {ssh} -F none -o UserKnownHostsFile={folder}/known_hosts "$@"
"""


def find_sshd():
    """The path of the ssh server."""
    for path in [Path("/usr/sbin/sshd"), UNPACKED_SSHD]:
        if path.exists():
            return str(path)
    pytest.skip("there is no ssh server; ./twinbed test gets one")


class Machines:
    """The four machines, with nothing running."""

    def __init__(self, folder: Path, node_program: str):
        self.folder = folder
        self.tag = uuid.uuid4().hex[:6]
        self.started: list[subprocess.Popen] = []
        self.programs = folder / "programs"
        self.programs.mkdir()
        (self.programs / "twinbed-node").symlink_to(node_program)
        self.air: Air | None = None
        try:
            self._connect()
            self.air = Air({name: self._inside(name, self._make_card) for name in CARDS})
            self.air.start()
        except BaseException:
            self.close()
            raise

    def _name(self, machine):
        return f"wfb{self.tag}{machine}"

    def _connect(self):
        if shutil.which("ip") is None:
            pytest.skip("the program ip is not installed")
        for machine in MACHINES:
            run("ip", "netns", "add", self._name(machine))
            run("ip", "-n", self._name(machine), "link", "set", "lo", "up")
        central = self._name("central")
        run("ip", "-n", central, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", central, "addr", "add", f"{CENTRAL}/24", "dev", "br0")
        run("ip", "-n", central, "link", "set", "br0", "up")
        for node, address in NODES.items():
            there = ["type", "veth", "peer", "name", "eth0", "netns", self._name(node)]
            run("ip", "-n", central, "link", "add", node, *there)
            run("ip", "-n", central, "link", "set", node, "master", "br0", "up")
            run("ip", "-n", self._name(node), "addr", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", self._name(node), "link", "set", "eth0", "up")

    def _inside(self, machine, function):
        """What the function returns when it is called in the network of this machine."""

        def call():
            with open(f"/run/netns/{self._name(machine)}", "rb") as network:
                if LIBC.setns(network.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return function()

        # A thread of its own, for the others stay where they are.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(call).result()

    @staticmethod
    def _make_card():
        import fcntl

        try:
            card = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(card, 0x400454CA, struct.pack("16sH", b"wlan0", 0x0001))  # TUNSETIFF
            fcntl.ioctl(card, 0x400454CD, 803)  # TUNSETLINK: 802.11 with radiotap
        except OSError as error:
            pytest.skip(f"no virtual card can be made here: {error}")
        run("ip", "link", "set", "wlan0", "up", "mtu", "4400")
        return card

    def socket(self, machine, address=None, kind=socket.SOCK_DGRAM, family=socket.AF_INET):
        """A socket of this machine, for UDP unless told otherwise."""

        def make():
            made = socket.socket(family, kind)
            made.settimeout(10)
            if address:
                made.bind(address)
            return made

        return self._inside(machine, make)

    def words(self, machine, *words):
        """The command line that runs another one on this machine."""
        return ["ip", "netns", "exec", self._name(machine), *map(str, words)]

    def environment(self):
        return {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}

    def start(self, machine, *words, log, stdin=subprocess.DEVNULL):
        """A process on this machine; what it prints goes to a file of the folder."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                self.words(machine, *words),
                stdin=stdin,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=self.environment(),
            )
        self.started.append(process)
        return process

    def prepare_ssh(self, port):
        """Keys, and what client and servers are told."""
        ssh = shutil.which("ssh")
        if ssh is None or shutil.which("ssh-keygen") is None:
            pytest.skip("the programs of openssh-client are not installed")
        for name in ["host_key", "user_key"]:
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
        path = self.environment()["PATH"]
        config = SSHD_CONFIG.format(port=port, folder=self.folder, path=path)
        (self.folder / "sshd_config").write_text(config)
        (self.folder / "passwd").write_text(PASSWD)
        (self.folder / "shadow").write_text("root:*:19000:0:99999:7:::\n")
        (self.programs / "ssh").write_text(SSH.format(ssh=ssh, folder=self.folder))
        (self.programs / "ssh").chmod(0o755)

    def start_sshd(self, machine):
        """A server that sees the processes that it has started and no others, and takes them with
        it when it is killed."""
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        script = SSHD_SCRIPT.format(sshd=find_sshd())
        log = f"{machine}.sshd.log"
        server = self.start(machine, *apart, "bash", "-ec", script, log=log)
        wait_until(lambda: "Server listening" in self.log(log) or server.poll() is not None)
        if server.poll() is not None:
            pytest.skip(f"sshd does not run here: {self.log(log)}")
        return server

    def log(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def _all_processes(self, machine):
        words = ["ip", "netns", "pids", self._name(machine)]
        listed = subprocess.run(words, capture_output=True, text=True, check=False)
        return [int(line) for line in listed.stdout.split()]

    def processes(self, machine, word):
        """Ids of the processes in the network of this machine whose command line has the word."""
        found = []
        for process in self._all_processes(machine):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                command = Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
                if word in command:
                    found.append(process)
        return found

    def kill(self, machine, word):
        """Kills one process with this word in its command line."""
        os.kill(self.processes(machine, word)[0], signal.SIGKILL)

    def close(self):
        for process in self.started:
            process.kill()
            process.wait()
        if shutil.which("ip") is None:
            return
        for machine in MACHINES:
            for process in self._all_processes(machine):
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(process, signal.SIGKILL)
        if self.air is not None:
            self.air.close()
        for machine in MACHINES:
            subprocess.run(
                ["ip", "netns", "del", self._name(machine)], capture_output=True, check=False
            )
