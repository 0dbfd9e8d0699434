"""A cluster of WFB-NG as real processes: a drone, two nodes and their central node, each in a
network namespace of its own, with virtual radios."""

import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wfb_cluster import SSH_PORT, Cluster
from wfb_machines import NODES, wait_until

pytestmark = pytest.mark.slow


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


def antennas(message):
    """The nodes' addresses in the statistics of a receiver, with their mean signals."""
    found = {}
    for row in message["rx_ant_stats"]:
        found[".".join(map(str, struct.pack(">I", row["ant"] >> 32)))] = row["rssi_avg"]
    return found


def keep_sending(cluster):
    """Lets an interval pass in which every antenna hears something."""
    for _ in range(4):
        cluster.send_video(2)
        cluster.drain()


def test_nodes_started_by_hand_come_and_go_alone(cluster):
    for node in NODES:
        cluster.script(node)
    nodes = {node: cluster.start_node(node) for node in NODES}
    central = cluster.start_central("manual")
    cluster.start_drone()
    assert cluster.video_passes()
    assert antennas(cluster.statistics()["video rx"]) == {"10.77.0.11": -45, "10.77.0.12": -60}
    # The first forwarder that ends takes the whole script with it, and nothing else.
    cluster.kill("node1", "wfb-rx")
    assert nodes["node1"].wait(10) == 1
    assert wait_until(lambda: not cluster.processes("node1", "wfb-tx"))
    assert cluster.video_passes()
    assert antennas(cluster.statistics()["video rx"]) == {"10.77.0.12": -60}
    assert central.poll() is None
    assert nodes["node2"].poll() is None
    cluster.start_node("node1")
    assert cluster.video_passes()
    assert set(antennas(cluster.statistics()["video rx"])) == set(NODES.values())


def test_nodes_started_by_hand_outlive_their_central_node(cluster):
    for node in NODES:
        cluster.script(node)
    nodes = [cluster.start_node(node) for node in NODES]
    central = cluster.start_central("manual")
    cluster.start_drone()
    assert cluster.video_passes()
    central.kill()
    central.wait()
    cluster.send_video()
    cluster.start_central("manual")
    assert cluster.video_passes()
    assert [node.poll() for node in nodes] == [None, None]
    sessions = [line for line in cluster.log("central.log").splitlines() if "\tSESSION\t" in line]
    assert [line.split("\t")[0::2] for line in sessions] == [["video rx", "SESSION"]] * 2
    assert sessions[0].endswith("\t0:1:8:12")


def test_what_goes_up_leaves_by_the_node_that_hears_best(cluster):
    for node in NODES:
        cluster.script(node)
    nodes = {node: cluster.start_node(node) for node in NODES}
    cluster.start_central("manual")
    cluster.start_drone()
    cluster.start("drone", "twinbed-node", "wfb-rx", "-K", "drone.key", "-i", 7669206, "-p", 0x90,
                  "-u", 14560, "wlan0", log="drone_rx.log")  # fmt: skip
    vehicle = cluster.socket("drone", ("127.0.0.1", 14560))
    assert cluster.video_passes()

    def goes_up_by(node):
        keep_sending(cluster)
        before = dict(cluster.air.sent)
        cluster.pilot.sendto(b"arm", ("127.0.0.1", 14550))
        assert vehicle.recv(4096) == b"arm"
        return cluster.air.sent[node] > before[node]

    assert wait_until(lambda: goes_up_by("node1"))
    assert "gs sends through card 0 of node 10.77.0.11" in cluster.log("central.log")
    # A node that hears less for an interval may be passed over in it.
    assert wait_until(lambda: cluster.statistics()["video rx"]["tx_wlan"] == 0x0A4D000B << 24)
    assert cluster.statistics()["mavlink tx"]["packets"]["injected"][1] > 0
    nodes["node1"].terminate()
    assert wait_until(lambda: goes_up_by("node2"))
    assert "gs sends through card 0 of node 10.77.0.12" in cluster.log("central.log")


