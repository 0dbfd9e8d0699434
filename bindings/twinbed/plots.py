"""Plots: each takes axes and returns them."""

import re
from typing import TYPE_CHECKING

import pandas as pd

from .errors import ResultsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .results import Run

# Events that the timeline shows in another way, or not at all.
_NO_MARKER = {"role", "log", "leader_view", "raft.append", "raft.apply"}
_MARKERS = "x^ovsD*P<>"
_LANE = 0.34  # half the height of a lane


def role_spans(events: pd.DataFrame, faults: pd.DataFrame, end_s: float) -> pd.DataFrame:
    """Who had which role from when to when: columns node, role, begin_s, end_s.

    A role ends with the next one that the node records, and with a crash of the node.
    """
    roles = events[events["type"] == "role"]
    changes = [(row.time_s, row.node, row.fields.get("role")) for row in roles.itertuples()]
    for fault in faults.itertuples():
        if fault.action in ("crash", "stop", "restart"):
            changes += [(fault.begin_s, node, None) for node in str(fault.target).split()]
    spans, current = [], {}
    for time_s, node, role in sorted(changes, key=lambda change: change[0]):
        if node in current:
            spans.append((node, *current.pop(node), time_s))
        if role is not None:
            current[node] = (role, time_s)
    spans += [(node, *span, end_s) for node, span in current.items()]
    return pd.DataFrame(spans, columns=["node", "role", "begin_s", "end_s"])


def plot_timeline(run: "Run", ax: "Axes | None" = None) -> "Axes":
    """Draws a run in space and time.

    One lane for each node, time to the right; a thick band where a node led and a thin one where
    it had another role; faults as shaded parts of the lanes that they hit, or of all lanes; what
    happened as markers. Returns the axes.
    """
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(10, 1.2 + 0.6 * len(run.nodes())))
    lanes = {node: lane for lane, node in enumerate(run.nodes()["node"])}
    events, faults = run.events(), run.faults()
    end_s = run.info["end_s"]
    end_s = float(events["time_s"].max() if pd.isna(end_s) else end_s)
    for lane in lanes.values():
        ax.axhline(lane, color="0.85", linewidth=0.8, zorder=0)
    _draw_faults(ax, faults, lanes, end_s)
    _draw_roles(ax, role_spans(events, faults, end_s), lanes)
    _draw_events(ax, events, lanes)
    ax.set(
        xlim=(0, end_s),
        ylim=(len(lanes) - 0.5, -0.5),
        xlabel="run time (s)",
        title=f"{run.info['scenario']}, {run.mode}, seed {run.seed}",
    )
    ax.set_yticks(list(lanes.values()), list(lanes))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small", frameon=False)
    return ax


def _draw_roles(ax: "Axes", spans: pd.DataFrame, lanes: dict[str, int]) -> None:
    for role, group in spans.groupby("role", sort=True):
        leads = role == "leader"
        group = group[group["node"].isin(lanes)]
        ax.hlines(
            group["node"].map(lanes),
            group["begin_s"],
            group["end_s"],
            label=role,
            color="tab:blue" if leads else "0.6",
            linewidth=9 if leads else 2,
            zorder=2,
        )


def _draw_faults(ax: "Axes", faults: pd.DataFrame, lanes: dict[str, int], end_s: float) -> None:
    colors = {}
    for fault in faults.itertuples():
        color = colors.get(fault.action)
        label = None if color else fault.action
        color = colors.setdefault(fault.action, f"C{len(colors) + 1}")
        until_s = end_s if pd.isna(fault.end_s) else fault.end_s
        # "node1 | node2 node3" is a cut between groups, "node1 -- switch" a link.
        hit = [name for name in re.split(r"[\s|,]+", str(fault.target)) if name in lanes]
        for node in dict.fromkeys(hit or lanes):
            lane = lanes[node]
            ax.fill_between(
                [fault.begin_s, until_s],
                lane - _LANE,
                lane + _LANE,
                color=color,
                alpha=0.25 if hit else 0.1,
                linewidth=0,
                label=label,
                zorder=1,
            )
            label = None
        ax.axvline(fault.begin_s, color=color, linewidth=0.8, linestyle=":", zorder=1)


def _draw_events(ax: "Axes", events: pd.DataFrame, lanes: dict[str, int]) -> None:
    shown = events[~events["type"].isin(_NO_MARKER) & events["node"].isin(lanes)]
    for number, (kind, group) in enumerate(shown.groupby("type", sort=True)):
        ax.scatter(
            group["time_s"],
            group["node"].map(lanes),
            marker=_MARKERS[number % len(_MARKERS)],
            s=24,
            color=f"C{(number + 3) % 10}",
            label=kind,
            zorder=3,
        )


def plot_antennas(
    run: "Run", ax: "Axes | None" = None, *, node: str | None = None, stream: str | None = None
) -> "Axes":
    """Draws what the antennas of a WFB-NG receiver heard: signal over time, one line for each.

    The larger a marker, the more of the packets its antenna heard. Without a node, or without a
    stream, those of which the most packets were heard. Returns the axes.
    """
    heard = run.antennas()
    for column, wanted in (("node", node), ("stream", stream)):
        if wanted is None and not heard.empty:
            wanted = heard.groupby(column)["packets"].sum().idxmax()
        heard = heard[heard[column] == wanted]
    if heard.empty:
        raise ResultsError(f"{run.reference}: no such antenna has heard any packet of WFB-NG")
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(10, 4))
    most = heard["packets"].max()
    for name, rows in heard.groupby("antenna", sort=True):
        (line,) = ax.plot(rows["time_s"], rows["signal_dbm"], linewidth=0.8, label=name)
        sizes = 60 * rows["packets"] / most
        ax.scatter(rows["time_s"], rows["signal_dbm"], s=sizes, color=line.get_color())
    first = heard.iloc[0]
    ax.set(
        xlabel="run time (s)",
        ylabel="mean signal (dBm)",
        title=f"{run.info['scenario']}: {first['node']} {first['stream']}".strip(),
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small", frameon=False)
    return ax
