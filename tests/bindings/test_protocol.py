"""Protocols written in Python."""

import subprocess
import sys

import pytest
import twinbed as tb
from twinbed.examples import pingpong as example

SEEN = tb.EventType("test.seen", "something was seen")


def build(duration="2 s", nodes=1):
    scenario = tb.Scenario.build(
        name="python_test",
        duration=duration,
        protocol="own",
        options={"pace": "5 ms", "word": "hi"},
    )
    for number in range(1, nodes + 1):
        scenario.node(f"node{number}", role="peer", port=7000, options={"number": number})
    return scenario


def test_the_example_measures_the_round_trip(db):
    run = tb.run(example.scenario("5 ms"), seed=1, db=db, protocol=example.make)
    samples = run.samples("example.round_trip")
    assert len(samples) == 99  # the 100th ping leaves at the end of the run
    assert samples["value"].tolist() == [0.02] * 99  # four links of 5 ms
    assert samples["time_ns"].iloc[0] == 120_000_000


def test_the_example_is_a_program(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "twinbed.examples.pingpong"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "as expected" in result.stdout


def test_a_protocol_in_python_is_deterministic(db):
    runs = [tb.run(example.scenario(), seed=5, db=db, protocol=example.make) for _ in range(2)]
    assert runs[0].info["fingerprint"] == runs[1].info["fingerprint"]


def test_nodes_know_their_options_and_each_other(db):
    seen = []

    class Peer(tb.Protocol):
        def on_start(self, ctx):
            seen.append((self.node, [str(node.endpoint) for node in self.nodes], ctx.self_id))

    tb.run(build(nodes=2), seed=1, db=db, protocol=Peer)
    assert [(node.name, self_id) for node, _, self_id in seen] == [("node1", 0), ("node2", 1)]
    assert seen[0][0].options == {"pace": 5_000_000, "word": "hi", "number": 1}
    assert seen[0][1] == ["10.0.0.1:7000", "10.0.0.2:7000"]


def test_streams_carry_bytes_both_ways(db):
    class Peer(tb.Protocol):
        def on_start(self, ctx):
            if self.node.index == 0:
                ctx.streams.listen(1, "0.0.0.0:7000")
            else:
                ctx.streams.open(5, self.nodes[0].endpoint)
                ctx.streams.open(6, tb.Endpoint(self.nodes[0].endpoint.address, 9))

        def on_stream(self, ctx, event):
            ctx.recorder.event(
                SEEN, kind=event.kind, data=event.data.decode(), failure=event.failure
            )
            if event.kind == "opened":
                ctx.streams.write(event.stream, b"hello")
            elif event.kind == "data" and self.node.index == 0:
                ctx.streams.write(event.stream, memoryview(b"back"))
                ctx.streams.close(event.stream)

    run = tb.run(build(nodes=2), seed=1, db=db, protocol=Peer)
    fields = run.events("test.seen")["fields"].tolist()
    kinds = [event["kind"] for event in fields]
    assert {"accepted", "opened", "data", "closed", "failed"} <= set(kinds)
    assert [event["data"] for event in fields if event["kind"] == "data"] == ["hello", "back"]
    assert [event["failure"] for event in fields if event["kind"] == "failed"] == ["refused"]


def test_storage_survives_a_crash_as_far_as_it_was_synced(db):
    class Peer(tb.Protocol):
        def on_start(self, ctx):
            ctx.storage.read(1, "kept", 0, 100)

        def on_storage(self, ctx, result):
            if result.token == 1:
                ctx.recorder.event(SEEN, status=result.status, data=result.data.decode())
                ctx.storage.write("kept", 0, b"synced")
                ctx.storage.sync(2, "kept")
            elif result.token == 2:
                ctx.storage.write("kept", 0, b"losing")

    scenario = build().fault("restart", at="1 s", select=["node1"])
    fields = tb.run(scenario, seed=1, db=db, protocol=Peer).events("test.seen")["fields"].tolist()
    assert fields == [
        {"status": "not found", "data": ""},
        {"status": "ok", "data": "synced"},
    ]


def test_commands_timers_logs_and_stops_arrive(db):
    class Peer(tb.Protocol):
        def on_start(self, ctx):
            ctx.timers.set(1, ctx.now + 10)
            ctx.timers.set(2, ctx.now + 10)
            ctx.timers.cancel(2)

        def on_timer(self, ctx, id):
            ctx.recorder.log(f"timer {id} at {ctx.now}")

        def on_command(self, ctx, command):
            ctx.application.deliver(command)
            ctx.recorder.log(command.decode())

        def on_stop(self, ctx):
            ctx.recorder.log("bye")

    scenario = build().workload("node1", "go {n}", at="100 ms", every="100 ms", count=2)
    scenario.fault("stop", at="1 s", select=["node1"])
    run = tb.run(scenario, seed=1, db=db, protocol=Peer)
    lines = [fields["line"] for fields in run.events("log")["fields"]]
    assert lines == ["timer 1 at 10", "go 1", "go 2", "bye"]


def test_random_numbers_come_from_the_seed(db):
    drawn = []

    class Peer(tb.Protocol):
        def on_start(self, ctx):
            random = ctx.random
            assert random.below(3) < 3
            assert 0 <= random.uniform() < 1
            assert 5 <= random.between(5, 6) <= 6
            assert random.pareto(2.0) >= 1
            assert random.exponential() >= 0
            assert not random.chance(0)
            drawn.append((random.next(), random.normal()))
            for wrong in (
                lambda: random.below(0),
                lambda: random.between(2, 1),
                lambda: random.pareto(0.0),
            ):
                with pytest.raises(ValueError):
                    wrong()

    for seed in (1, 1, 2):
        tb.run(build(), seed=seed, db=db, protocol=Peer)
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_exception_in_a_handler_ends_the_run_with_its_traceback(db):
    class Peer(tb.Protocol):
        def on_start(self, ctx):
            ctx.timers.set(1, 1_000_000)

        def on_timer(self, ctx, id):
            raise KeyError("my mistake")

    with pytest.raises(tb.RunError, match="node1 raised KeyError") as caught:
        tb.run(build(), seed=1, db=db, protocol=Peer)
    assert 'raise KeyError("my mistake")' in str(caught.value)
    failed = tb.open(db).run(1)
    assert failed.info["state"] == "failed"
    assert "KeyError" in failed.failure


def test_an_exception_while_a_protocol_is_built_ends_the_run_as_well(db):
    def make(node, nodes):
        raise RuntimeError("cannot build")

    with pytest.raises(tb.RunError, match="cannot build"):
        tb.run(build(), seed=1, db=db, protocol=make)
    assert tb.open(db).runs()["state"].tolist() == ["failed"]


def test_a_context_is_dead_after_its_handler(db):
    kept = []

    class Peer(tb.Protocol):
        def on_start(self, ctx):
            kept.extend([ctx, ctx.timers])
            ctx.timers.set(1, 10)

    tb.run(build(), seed=1, db=db, protocol=Peer)
    with pytest.raises(RuntimeError, match="within the handler"):
        _ = kept[0].now
    with pytest.raises(RuntimeError, match="within the handler"):
        kept[1].set(1, 1)


def test_wrong_arguments_are_type_errors_with_the_name(db):
    class Peer(tb.Protocol):
        def on_start(self, ctx):
            for call in (
                lambda: ctx.recorder.event(SEEN, field=[1]),
                lambda: ctx.datagrams.send(0, "10.0.0.1:1", "text"),
                lambda: ctx.timers.set(-1, 0),
            ):
                with pytest.raises(TypeError):
                    call()
            with pytest.raises(ValueError):
                tb.Endpoint("10.0.0.256:1")

    tb.run(build(), seed=1, db=db, protocol=Peer)


def test_python_protocols_run_in_simulation_only(db):
    with pytest.raises(tb.ScenarioError, match="mode sim only"):
        tb.run(build(), mode="real", seed=1, db=db, protocol=tb.Protocol)