def test_a_tunnel_is_an_interface(cluster):
    cluster.script("node1")
    cluster.start_node("node1")
    cluster.start_central("manual")
    cluster.start("drone", "twinbed-node", "wfb-rx", "-K", "drone.key", "-i", 7669206, "-p", 0xA0,
                  "-u", 5800, "wlan0", log="drone_rx.log")  # fmt: skip
    cluster.start("drone", "twinbed-node", "wfb-tx", "-K", "drone.key", "-i", 7669206, "-p", 0x20,
                  "-k", 1, "-n", 2, "-u", 5801, "wlan0", log="drone_tx.log")  # fmt: skip
    vehicle = cluster.socket("drone", ("127.0.0.1", 5800))
    addresses = cluster.words("central", "ip", "-o", "addr", "show", "gs-wfb")
    assert wait_until(lambda: b"10.5.0.1/24" in subprocess.run(addresses, capture_output=True,
                                                               check=False).stdout)  # fmt: skip
    ground = cluster.socket("central", ("10.5.0.1", 9000))

    vehicle.settimeout(0.3)
    greetings = []

    def a_greeting_arrives():
        """In a packet of version 4: the kernel of its own accord sends some of version 6."""
        ground.sendto(b"hello", ("10.5.0.2", 9000))
        with contextlib.suppress(TimeoutError):
            while payload := vehicle.recv(4096):
                while payload:
                    (length,) = struct.unpack_from(">H", payload)
                    packet, payload = payload[2 : 2 + length], payload[2 + length :]
                    assert len(packet) == length
                    if packet[0] >> 4 == 4:
                        greetings.append(packet)
        return greetings

    # Nothing is heard in the original until a session was told, which it is once a second.
    assert wait_until(a_greeting_arrives)
    up = greetings[0]
    assert up.endswith(b"hello")
    # The same with the ends exchanged, whose checksums stay what they are.
    packet = up[:12] + up[16:20] + up[12:16] + up[20:]
    answers = []
    ground.settimeout(0.3)

    def an_answer_arrives():
        cluster.camera.sendto(struct.pack(">H", len(packet)) + packet, ("127.0.0.1", 5801))
        with contextlib.suppress(TimeoutError):
            answers.append(ground.recvfrom(4096))
        return answers

    assert wait_until(an_answer_arrives)
    assert answers[0] == (b"hello", ("10.5.0.2", 9000))


def test_a_link_of_two_servers_carries_a_connection(cluster):
    """The drone's server with its own card, the ground's with a node: TCP through the tunnel."""
    cluster.script("node1", "robust")
    cluster.start_node("node1")
    cluster.start_central("manual", "--policy", "robust", "--state-dir", cluster.folder / "central")
    cluster.start("drone", "twinbed-node", "wfb-server", "--config", "cluster.cfg", "--profiles",
                  "drone", "--wlans", "wlan0", "--policy", "robust", "--state-dir",
                  cluster.folder / "drone", log="drone.log")  # fmt: skip
    assert cluster.video_passes()
    with cluster.socket("drone", ("10.5.0.2", 9000), socket.SOCK_STREAM) as listener:
        listener.listen()
        with cluster.socket("central", kind=socket.SOCK_STREAM) as caller:
            caller.connect(("10.5.0.2", 9000))
            answering, (address, _) = listener.accept()
            assert address == "10.5.0.1"
            text = b"telemetry " * 2000
            caller.sendall(text)
            caller.shutdown(socket.SHUT_WR)
            with answering, answering.makefile("rb") as received:
                assert received.read() == text
    words = cluster.words("drone", sys.executable, "-m", "twinbed", "wfb", "top",
                          "127.0.0.1:8002", "--once")  # fmt: skip
    told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.startswith("WFB-NG @drone wlan0 [default]\n")
    rows = [re.split("  +", line) for line in told.splitlines()]
    assert ["tunnel rx", "1/2"] in [row[:2] for row in rows]
    assert ["tunnel tx", "0:X"] in [row[:2] for row in rows]


