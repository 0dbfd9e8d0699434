"""Adaptive streams of `wfb-server`: the drone sends as the ground tells it that it hears."""

import subprocess
import time

import pytest
from wfb_cluster import Cluster
from wfb_machines import NODES, wait_until

pytestmark = pytest.mark.slow

DRONE = """
[path]
conf_dir = '{folder}'
[drone_video]
control_port = 7000
"""
GROUND = """
[path]
conf_dir = '{folder}'
[gs_video]
peer = 'connect://127.0.0.1:5600'
"""
#: What the configuration says, as long as no report has come.
FIRST = {"k": 8, "n": 12, "mcs_index": 1}
#: Once the other side has become silent: n = 2k and the lowest MCS.
MOST_ROBUST = {"k": 8, "n": 16, "mcs_index": 0}


class AdaptiveLink(Cluster):
    """The machines with keys; the drone has a server with a card of its own."""

    def start_drone_server(self, *options):
        (self.folder / "drone.cfg").write_text(DRONE.format(folder=self.folder))
        return self.start("drone", "twinbed-node", "wfb-server", "--config", "drone.cfg",
                          "--profiles", "drone", "--wlans", "wlan0", "--state-dir",
                          self.folder / "drone", *options, log="drone.log")  # fmt: skip

    def start_ground_server(self, *options):
        """On machine node1, with its card."""
        (self.folder / "gs.cfg").write_text(GROUND.format(folder=self.folder))
        return self.start("node1", "twinbed-node", "wfb-server", "--config", "gs.cfg",
                          "--profiles", "gs", "--wlans", "wlan0", "--state-dir",
                          self.folder / "gs", *options, log="gs.log")  # fmt: skip

    def choice(self):
        """What the drone sends video with now; empty where there is no answer."""
        told = {}
        for command in ["get_fec", "get_radio"]:
            words = self.words("drone", "twinbed-node", "wfb-cmd", 7000, command)
            answer = subprocess.run(words, capture_output=True, text=True, check=False,
                                    env=self.environment())  # fmt: skip
            told |= dict(line.split("=") for line in answer.stdout.splitlines())
        return {key: int(told[key]) for key in MOST_ROBUST if key in told}

    def send_for_a_while(self):
        """At most 200 payloads a second, which MCS 0 carries with n = 2k, too."""
        for _ in range(3):
            self.send_video(1, size=1000)
            time.sleep(0.04)

    def with_video(self, is_true):
        """Whether something becomes true of the choice while video is sent."""

        def sends():
            self.send_for_a_while()
            choice = self.choice()
            return bool(choice) and is_true(choice)

        return wait_until(sends, timeout_s=60)


@pytest.fixture
def link(tmp_path, node_program):
    made = AdaptiveLink(tmp_path, node_program)
    yield made
    made.close()


@pytest.mark.parametrize("options", [["--adaptive"], ["--policy", "robust"]])
def test_the_drone_follows_what_the_ground_hears(link, options):
    link.start_drone_server(*options)
    assert wait_until(lambda: link.choice() == FIRST)
    ground = link.start_ground_server(*options)
    assert link.with_video(lambda choice: choice["mcs_index"] >= 2)
    # Where a third of all frames is lost, nothing is robust enough.
    link.air.hears = lambda machine, number: number % 3 != 0
    assert link.with_video(lambda choice: choice == MOST_ROBUST)
    link.air.hears = lambda machine, number: True
    assert link.with_video(lambda choice: choice["mcs_index"] >= 1)
    ground.kill()
    assert link.with_video(lambda choice: choice == MOST_ROBUST), "nobody says what he hears"


def hears(screen):
    try:
        return bool(screen.recv(4096))
    except TimeoutError:
        return False


@pytest.mark.parametrize("ground", ["--adaptive", "--no-adaptive"])
def test_nothing_is_adapted_unless_both_sides_do(link, ground):
    drone = "--no-adaptive" if ground == "--adaptive" else "--adaptive"
    link.start_drone_server("--policy", "robust", drone)
    link.start_ground_server("--policy", "robust", ground)
    assert wait_until(lambda: link.choice() == FIRST)
    screen = link.socket("node1", ("127.0.0.1", 5600))
    screen.settimeout(0.01)
    assert wait_until(lambda: link.send_for_a_while() or hears(screen))
    for _ in range(25):  # more than ten reports, after which a good link changes
        link.send_for_a_while()
    assert link.choice() == FIRST


def test_the_nodes_of_a_cluster_send_the_reports(link):
    def script(*options):
        words = [link.programs / "twinbed-node", "wfb-server", "--config", "cluster.cfg",
                 "--policy", "robust", "--gen-init", NODES["node1"], *options]  # fmt: skip
        made = subprocess.run(words, cwd=link.folder, capture_output=True, text=True, check=True)
        (link.folder / "node1.sh").write_text(made.stdout)
        return made.stdout

    assert script("--no-adaptive").count("wfb-tx -I") == 2, "of telemetry and the tunnel"
    outdated = link.start_node("node1")
    link.start_drone_server("--policy", "robust")
    link.start_central("manual", "--policy", "robust", "--state-dir", link.folder / "central")
    stale = f"node {NODES['node1']} runs the init script of another configuration"
    assert link.with_video(lambda choice: stale in link.log("central.log"))
    assert link.choice() == FIRST
    outdated.terminate()
    outdated.wait()
    assert script().count("wfb-tx -I") == 3
    link.start_node("node1")
    assert link.with_video(lambda choice: choice["mcs_index"] >= 2)


def test_radio_ports_of_reports_must_be_free(link):
    (link.folder / "more.cfg").write_text("[gs]\nstreams = [{'name': 'video', 'stream_rx': 0x00, "
        "'stream_tx': None, 'service_type': 'udp_direct_rx', 'profiles': ['base', 'gs_base', "
        "'video', 'gs_video']}, {'name': 'log', 'stream_rx': 0x80, 'stream_tx': None, "
        "'service_type': 'udp_direct_rx', 'profiles': ['base', 'gs_base', 'video', 'gs_video'], "
        "'peer': 'connect://127.0.0.1:5601'}]\n")  # fmt: skip
    ground = link.start_ground_server("--adaptive", "--config", "more.cfg")
    assert ground.wait(10) == 2
    assert (
        "as stream 'video' is adaptive, its reports use the radio port 128, which is that of "
        "stream 'log'; give that one another port on both sides, or switch adaptive off\n"
    ) in link.log("gs.log")
