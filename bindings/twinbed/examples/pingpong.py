"""Ping-pong in Python: the smallest protocol, run in the simulator.

    pinger -- ping N (datagram) --> ponger
    pinger <-- ping N, echoed ----- ponger      the round trip is sampled as example.round_trip

Run it with: python -m twinbed.examples.pingpong
"""

import twinbed as tb

ROUND_TRIP = tb.Metric(
    "example.round_trip", "s", "from the sending of a ping to the arrival of its echo"
)
SOCKET = 0
NEXT_PING = 0
INTERVAL_NS = 100_000_000


class Pinger(tb.Protocol):
    """Sends a numbered ping each interval and times its echo."""

    def on_start(self, ctx):
        self.sent_at_ns = []
        self.peer = next(node.endpoint for node in self.nodes if node.role == "ponger")
        ctx.datagrams.bind(SOCKET, tb.Endpoint("0.0.0.0", self.node.endpoint.port))
        ctx.timers.set(NEXT_PING, ctx.now + INTERVAL_NS)

    def on_timer(self, ctx, id):
        ctx.datagrams.send(SOCKET, self.peer, len(self.sent_at_ns).to_bytes(8, "big"))
        self.sent_at_ns.append(ctx.now)
        ctx.timers.set(NEXT_PING, ctx.now + INTERVAL_NS)

    def on_datagram(self, ctx, datagram):
        number = int.from_bytes(datagram.payload, "big")
        if number < len(self.sent_at_ns):
            ctx.recorder.sample(ROUND_TRIP, (ctx.now - self.sent_at_ns[number]) / 1e9)


class Ponger(tb.Protocol):
    """Sends every ping back to where it came from."""

    def on_start(self, ctx):
        ctx.datagrams.bind(SOCKET, tb.Endpoint("0.0.0.0", self.node.endpoint.port))

    def on_datagram(self, ctx, datagram):
        ctx.datagrams.send(SOCKET, datagram.from_, datagram.payload)


def make(node, nodes):
    """The protocol of a node."""
    return Pinger(node, nodes) if node.role == "pinger" else Ponger(node, nodes)


def scenario(delay="5 ms"):
    """Two nodes, each this far away from the switch between them."""
    return (
        tb.Scenario.build(
            name="python_pingpong",
            duration="10 s",
            protocol="pingpong",
            network={"link": {"delay": delay}},
        )
        .node("alice", role="pinger", port=7001)
        .node("bob", role="ponger", port=7001)
    )


if __name__ == "__main__":
    run = tb.run(scenario(), seed=1, protocol=make)
    print(run)
    print(run.samples("example.round_trip")["value"].describe())