def test_users_may_have_local_sockets_and_a_control_port(cluster):
    cluster.write_file(
        more="[gs_video]\npeer = 'connect_unix://@viewer'\n"
        "[drone_video]\npeer = 'listen_unix://@camera'\ncontrol_port = 7000\n"
    )
    cluster.script("node1")
    cluster.start_node("node1")
    viewer = cluster.socket("central", "\0viewer", family=socket.AF_UNIX)
    cluster.start_central("manual")
    cluster.start("drone", "twinbed-node", "wfb-server", "--config", "cluster.cfg", "--profiles",
                  "drone", "--wlans", "wlan0", log="drone.log")  # fmt: skip
    camera = cluster.socket("drone", family=socket.AF_UNIX)

    def fec():
        words = cluster.words("drone", "twinbed-node", "wfb-cmd", 7000, "get_fec")
        told = subprocess.run(words, capture_output=True, text=True, check=False,
                              env=cluster.environment())  # fmt: skip
        return told.stdout

    assert wait_until(lambda: fec() == "k=8\nn=12\n")
    viewer.settimeout(0.3)

    def one_passes():
        camera.sendto(b"picture", "\0camera")
        try:
            return viewer.recv(100) == b"picture"
        except TimeoutError:
            return False

    assert wait_until(one_passes)


def start_robust(cluster, *options):
    cluster.start_drone("--policy", "robust", "--state-dir", cluster.folder / "drone")
    return cluster.start_central(
        "manual", "--policy", "robust", "--state-dir", cluster.folder / "central", *options
    )


def test_a_node_with_an_outdated_script_is_refused_by_name(cluster):
    cluster.write_file(cluster="base_port_node = 11500")
    cluster.script("node2", "robust")
    cluster.write_file()
    cluster.script("node1", "robust")
    nodes = {node: cluster.start_node(node) for node in NODES}
    start_robust(cluster)
    assert cluster.video_passes()
    stale = "node 10.77.0.12 runs the init script of another configuration: nothing of it is taken"
    assert wait_until(lambda: stale in cluster.log("central.log"))
    assert antennas(cluster.statistics()["video rx"]) == {"10.77.0.11": -45}
    assert cluster.log("central.log").count(stale) == 1, "it is said once for all streams"
    assert "10.77.0.11" not in cluster.log("central.log").replace("node 10.77.0.11\n", "")
    nodes["node2"].terminate()
    nodes["node2"].wait()
    cluster.script("node2", "robust")
    cluster.start_node("node2")
    present = "node 10.77.0.12 runs the init script of this configuration now"
    assert wait_until(lambda: present in cluster.log("central.log"))
    assert set(antennas(cluster.statistics()["video rx"])) == set(NODES.values())


def test_robust_sides_know_each_other_again_after_a_restart(cluster):
    cluster.script("node1", "robust")
    cluster.start_node("node1")
    central = start_robust(cluster)
    assert cluster.video_passes()
    central.terminate()
    assert central.wait(10) == 0
    cluster.started[-2].kill()  # the drone
    cluster.started[-2].wait()
    start_robust(cluster)
    assert cluster.video_passes()
    assert "refused" not in cluster.log("central.log")


def test_an_original_drone_that_restarts_is_refused_with_the_remedy(cluster):
    cluster.script("node1", "robust")
    cluster.start_node("node1")
    cluster.start_central("manual", "--policy", "robust", "--state-dir", cluster.folder)
    first = cluster.start_drone()
    assert cluster.video_passes()
    first.kill()
    first.wait()
    cluster.start_drone()
    assert not cluster.video_passes(timeout_s=3)
    assert "video rx refused a session whose epoch is not above" in cluster.log("central.log")
    assert "--no-refuse-replay" in cluster.log("central.log")


