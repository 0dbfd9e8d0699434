"""The verb that hands the packets of a run to other programs: capture."""

import click

from ..paths import parse_reference
from ..results import Run
from .output import remark


@click.command()
@click.argument("run", metavar="DB#RUN")
@click.argument("file", metavar="FILE.pcap")
@click.option("--node", metavar="NAME", help="What this node sent and received; else each packet.")
def capture(run, file, node):
    """Writes the packets of a run into a file for tshark, Wireshark or tcpdump.

    The run must have been made with --capture. Without --node the file has each packet once, as it
    was sent; with it, what that node sent and received. Times count from the start of the run.
    '-' as FILE is the standard output.

    \b
    Examples:
      twinbed run kill_leader.yaml --capture --db results/captured.db
      twinbed capture results/captured.db#1 failover.pcap
      twinbed capture results/captured.db#1 - --node node1 | tshark -r -
    """
    count = Run(*parse_reference(run)).write_capture(file, node)
    remark(f"{count} packets" if file == "-" else f"{count} packets in {file}")
