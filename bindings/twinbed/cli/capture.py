"""The verb that hands the packets of a run to other programs: capture."""

import click

from ..paths import parse_reference
from ..results import Run
from .output import remark


@click.command()
@click.argument("run", metavar="DB#RUN")
@click.argument("file", metavar="FILE.pcap")
@click.option("--node", metavar="NAME", help="What this node sent and received; else each packet.")
@click.option("--radio", is_flag=True, help="Frames of radio cards, in place of packets.")
def capture(run, file, node, radio):
    """Writes the packets of a run into a file for tshark, Wireshark or tcpdump.

    The run must have been made with --capture. Without --node the file has each packet once, as it
    was sent; with it, what that node sent and received. Times count from the start of the run.
    '-' as FILE is the standard output.

    With --radio the file has the frames of radio cards with their radiotap headers, as pcapng:
    each card is an interface NODE:CARD. mergecap(1) joins it with the packets of the network.

    \b
    Examples:
      twinbed run kill_leader.yaml --capture --db results/captured.db
      twinbed capture results/captured.db#1 failover.pcap
      twinbed capture results/captured.db#1 - --node node1 | tshark -r -
      twinbed capture results/diversity.db#1 ground.pcapng --radio --node ground
    """
    count = Run(*parse_reference(run)).write_capture(file, node, radio=radio)
    said = f"{count} {'frames' if radio else 'packets'}"
    remark(said if file == "-" else f"{said} in {file}")
