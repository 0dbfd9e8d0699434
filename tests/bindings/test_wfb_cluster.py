"""A cluster of WFB-NG as real processes: a drone, two nodes and their central node, each in a
network namespace of its own, with virtual radios."""

import json
import signal
import struct
import subprocess
import sys

import pytest
from wfb_machines import CENTRAL, NODES, Machines, wait_until

pytestmark = pytest.mark.slow

STREAMS = """
[cluster]
server_address = '10.77.0.1'
nodes = {{'10.77.0.11': {{'wlans': ['wlan0']}}, '10.77.0.12': {{'wlans': ['wlan0']}}}}
{cluster}
[path]
conf_dir = '{folder}'
[common]
log_interval = 300
[gs_mavlink]
peer = 'listen://127.0.0.1:14550'
"""


class Cluster(Machines):
    """The machines with keys and the cluster's file; the programs are started by the tests."""

    def __init__(self, folder, node_program):
        super().__init__(folder, node_program)
        subprocess.run([node_program, "wfb-keygen"], cwd=folder, check=True, capture_output=True)
        self.write_file()
        self.video = self.socket("central", ("127.0.0.1", 5600))
        self.pilot = self.socket("central")
        self.camera = self.socket("drone")
        self.number = 0

    def write_file(self, cluster="", more=""):
        text = STREAMS.format(folder=self.folder, cluster=cluster)
        (self.folder / "cluster.cfg").write_text(text + more)

    def start_drone(self, *options):
        return self.start("drone", "twinbed-node", "wfb-tx", "-K", "drone.key", "-i", 7669206,
                          "-p", 0, "-k", 8, "-n", 12, "-u", 5602, *options, "wlan0",
                          log="drone.log")  # fmt: skip

    def start_central(self, mode, *options):
        central = self.start("central", "twinbed-node", "wfb-server", "--config", "cluster.cfg",
                             "--profiles", "gs", "--cluster", mode, *options,
                             log="central.log")  # fmt: skip
        return central

    def script(self, node, policy="original"):
        words = [sys.executable, "-m", "twinbed", "wfb", "gen-init", "--node", NODES[node],
                 "--policy", policy, "cluster.cfg"]  # fmt: skip
        made = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True)
        (self.folder / f"{node}.sh").write_text(made.stdout)

    def start_node(self, node):
        started = self.start(node, "bash", f"{node}.sh", log=f"{node}.log")
        done = self.log(f"{node}.log").count("WFB-ng init done")
        assert wait_until(lambda: self.log(f"{node}.log").count("WFB-ng init done") > done)
        return started

    def send_video(self, blocks=3):
        """Sends whole blocks of video from the drone, and gives the payloads."""
        payloads = []
        for _ in range(8 * blocks):
            payloads.append(f"video {self.number}".encode())
            self.number += 1
            self.camera.sendto(payloads[-1], ("127.0.0.1", 5602))
        return payloads

    def receive_video(self, count):
        return [self.video.recv(4096) for _ in range(count)]

    def video_passes(self):
        """Whether video comes through within some seconds; what was on its way is lost."""
        self.video.settimeout(0.3)
        try:
            return wait_until(self._one_block_passes)
        finally:
            self.video.settimeout(10)
            self.drain()

    def _one_block_passes(self):
        sent = self.send_video(1)
        try:
            while self.video.recv(4096) != sent[-1]:
                pass
        except TimeoutError:
            return False
        return True

    def drain(self):
        self.video.settimeout(0.2)
        try:
            while True:
                self.video.recv(4096)
        except TimeoutError:
            self.video.settimeout(10)

    def top(self, *options):
        """The statistics of the central node, by the command that people use."""
        words = self.words("central", sys.executable, "-m", "twinbed", "wfb", "top",
                           "127.0.0.1:8003", "--once", *options)  # fmt: skip
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    def statistics(self):
        """The last message of each service."""
        found = self.top("--json")
        assert found.returncode == 0, found.stderr
        messages = [json.loads(line) for line in found.stdout.splitlines()]
        return {message.get("id", message["type"]): message for message in messages}


@pytest.fixture
def cluster(tmp_path, node_program):
    made = Cluster(tmp_path, node_program)
    yield made
    made.close()


def test_video_comes_through_two_nodes_where_one_alone_hears_too_little(cluster):
    for node in NODES:
        cluster.script(node)
        cluster.start_node(node)
    cluster.start_central("manual")
    cluster.start_drone()
    assert cluster.video_passes()
    # Each node hears every second frame: 6 of the 12 fragments of a block, of which 8 are needed.
    cluster.air.hears = lambda machine, number: number % 2 == (machine == "node1")
    sent = cluster.send_video(blocks=20)
    assert cluster.receive_video(len(sent)) == sent