def test_the_statistics_are_tables_for_people_and_lines_of_json(cluster):
    cluster.script("node1")
    cluster.start_node("node1")
    cluster.start_central("manual")
    cluster.start_drone()
    assert cluster.video_passes()
    printed = [re.split("  +", line) for line in cluster.top().splitlines()]
    assert printed[0] == ["WFB-NG @gs cluster [default]"]
    rows = [row for row in printed if row[:2] == ["video rx", "0A4D000B:0:0"]]
    assert [row[2:5] for row in rows] == [["5825", "1", "20"]]
    assert rows[0][7:9] == ["-45 < -45 < -45", "50 < 50 < 50"]
    assert ["video rx", "8/12"] in [row[:2] for row in printed]
    watcher = cluster.socket("central", kind=socket.SOCK_STREAM)
    watcher.connect(("127.0.0.1", 8103))
    with watcher.makefile() as lines:
        told = [json.loads(next(lines)) for _ in range(10)]
    assert (told[0]["type"], told[0]["profile"]) == ("settings", "gs")
    assert told[0]["wlans"] == ["10.77.0.11:wlan0", "10.77.0.12:wlan0"]
    assert told[0]["settings"]["common"]["log_interval"] == 300
    services = {"video rx", "mavlink rx", "mavlink tx", "tunnel rx", "tunnel tx"}
    assert {message["id"] for message in told[1:]} == services
    totals = [m["packets"]["out"][1] for m in told[1:] if m["id"] == "video rx"]
    assert totals[0] >= 8
    assert totals == sorted(totals)


def test_with_debug_the_log_has_the_lines_of_the_programs(cluster):
    cluster.script("node1")
    cluster.start_node("node1")
    (cluster.folder / "debug.cfg").write_text("[common]\ndebug = True\n")
    cluster.start_central("manual", "--config", "debug.cfg")
    cluster.start_drone()
    assert cluster.video_passes()
    number = "[0-9]+"
    decibels = "-45:-45:-45:50:50:50"
    antenna = f"video rx\t{number}\tRX_ANT\t5825:1:20\ta4d000b00000000\t{number}:{decibels}"
    assert wait_until(lambda: re.search(antenna, cluster.log("central.log")))
    received = f"video rx\t{number}\tPKT\t{number}(:{number}){{10}}\n"
    assert re.search(received, cluster.log("central.log"))
    sent = f"mavlink tx\t{number}\tPKT\t{number}(:{number}){{6}}\n"
    assert wait_until(lambda: re.search(sent, cluster.log("central.log")))


def test_several_profiles_run_side_by_side(cluster):
    subprocess.run(["cp", "gs.key", "bind.key"], cwd=cluster.folder, check=True)
    cluster.start("central", "twinbed-node", "wfb-server", "--config", "cluster.cfg", "--profiles",
                  "gs", "gs_bind", "--cluster", "manual", log="central.log")  # fmt: skip

    def told_at(port):
        words = cluster.words("central", sys.executable, "-m", "twinbed", "wfb", "top",
                              f"127.0.0.1:{port}", "--once", "--json")  # fmt: skip
        told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        messages = [json.loads(line) for line in told.stdout.splitlines()]
        return [message.get("id", message.get("profile")) for message in messages]

    assert wait_until(lambda: told_at(8003)[:1] == ["gs"])
    assert set(told_at(8099)) == {"gs_bind", "bind_tunnel rx", "bind_tunnel tx"}


def test_a_port_that_is_taken_is_named(cluster):
    with cluster.socket("central", ("0.0.0.0", 8003), socket.SOCK_STREAM) as holder:
        holder.listen()
        central = cluster.start_central("manual")
        assert central.wait(10) == 3
    assert cluster.log("central.log") == (
        "twinbed-node: profile gs: cannot listen at TCP port 8003: Address already in use; stop "
        "the program that holds it, or choose another one\n"
    )


@pytest.mark.parametrize(
    ("options", "announcements"),
    [
        ([], 1),
        (["--session-repeat"], 5),
        (["--policy", "robust"], 5),
        (["--policy", "robust", "--no-session-repeat"], 1),
    ],
)
def test_the_drones_transmitter_has_the_repairs_by_name(cluster, options, announcements):
    cluster.start_drone("--state-dir", cluster.folder / "drone", *options)
    assert wait_until(lambda: "PKT" in cluster.log("drone.log"))
    cluster.camera.sendto(b"one", ("127.0.0.1", 5602))
    assert wait_until(lambda: cluster.air.sent["drone"] >= announcements + 1)
    time.sleep(0.2)
    assert cluster.air.sent["drone"] == announcements + 1


