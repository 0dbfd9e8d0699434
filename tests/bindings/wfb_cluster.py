"""The machines of a cluster of WFB-NG with keys and a configuration, for tests of its programs."""

import json
import subprocess
import sys
import time

from wfb_machines import NODES, Machines, wait_until

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


SSH_PORT = 2222


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

    def start_by_ssh(self, policy="robust", listens_at=SSH_PORT, more=""):
        """A central node that has started both nodes, of which nothing ran but ssh servers."""
        self.write_file(
            cluster=f"ssh_key = '{self.folder}/user_key'\nssh_port = {SSH_PORT}\n{more}"
        )
        self.prepare_ssh(listens_at)
        self.servers = {node: self.start_sshd(node) for node in NODES}
        options = ["--policy", policy, "--state-dir", self.folder / "central"]
        central = self.start_central("ssh", *options)
        for address in NODES.values():
            done = f"{address}: WFB-ng init done"
            assert wait_until(lambda done=done: done in self.log("central.log")), self.log(
                "central.log"
            )
        return central

    def send_video(self, blocks=3, size=0):
        """Sends whole blocks of video from the drone, of so many bytes at the least.

        Gives the payloads.
        """
        payloads = []
        for _ in range(8 * blocks):
            payloads.append(f"video {self.number}".encode().ljust(size, b"."))
            self.number += 1
            self.camera.sendto(payloads[-1], ("127.0.0.1", 5602))
        return payloads

    def receive_video(self, count):
        return [self.video.recv(4096) for _ in range(count)]

    def video_passes(self, timeout_s=20.0):
        """Whether video comes through within this time; what was on its way is lost."""
        self.video.settimeout(0.3)
        try:
            return wait_until(self._one_block_passes, timeout_s)
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
        """What the command that people use prints of an interval with video in it."""
        words = self.words("central", sys.executable, "-m", "twinbed", "wfb", "top",
                           "127.0.0.1:8003", "--once", *options)  # fmt: skip
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            while process.poll() is None:
                self.send_video(1)
                time.sleep(0.02)
            self.drain()
            assert process.returncode == 0, process.stderr.read()
            return process.stdout.read()

    def statistics(self):
        """The last message of each service."""
        messages = [json.loads(line) for line in self.top("--json").splitlines()]
        return {message.get("id", message["type"]): message for message in messages}
