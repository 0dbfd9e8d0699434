"""Watches a central node of WFB-NG: its connection, and what is known of its antennas."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from . import _twinbed
from .errors import RunError, ScenarioError

Message = _twinbed.WfbTitle | _twinbed.WfbReceiver | _twinbed.WfbTransmitter

RETRY_S = 1.0  #: between two attempts to connect
LEAST_SILENCE_S = 5.0  #: a connection that says nothing for less is not given up
SILENT_INTERVALS = 5


def silence_limit_s(log_interval_ms: int) -> float:
    """After how long without a message a connection is given up, as wfb-cli does."""
    return max(LEAST_SILENCE_S, SILENT_INTERVALS * log_interval_ms / 1000)


def parse_server(text: str) -> tuple[str, int]:
    """'HOST:PORT' as a pair."""
    host, mark, port = text.rpartition(":")
    if not mark or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ScenarioError(
            f"'{text}' is no server; write HOST:PORT, the port being the stats_port of a profile, "
            "such as 127.0.0.1:8003"
        )
    return host, int(port)


@dataclass
class Watch:
    """A connection to a stats_port that is made again whenever it is lost.

    With `once` a connection that cannot be made or is lost is a RunError.
    """

    server: tuple[str, int]
    profile: str | None = None  #: what the server must be; None: anything
    once: bool = False
    on_status: Callable[[str], None] = lambda status: None  #: called when it changes
    status: str = "connecting"  #: in words, for people
    _limit_s: float = field(default=LEAST_SILENCE_S, init=False)

    def messages(self) -> Iterator[Message]:
        """The messages as they come. Ends only by an error: a RunError where the server is of
        another profile or speaks something else."""
        while True:
            try:
                yield from self._connection()
            except OSError as error:
                host, port = self.server
                reason = "it said nothing" if isinstance(error, TimeoutError) else error.strerror
                self._tell(f"no statistics from {host}:{port} ({reason or error})")
                if self.once:
                    raise RunError(
                        f"{self.status}; is the central node running, and is {port} the stats_port "
                        "of one of its profiles?"
                    ) from error
                time.sleep(RETRY_S)

    def _connection(self) -> Iterator[Message]:
        """The messages of one connection; an OSError when it is over."""
        self._limit_s = LEAST_SILENCE_S
        reader = _twinbed.WfbStatisticsReader()
        with socket.create_connection(self.server, timeout=self._limit_s) as connection:
            heard = time.monotonic()
            while True:
                left = heard + self._limit_s - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                connection.settimeout(left)
                data = connection.recv(65536)
                if not data:
                    raise ConnectionError(0, "it closed the connection")
                for message in self._read(reader, data):
                    heard = time.monotonic()
                    self._tell("connected")
                    yield message

    def _tell(self, status: str) -> None:
        if status != self.status:
            self.status = status
            self.on_status(status)

    def _read(self, reader, data: bytes) -> list[Message]:
        host, port = self.server
        try:
            messages = reader.feed(data)
        except RunError as error:
            raise RunError(f"{host}:{port} does not speak WFB-NG's statistics: {error}") from None
        for message in messages:
            if not isinstance(message, _twinbed.WfbTitle):
                continue
            self._limit_s = silence_limit_s(message.log_interval_ms)
            if self.profile is not None and message.profile != self.profile:
                raise RunError(
                    f"{host}:{port} is of profile '{message.profile}', not '{self.profile}'; name "
                    "the stats_port of that profile, or leave out --profile"
                )
        return messages


class Board:
    """The last message of each service, as rows of tables."""

    ANTENNAS = ("service", "antenna", "MHz", "MCS", "BW", "packets/s", "loss",
                "RSSI min < avg < max", "SNR min < avg < max", "sends")  # fmt: skip
    RECEIVERS = ("service", "FEC", "received/s", "lost/s", "recovered/s", "bad/s", "kbit/s", "lost")
    TRANSMITTERS = (
        "service",
        "card",
        "sent/s",
        "dropped/s",
        "latency min < avg < max us",
        "dropped",
    )

    def __init__(self) -> None:
        self.title: _twinbed.WfbTitle | None = None
        self.services: dict[str, Message] = {}

    def add(self, message: Message) -> bool:
        """Takes a message; whether each service has been heard since the last time it was so."""
        if isinstance(message, _twinbed.WfbTitle):
            self.title, self.services = message, {}
            return False
        complete = next(iter(self.services), None) == message.id
        # A new one, since a view may be reading the old one in another thread.
        self.services = {**self.services, message.id: message}
        return complete

    @property
    def interval_s(self) -> float:
        """How long the counts of a message took."""
        return (self.title.log_interval_ms if self.title else 1000) / 1000

    def _name(self, antenna: int) -> str:
        return _twinbed.wfb_antenna_name(antenna, self.title is not None and self.title.is_cluster)

    def _rate(self, count: float) -> str:
        return f"{count / self.interval_s:.0f}"

    def _of(self, kind) -> list:
        found = [message for message in self.services.values() if isinstance(message, kind)]
        return sorted(found, key=lambda message: message.id)

    def antenna_rows(self) -> list[list[str]]:
        """What each antenna hears. Its loss is of the packets that any antenna heard."""
        rows = []
        for message in self._of(_twinbed.WfbReceiver):
            heard = message.packets.get("uniq", (0, 0))[0]
            for row in sorted(message.antennas, key=lambda row: row.antenna):
                missed = max(0, heard - row.packets)
                rows.append(
                    [
                        message.id,
                        self._name(row.antenna),
                        str(row.mhz),
                        str(row.mcs),
                        str(row.bandwidth_mhz),
                        self._rate(row.packets),
                        f"{100 * missed / heard:.0f} %" if heard else "-",
                        f"{row.rssi_min} < {row.rssi_avg} < {row.rssi_max}",
                        f"{row.snr_min} < {row.snr_avg} < {row.snr_max}",
                        "yes" if row.antenna >> 8 == message.tx_wlan else "",
                    ]
                )
        return rows

    def receiver_rows(self) -> list[list[str]]:
        """What each receiver makes of what its antennas hear."""
        rows = []
        for message in self._of(_twinbed.WfbReceiver):
            count = {name: pair[0] for name, pair in message.packets.items()}
            rows.append(
                [
                    message.id,
                    "no session" if message.session is None else "{}/{}".format(*message.session),
                    self._rate(count.get("uniq", 0)),
                    self._rate(count.get("lost", 0)),
                    self._rate(count.get("fec_rec", 0)),
                    self._rate(count.get("bad", 0) + count.get("dec_err", 0)),
                    self._rate(count.get("out_bytes", 0) * 8 / 1000),
                    str(message.packets.get("lost", (0, 0))[1]),
                ]
            )
        return rows

    def transmitter_rows(self) -> list[list[str]]:
        """What each card sends."""
        rows = []
        for message in self._of(_twinbed.WfbTransmitter):
            dropped = str(message.packets.get("dropped", (0, 0))[1])
            for row in sorted(message.antennas, key=lambda row: row.antenna):
                low, mean, high = row.latency_min_us, row.latency_avg_us, row.latency_max_us
                rows.append(
                    [
                        message.id,
                        self._name(row.antenna),
                        self._rate(row.injected),
                        self._rate(row.dropped),
                        f"{low} < {mean} < {high}",
                        dropped,
                    ]
                )
        return rows

    def tables(self) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
        """(title, header, rows) of all that has rows."""
        tables = [
            ("Antennas", self.ANTENNAS, self.antenna_rows()),
            ("Received", self.RECEIVERS, self.receiver_rows()),
            ("Sent", self.TRANSMITTERS, self.transmitter_rows()),
        ]
        return [table for table in tables if table[2]]
