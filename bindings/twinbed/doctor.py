"""What this machine has, and what each missing thing costs."""

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import _twinbed
from .errors import MissingError
from .paths import find_node_program


@dataclass(frozen=True)
class Check:
    """One thing that was looked for."""

    name: str
    found: bool
    detail: str  #: what was found, or what its lack costs and the remedy
    required: bool  #: twinbed does not work without it


def _modules() -> Check:
    wanted = ("click", "matplotlib", "pandas", "rich")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    cost = f"no {', '.join(missing)}: no tables and plots; pip install {' '.join(missing)}"
    return Check("Python packages", not missing, cost if missing else ", ".join(wanted), True)


def _notebooks() -> Check:
    found = all(importlib.util.find_spec(name) for name in ("nbclient", "ipykernel"))
    return Check(
        "notebooks",
        found,
        "nbclient, ipykernel"
        if found
        else "the notebooks cannot be run; pip install nbclient ipykernel",
        False,
    )


def _extension() -> Check:
    return Check("extension module", True, _twinbed.build_id(), True)


def _node_program() -> Check:
    try:
        return Check("twinbed-node", True, find_node_program(), False)
    except MissingError as error:
        return Check("twinbed-node", False, f"no runs in mode real: {error}", False)


def _virtual_radios() -> Check:
    problem = _twinbed.virtual_radio_problem()
    if problem is None:
        return Check("virtual radios", True, "TUN devices with 802.11 frames", False)
    return Check("virtual radios", False, f"no mode virtual-radio: {problem}", False)


def _loopback() -> Check:
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=2),
        ):
            return Check("loopback", True, "TCP over 127.0.0.1", False)
    except OSError as error:
        return Check("loopback", False, f"no runs in mode real: {error}", False)


def _namespaces() -> Check:
    program = shutil.which("unshare")
    found = (
        program is not None
        and not subprocess.run(
            [program, "--user", "--map-root-user", "--net", "true"],
            capture_output=True,
            check=False,
        ).returncode
    )
    return Check(
        "network namespaces",
        found,
        "can be made"
        if found
        else "none for real nodes; mode real uses loopback and works without",
        False,
    )


def _tun() -> Check:
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        detail = f"{error.strerror}: no virtual interfaces; mode real works without"
        return Check("TUN devices", False, detail, False)
    return Check("TUN devices", True, "/dev/net/tun", False)


def _raw_sockets() -> Check:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    except (OSError, AttributeError) as error:
        detail = f"no packet capture ({error}); needs root or CAP_NET_RAW; runs work without"
        return Check("raw sockets", False, detail, False)
    return Check("raw sockets", True, "can be opened", False)


def _aes() -> Check:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        flags = ""
    found = any("aes" in line.lower().split() for line in flags.splitlines() if ":" in line)
    return Check(
        "AES instructions",
        found,
        platform.machine()
        if found
        else "protocol election cannot encrypt: libsodium's AES-256-GCM needs them",
        False,
    )


def _ns3() -> Check:
    libraries = subprocess.run(
        ["ldconfig", "-p"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/sbin:/usr/sbin"},
    ).stdout
    found = "libns3" in libraries
    return Check(
        "ns-3",
        found,
        "libraries found" if found else "no benchmarks against ns-3; apt-get install libns3-dev",
        False,
    )


def _clang() -> Check:
    path = shutil.which("clang++-14") or shutil.which("clang++")
    return Check(
        "clang",
        path is not None,
        path or "no fuzzing and no second compiler for the fingerprints; apt-get install clang-14",
        False,
    )


CHECKS: tuple[Callable[[], Check], ...] = (
    _extension,
    _modules,
    _node_program,
    _loopback,
    _virtual_radios,
    _aes,
    _notebooks,
    _namespaces,
    _tun,
    _raw_sockets,
    _ns3,
    _clang,
)


def examine() -> list[Check]:
    """Looks for everything; takes about a second and leaves nothing behind."""
    return [check() for check in CHECKS]
