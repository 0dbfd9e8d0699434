"""Protocols written in Python: the same handlers as in C++, run in the simulator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ._twinbed import (
    Application,
    Context,
    Datagram,
    Datagrams,
    Endpoint,
    EventType,
    Metric,
    Random,
    Recorder,
    Storage,
    StorageResult,
    StreamEvent,
    Streams,
    Timers,
)

__all__ = [
    "Application",
    "Context",
    "Datagram",
    "Datagrams",
    "Endpoint",
    "EventType",
    "Metric",
    "Node",
    "Protocol",
    "Random",
    "Recorder",
    "Storage",
    "StorageResult",
    "StreamEvent",
    "Streams",
    "Timers",
]


@dataclass(frozen=True)
class Node:
    """A node of the scenario, as a protocol's constructor gets it."""

    index: int  #: its place in the scenario, from 0
    name: str
    role: str  #: the scenario's word for it: 'server', 'client'
    endpoint: Endpoint  #: where the others reach it; bind to this port
    options: dict[str, Any] = field(default_factory=dict)  #: durations in ns


class Protocol:
    """Base class of protocols in Python. Handlers that are not overridden do nothing.

    The host calls one handler at a time, with a context that is valid only during the call.
    Requests on the context return nothing and take effect after the handler has returned; every
    answer arrives later as another handler call. After a crash the object is thrown away and built
    anew, and only what was synced to storage is left. Use no other clock, randomness or input than
    the context's, so that a run can be replayed.
    """

    def __init__(self, node: Node, nodes: Sequence[Node]):
        """Called whenever the node starts. `nodes` are all nodes of the scenario, in order."""
        self.node = node
        self.nodes = nodes

    def on_start(self, ctx: Context) -> None:
        """The node has started, or started again after a crash."""

    def on_timer(self, ctx: Context, id: int) -> None:
        """The timer's deadline has come; it is no longer set."""

    def on_datagram(self, ctx: Context, datagram: Datagram) -> None:
        """A datagram has arrived."""

    def on_stream(self, ctx: Context, event: StreamEvent) -> None:
        """Something has happened to a stream."""

    def on_storage(self, ctx: Context, result: StorageResult) -> None:
        """The answer to a read or a sync."""

    def on_command(self, ctx: Context, command: bytes) -> None:
        """The user or the workload asks for something."""

    def on_stop(self, ctx: Context) -> None:
        """The node is asked to stop in good order; it stops after this handler."""


def nodes_of(core) -> list[Node]:
    """The nodes of a scenario with their endpoints in the simulated network."""
    return [
        Node(index, spec.name, spec.role, endpoint, {**core.options, **spec.options})
        for index, (spec, endpoint) in enumerate(zip(core.nodes, core.endpoints(), strict=True))
    ]
