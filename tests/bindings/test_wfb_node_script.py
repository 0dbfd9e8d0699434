"""The script of a node, run by bash in a network namespace of its own.

The cards are TUN devices whose link type is that of monitor mode, as the kernel makes them; bash,
ip and sysfs are the real ones. The programs that forward and inject stand aside: in their place is
a program that writes down its words and waits, so that what is tested is the script.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from twinbed import _twinbed

NODE = "10.77.0.12"

#: Makes TUN devices that stay; an argument is NAME or NAME=LINK_TYPE.
MAKE_CARDS = """
import fcntl, struct, sys
for argument in sys.argv[1:]:
    name, _, link_type = argument.partition("=")
    with open("/dev/net/tun", "r+b", buffering=0) as tun:
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", name.encode(), 0x1001))  # TUNSETIFF
        if link_type:
            fcntl.ioctl(tun, 0x400454CD, int(link_type))  # TUNSETLINK
        fcntl.ioctl(tun, 0x400454CB, 1)  # TUNSETPERSIST
"""

#: Takes the place of twinbed-node.
STAND_IN = """#!/bin/bash
echo "$BASHPID $*" >>"$WORDS"
exec sleep 1000
"""


class Machine:
    """A network namespace with a place for programs, in which the script of a node runs."""

    def __init__(self, folder: Path):
        self.name = f"wfb{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self.words = folder / "words"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.add_program("twinbed-node", STAND_IN)
        self.started = []

    def add_program(self, name, text):
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def call(self, *words):
        words = ["ip", "netns", "exec", self.name, *words]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)

    def make_cards(self, *cards):
        made = self.call(sys.executable, "-c", MAKE_CARDS, *cards)
        if made.returncode != 0:
            pytest.skip(f"no TUN device can be made here: {made.stderr.splitlines()[-1]}")

    def start(self, script):
        """The running script, with pipes."""
        path = self.folder / "node.sh"
        path.write_text(script)
        search = f"{self.programs}:{os.environ['PATH']}"
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "bash", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": search, "WORDS": str(self.words)},
        )
        self.started.append(process)
        return process

    def jobs(self, count):
        """(process id, words) of what the script has started, once there are as many."""
        deadline = time.monotonic() + 20
        lines = []
        while len(lines) < count and time.monotonic() < deadline:
            lines = self.words.read_text().splitlines() if self.words.exists() else []
            time.sleep(0.02)
        assert len(lines) == count, lines
        return [(int(line.split()[0]), line.split(" ", 1)[1]) for line in lines]

    def close(self):
        for process in self.started:
            process.kill()
            process.wait()
            for pipe in [process.stdin, process.stdout, process.stderr]:
                pipe.close()
        if self.words.exists():
            for line in self.words.read_text().splitlines():
                if is_alive(int(line.split()[0])):
                    os.kill(int(line.split()[0]), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def is_alive(process_id):
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_end(jobs):
    deadline = time.monotonic() + 20
    while any(is_alive(job) for job, _ in jobs) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [words for job, words in jobs if is_alive(job)] == []


@pytest.fixture
def machine(tmp_path):
    if shutil.which("ip") is None:
        pytest.skip("the program ip is not installed")
    machine = Machine(tmp_path)
    made = subprocess.run(
        ["ip", "netns", "add", machine.name], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    yield machine
    machine.close()


@pytest.fixture
def cluster(root):
    return _twinbed.load_wfb_cluster([str(root / "tests/testdata/wfb_cluster/gs_cluster.cfg")])


def read_until_done(process):
    line = process.stdout.readline()
    assert line == "WFB-ng init done\n", process.stderr.read()


def test_cards_in_monitor_mode_are_used_as_they_are(machine, cluster):
    machine.make_cards("wlan0=803", "wlan1=803")
    process = machine.start(cluster.node_script(NODE, ["gs"]))
    read_until_done(process)
    digest = cluster.init_digest(NODE, ["gs"])
    jobs = machine.jobs(5)
    forwarder = "wfb-rx -f -c 10.77.0.1 -u {} -p {} -i 7669206 -R 2097152 --init-digest {} {}"
    assert sorted(words for _, words in jobs) == [
        forwarder.format(10000, 0, digest, "wlan0 wlan1"),
        forwarder.format(10001, 16, digest, "wlan0 wlan1"),
        forwarder.format(10002, 32, digest, "wlan0 wlan1"),
        "wfb-tx -I 11002 -R 2097152 wlan0 wlan1",
        "wfb-tx -I 11004 -R 2097152 wlan0 wlan1",
    ]
    for card in ["wlan0", "wlan1"]:
        assert ",UP" in machine.call("ip", "-o", "link", "show", card).stdout
    # The first job that ends ends all, and the script fails.
    os.kill(jobs[2][0], signal.SIGKILL)
    assert process.wait(20) == 1
    wait_for_end(jobs)
    assert process.stderr.read().count("is a virtual card and keeps its channel") == 2


def test_a_script_that_is_stopped_ends_its_jobs(machine, cluster):
    machine.make_cards("wlan0=803", "wlan1=803")
    process = machine.start(cluster.node_script(NODE, ["gs"]))
    read_until_done(process)
    jobs = machine.jobs(5)
    process.terminate()
    assert process.wait(20) != 0
    wait_for_end(jobs)


def test_with_ssh_it_ends_with_its_standard_input(machine, cluster):
    machine.make_cards("wlan0=803", "wlan1=803")
    process = machine.start(cluster.node_script(NODE, ["gs"], is_for_ssh=True))
    read_until_done(process)
    jobs = machine.jobs(5)
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(20) == 1
    wait_for_end(jobs)


def test_through_a_shell_as_ssh_hands_it_over(machine, cluster):
    machine.make_cards("wlan0=803", "wlan1=803")
    process = machine.start("exec /bin/bash\n")
    process.stdin.write(cluster.node_script(NODE, ["gs"], is_for_ssh=True))
    process.stdin.flush()
    read_until_done(process)
    jobs = machine.jobs(5)
    process.stdin.close()
    assert process.wait(20) == 1
    wait_for_end(jobs)


def test_a_card_that_is_not_there_is_named(machine, cluster):
    machine.make_cards("wlan0=803")
    process = machine.start(cluster.node_script(NODE, ["gs"]))
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert "wfb: there is no network interface wlan1 on this node; plug it in" in errors
    assert not machine.words.exists()


def test_a_card_outside_monitor_mode_needs_iw(machine, cluster):
    if shutil.which("iw"):
        pytest.skip("iw is installed, and would refuse a TUN device")
    machine.make_cards("wlan0=803", "wlan1")
    process = machine.start(cluster.node_script(NODE, ["gs"]))
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert "wfb: the program iw is not installed on this node; install it, it puts" in errors
    assert not machine.words.exists()


def test_the_custom_script_comes_first_and_its_failure_is_the_end(machine, root, tmp_path):
    path = tmp_path / "custom.cfg"
    path.write_text(
        "[cluster]\nserver_address = '10.77.0.1'\nnodes = {'10.77.0.12': {'wlans': ['wlan0'],\n"
        "  'custom_init_script': '''echo \"before\"\n  false'''}}\n"
    )
    machine.make_cards("wlan0=803")
    script = _twinbed.load_wfb_cluster([str(path)]).node_script(NODE, ["gs"])
    output, _ = machine.start(script).communicate(timeout=20)
    assert output == "before\n"
    assert not machine.words.exists()


def test_a_job_that_ends_at_once_is_not_missed(machine, cluster):
    machine.make_cards("wlan0=803", "wlan1=803")
    machine.add_program("twinbed-node", "#!/bin/bash\nexit 3\n")
    process = machine.start(cluster.node_script(NODE, ["gs"]))
    process.communicate(timeout=20)
    assert process.returncode == 1