def test_a_receiver_with_its_own_card_refuses_old_sessions_where_it_is_told_to(cluster):
    out = cluster.socket("node1", ("127.0.0.1", 5600))
    cluster.start("node1", "twinbed-node", "wfb-rx", "-K", "gs.key", "-i", 7669206, "-l", 100,
                  "--refuse-replay", "--state-dir", cluster.folder / "node1", "wlan0",
                  log="rx.log")  # fmt: skip
    assert wait_until(lambda: "PKT" in cluster.log("rx.log"))

    def first_payload():
        drone = cluster.start_drone()
        known = cluster.log("drone.log").count("PKT")
        assert wait_until(lambda: cluster.log("drone.log").count("PKT") > known)
        cluster.camera.sendto(b"one", ("127.0.0.1", 5602))
        try:
            return out.recv(100)
        finally:
            drone.kill()
            drone.wait()

    assert first_payload() == b"one"
    out.settimeout(1)
    with pytest.raises(TimeoutError):
        first_payload()
    assert "refused a session whose epoch is not above the last one's" in cluster.log("rx.log")


@pytest.fixture
def ssh_cluster(cluster):
    """A cluster whose nodes run nothing but an ssh server."""
    return cluster


def wait_for_silence(cluster):
    """Until nothing of WFB-NG runs on any node."""
    assert wait_until(
        lambda: (
            not any(
                cluster.processes(node, word) for node in NODES for word in ["wfb-rx", "wfb-tx"]
            )
        )
    )


def test_by_ssh_the_central_node_starts_its_nodes_and_ends_them(ssh_cluster):
    central = ssh_cluster.start_by_ssh()
    ssh_cluster.start_drone("--policy", "robust", "--state-dir", ssh_cluster.folder / "drone")
    assert ssh_cluster.video_passes()
    told = ssh_cluster.statistics()["video rx"]
    assert antennas(told) == {"10.77.0.11": -45, "10.77.0.12": -60}
    central.send_signal(signal.SIGTERM)
    assert central.wait(10) == 0
    wait_for_silence(ssh_cluster)


def test_by_ssh_the_end_of_one_node_is_that_of_all(ssh_cluster):
    central = ssh_cluster.start_by_ssh()
    ssh_cluster.start_drone("--policy", "robust", "--state-dir", ssh_cluster.folder / "drone")
    assert ssh_cluster.video_passes()
    ssh_cluster.kill("node2", "wfb-rx")
    assert central.wait(10) == 1
    assert "Connection to 10.77.0.12 closed, aborting\n" in ssh_cluster.log("central.log")
    wait_for_silence(ssh_cluster)


def test_by_ssh_the_end_of_a_machine_is_that_of_all(ssh_cluster):
    central = ssh_cluster.start_by_ssh()
    # With it all that runs there.
    ssh_cluster.servers["node1"].kill()
    assert central.wait(10) == 1
    assert "Connection to 10.77.0.11 closed, aborting\n" in ssh_cluster.log("central.log")
    wait_for_silence(ssh_cluster)


def test_by_ssh_a_central_node_that_is_killed_takes_its_nodes_with_it(ssh_cluster):
    central = ssh_cluster.start_by_ssh()
    assert wait_until(lambda: ssh_cluster.processes("node1", "wfb-rx"))
    central.kill()
    wait_for_silence(ssh_cluster)


def test_by_ssh_a_node_without_a_server_is_named(ssh_cluster):
    ssh_cluster.write_file(cluster=f"ssh_port = {SSH_PORT}")
    ssh_cluster.prepare_ssh(SSH_PORT)
    central = ssh_cluster.start_central("ssh", "--policy", "robust")
    assert central.wait(10) == 1
    # Of the two, the one that is refused first.
    assert re.search(
        r"(?m)^(10.77.0.1[12]): ssh: connect to host \1 port 2222: Connection refused\n"
        r"(.*\n)*Connection to \1 closed, aborting$",
        ssh_cluster.log("central.log"),
    )


def test_the_original_leaves_out_the_port_of_ssh(ssh_cluster):
    ssh_cluster.start_by_ssh(policy="original", listens_at=22)
    assert wait_until(lambda: len(ssh_cluster.processes("node1", "wfb-rx")) == 3)
    for process in ssh_cluster.processes("node1", "wfb-rx"):
        assert b"--init-digest" not in Path(f"/proc/{process}/cmdline").read_bytes()
