"""Scenarios: loaded from a file, or built in Python, and checked by one loader either way."""

import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from . import _twinbed
from .errors import ScenarioError

Settings = Mapping[str, Any] | Iterable[str]


def setting_text(value: Any) -> str:
    """A value as scenario files write it. Texts are taken as they are: '5 ms', 'original'."""
    return value if isinstance(value, str) else json.dumps(value)


def split_settings(settings: Settings | None) -> list[tuple[str, str]]:
    """Settings as (path, value), from a mapping or from texts 'path=value'."""
    if settings is None:
        return []
    if isinstance(settings, Mapping):
        return [(path, setting_text(value)) for path, value in settings.items()]
    if isinstance(settings, str):
        settings = [settings]
    pairs = []
    for setting in settings:
        path, mark, value = setting.partition("=")
        if not mark:
            raise ScenarioError(f"setting '{setting}': write it as path=value")
        pairs.append((path.strip(), value.strip()))
    return pairs


class Scenario:
    """Everything that a run needs but its seed and its mode.

    >>> scenario = Scenario.load("scenarios/election/leader_failover.yaml")
    >>> scenario.set("network.link.delay", "5 ms")

    or, with the same names as in a file,

    >>> scenario = (
    ...     Scenario.build(name="pair", duration="10 s", protocol="pingpong")
    ...     .node("alice", role="pinger", port=7001)
    ...     .node("bob", role="ponger", port=7001)
    ...     .fault("crash", at="5 s", select=["bob"])
    ... )

    A mistake is a ScenarioError with the place and a remedy. Changes are made in place and return
    the scenario, so that they can be chained; `copy` makes an independent one.
    """

    def __init__(self, text: str, name: str, directory: str, settings=(), in_python=False):
        """For internal use: see load, from_yaml, from_dict and build."""
        self._text = text
        self._name = name
        self._directory = directory
        self._settings: list[tuple[str, str]] = list(settings)
        self._in_python = in_python
        self._core: _twinbed.Scenario | None = None

    @classmethod
    def load(cls, path: str | Path, settings: Settings | None = None) -> Self:
        """The scenario in a file, with settings {'path': value} or ['path=value'] on top."""
        pairs = split_settings(settings)
        # Read by C++ first: it has a sentence for everything that can be wrong with a file.
        core = _twinbed.load_scenario(str(path), [f"{path}={value}" for path, value in pairs])
        scenario = cls(Path(path).read_text("utf-8"), str(path), core.directory, pairs)
        scenario._core = core
        return scenario

    @classmethod
    def from_yaml(
        cls, text: str, directory: str | Path = ".", settings: Settings | None = None
    ) -> Self:
        """The scenario in a text; relative file names in it start at `directory`."""
        scenario = cls(text, "scenario", str(directory), split_settings(settings))
        scenario._core = scenario._load()
        return scenario

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], directory: str | Path = ".") -> Self:
        """The scenario in a dict with the keys of a scenario file; `version` may be left out."""
        scenario = cls(_write({"version": 1, **document}), "scenario", str(directory), (), True)
        scenario._core = scenario._load()
        return scenario

    @classmethod
    def build(
        cls,
        name: str,
        duration: str,
        protocol: str | Mapping[str, Any],
        policy: str | None = None,
        question: str | None = None,
        options: Mapping[str, Any] | None = None,
        network: Mapping[str, Any] | None = None,
        directory: str | Path = ".",
    ) -> Self:
        """Starts a scenario to which nodes, faults and so on are added.

        It is checked when it is complete: by `check`, `to_yaml` or a run.
        """
        spec = dict(protocol) if isinstance(protocol, Mapping) else {"name": protocol}
        spec |= _given(policy=policy, options=options)
        document = {"version": 1, "name": name, **_given(question=question), "duration": duration}
        document |= {"protocol": spec, **_given(network=network)}
        return cls(_write(document), name, str(directory), (), True)

    def node(self, name: str, role: str | None = None, **keys: Any) -> Self:
        """Adds a node; further keys are those of a node in a scenario file: port, options, ...

        With `count` it stands for that many nodes: node("client", count=50) for client1 to
        client50, and "client" in `workload` and `fault` for all of them.
        """
        return self._append("nodes", {"name": name, **_given(role=role), **keys})

    def workload(self, node: str, command: str, at: str, **keys: Any) -> Self:
        """Adds a command to a node; further keys: every, count."""
        return self._append("workload", {"at": at, "node": node, "command": command, **keys})

    def fault(self, action: str, at: str, lasts: str | None = None, **keys: Any) -> Self:
        """Adds a fault; `lasts` is a file's key `for`; further keys: select, kind, link, ...

        With `on`, the name of a type of event, it waits for one from `at` on; with `nth` as well,
        for so many of them.
        """
        return self._append(
            "faults", {"at": at, "action": action, **_given(**{"for": lasts}), **keys}
        )

    def checker(
        self,
        name: str,
        expect: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Adds a checker, with the verdict it is expected to give under each policy."""
        return self._append("checkers", {"name": name, **_given(expect=expect, options=options)})

    def set(self, path: str, value: Any) -> Self:
        """Sets what a dotted path names: set('nodes.node1.clock.drift', '20 ppm').

        Values are written as in a scenario file; dicts, lists, numbers and truth values may also
        be Python's. Runs record the settings of their scenario as parameters.
        """
        kept = [(known, text) for known, text in self._settings if known != path]
        return self._change(settings=[*kept, (path, setting_text(value))])

    def copy(self) -> Self:
        """An independent scenario, equal to this one."""
        return type(self)(self._text, self._name, self._directory, self._settings, self._in_python)

    def check(self, own_protocol: bool = False) -> Self:
        """Raises a ScenarioError for whatever would keep the scenario from being run.

        `own_protocol`: it will be run with a protocol in Python, so that the name of its protocol
        need not be known.
        """
        _twinbed.check(self.core, own_protocol)
        return self

    @property
    def core(self) -> _twinbed.Scenario:
        """The scenario as C++ has read and checked it."""
        if self._core is None:
            self._core = self._load()
        return self._core

    @property
    def name(self) -> str:
        """Its name."""
        return self.core.name

    @property
    def policy(self) -> str:
        """'original' or 'robust'."""
        return self.core.policy

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The settings on top of the file, as (path, value)."""
        return list(self._settings)

    def to_yaml(self) -> str:
        """The scenario as a file; keys at their defaults are left out."""
        return self.core.to_yaml()

    def to_dict(self) -> dict[str, Any]:
        """The scenario as a dict with the keys of a scenario file."""
        return json.loads(self.core.to_json())

    def _load(self) -> _twinbed.Scenario:
        settings = [f"{path}={value}" for path, value in self._settings]
        try:
            return _twinbed.load_text(self._text, self._name, self._directory, settings)
        except ScenarioError as error:
            raise self._explained(error) from None

    def _explained(self, error: ScenarioError) -> ScenarioError:
        """In a scenario that was made in Python, the line that is wrong instead of its number."""
        place = re.match(re.escape(self._name) + r":(\d+):\d+: (.*)", str(error), re.DOTALL)
        if not self._in_python or place is None:
            return error
        line = self._text.splitlines()[int(place[1]) - 1].strip().rstrip(",")
        return ScenarioError(f"{self._name}: {place[2]} (in {line})")

    def _append(self, key: str, item: dict[str, Any]) -> Self:
        # What was written by hand is taken as it stands, for the settings on top name its parts.
        text = self._text if self._in_python else _twinbed.document_json(self._text)
        document = json.loads(text)
        document.setdefault(key, []).append(item)
        return self._change(text=_write(document), in_python=True)

    def _change(self, **changes: Any) -> Self:
        """Changes attributes; a scenario that was in order is left as it was if it no longer is."""
        before = dict(self.__dict__)
        self.__dict__.update({f"_{name}": value for name, value in changes.items()}, _core=None)
        if before["_core"] is not None:
            try:
                self._core = self._load()
            except ScenarioError:
                self.__dict__.update(before)
                raise
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_core": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.core == other.core

    __hash__ = None  # type: ignore[assignment]  # scenarios can be changed

    def __repr__(self) -> str:
        settings = "".join(f" {path}={value}" for path, value in self._settings)
        return f"<Scenario {self._name}{settings}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.to_yaml())}</pre>"


def as_scenario(scenario: "Scenario | str | Path") -> Scenario:
    """A scenario, or the one in a file."""
    return scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of scenario files: every key with its kind, unit, default and meaning."""
    return json.loads(_twinbed.scenario_schema())


def _given(**keys: Any) -> dict[str, Any]:
    return {name: value for name, value in keys.items() if value is not None}


def _write(document: Mapping[str, Any]) -> str:
    """JSON, which is YAML, with one line for each element of a list, for messages."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            items = ",\n".join("  " + json.dumps(item) for item in value)
            lines.append(f"{json.dumps(key)}: [\n{items}\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
