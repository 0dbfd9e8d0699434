"""The verbs about clusters of WFB-NG: wfb defaults, plan, to-yaml, gen-init, server, top."""

import contextlib
import os
import sys

import click

from .. import _twinbed
from ..paths import find_node_program
from ..wfb_top import Board, Watch, parse_server
from .output import print_json, print_table, remark

FILES = click.argument("files", metavar="FILE...", nargs=-1, required=True)
PROFILES = click.option(
    "--profile",
    "profiles",
    multiple=True,
    default=("gs",),
    show_default=True,
    metavar="NAME",
    help="A profile that the central node runs; may be repeated.",
)


@click.group()
def wfb():
    """Clusters of WFB-NG: their files, their nodes, their statistics.

    A central node receives and sends through the cards of other machines, the nodes, which need
    neither keys nor configuration. FILE is a configuration of WFB-NG's own, such as
    /etc/wifibroadcast.cfg; of several the later ones replace single keys of the earlier ones, and
    what none of them says is as `twinbed wfb defaults` prints it.

    \b
    Examples:
      twinbed wfb plan cluster.cfg
      twinbed wfb gen-init --node 10.77.0.11 cluster.cfg > node11.sh
      twinbed wfb server --config cluster.cfg --cluster manual --policy robust
      twinbed wfb top 127.0.0.1:8003
    """


@wfb.command()
def defaults():
    """Prints the default configuration, as a file to learn from.

    \b
    Example:
      twinbed wfb defaults | less
    """
    click.echo(_twinbed.wfb_default_config(), nl=False)


@wfb.command()
@FILES
@PROFILES
@click.option("--commands", is_flag=True, help="Prints the command lines of the central node.")
@click.option("--json", "as_json", is_flag=True, help="Prints JSON.")
def plan(files, profiles, commands, as_json):
    """Prints which UDP ports each stream takes, on the central node and on each node.

    The ports follow from the files alone. A stream or a card that is added shifts the ports after
    it, so that every node needs a new script then; a node that is added shifts nothing.

    \b
    Examples:
      twinbed wfb plan cluster.cfg
      twinbed wfb plan cluster.cfg --profile gs --profile gs_bind --commands
    """
    cluster = _twinbed.load_wfb_cluster(list(files))
    if commands:
        lines = cluster.server_commands(list(profiles), "TAG")
        if as_json:
            print_json(lines)
        else:
            for line in lines:
                click.echo(_twinbed.shell_text(line))
        return
    streams = cluster.plan(list(profiles))
    if as_json:
        print_json(
            [
                {
                    "profile": stream.profile,
                    "stream": stream.name,
                    "link_id": stream.link_id,
                    "aggregator_port": stream.aggregator_port,
                    "injectors": dict(stream.injectors),
                }
                for stream in streams
            ]
        )
        return
    rows = [
        [
            stream.profile,
            stream.name,
            str(stream.aggregator_port),
            *(",".join(map(str, ports)) for _, ports in stream.injectors),
        ]
        for stream in streams
    ]
    print_table(["profile", "stream", "aggregator", *cluster.nodes], rows, names=2)


@wfb.command("to-yaml")
@FILES
def to_yaml(files):
    """Prints the configuration as YAML, for scenarios.

    It has the sections and keys of the files, with their defaults and low-level profiles merged
    into the streams; what is as it would be anyway is left out.

    \b
    Example:
      twinbed wfb to-yaml cluster.cfg
    """
    click.echo(_twinbed.load_wfb_cluster(list(files)).to_yaml(), nl=False)


@wfb.command("gen-init")
@FILES
@click.option("--node", required=True, metavar="ADDRESS", help="IPv4 address of the node.")
@PROFILES
@click.option(
    "--policy",
    type=click.Choice(["original", "robust"]),
    default="robust",
    show_default=True,
    help="robust: forwarders tell the central node from which configuration they were made.",
)
@click.option("--ssh", "is_for_ssh", is_flag=True, help="Ends with standard input, as for ssh.")
@click.option(
    "--adaptive/--no-adaptive",
    default=None,
    help="Sends reports of the link: for wfb-server --adaptive.  [default: by the policy]",
)
def gen_init(files, node, profiles, policy, is_for_ssh, adaptive):
    """Prints the script that makes a machine a node of the cluster.

    Copy it to the node and run it there as root with bash; the node needs twinbed-node, iw and ip.
    It puts the cards into monitor mode and runs a forwarder and an injector for each stream; when
    one of them ends, it ends them all and fails. No key goes to the node.

    Make the scripts of all nodes anew when the files change. Where both have policy robust, a
    central node that finds another digest than its own files give says which node has an outdated
    script, and takes nothing from it.

    \b
    Examples:
      twinbed wfb gen-init --node 10.77.0.11 cluster.cfg > node11.sh
      scp node11.sh root@10.77.0.11: && ssh root@10.77.0.11 bash node11.sh
    """
    cluster = _twinbed.load_wfb_cluster(list(files))
    reports = policy == "robust" if adaptive is None else adaptive
    script = cluster.node_script(
        node, list(profiles), policy=policy, is_for_ssh=is_for_ssh, sends_reports=reports
    )
    click.echo(script, nl=False)


@wfb.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def server(arguments):
    """Runs the central node of a cluster, twinbed-node wfb-server.

    All that follows the verb goes to the program, which needs no Python.

    \b
    Examples:
      twinbed wfb server --config cluster.cfg --profiles gs --cluster ssh
      twinbed wfb server --help
    """
    program = find_node_program()
    os.execv(program, [program, "wfb-server", *arguments])


def _print_board(board: Board) -> None:
    click.echo(board.title.title if board.title else "")
    for title, header, rows in board.tables():
        click.echo(f"\n{title}")
        print_table(header, rows, names=2)


def _show_live(watch: Watch) -> None:
    """A view that fills the terminal and changes with each message, until Ctrl-C."""
    from rich import box
    from rich.console import Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    board = Board()

    def view() -> Group:
        parts = [Text(board.title.title if board.title else "", style="bold"), Text(watch.status)]
        for title, header, rows in board.tables():
            table = Table(*header, title=title, box=box.SIMPLE_HEAD, title_justify="left")
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
            parts.append(table)
        return Group(*parts)

    # Drawn anew four times a second, so that a connection that is lost shows, too.
    with Live(get_renderable=view, screen=True, refresh_per_second=4):
        for message in watch.messages():
            board.add(message)


def _follow(watch: Watch, as_json: bool) -> None:
    """Lines for other programs: each message, or the tables whenever all services were heard."""
    board = Board()
    watch.on_status = remark
    for message in watch.messages():
        is_complete = board.add(message)
        if as_json:
            click.echo(_twinbed.wfb_statistics_line(message), nl=False)
        elif is_complete:
            _print_board(board)
        sys.stdout.flush()
        if is_complete and watch.once:
            return


@wfb.command()
@click.argument("server", metavar="HOST:PORT")
@click.option("--profile", metavar="NAME", help="The profile that is expected there.")
@click.option("--once", is_flag=True, help="Ends when each service has been heard.")
@click.option("--json", "as_json", is_flag=True, help="Prints each message as a line of JSON.")
def top(server, profile, once, as_json):
    """Watches the antennas of a central node.

    PORT is the stats_port of a profile: 8003 for gs and 8002 for drone unless the configuration
    says otherwise. WFB-NG's own wfb-server is understood, too. On a terminal the view changes with
    each message until Ctrl-C; elsewhere, and with --once, it is plain text.

    An antenna of a cluster is called by its node's address in hexadecimal, its card and its number:
    0A4D000B:0:1 is antenna 1 of card 0 at 10.77.0.11. Its loss says how many of the packets that
    any antenna heard it missed: high loss of one antenna costs nothing as long as others hear, but
    lost packets of a receiver are missing in the picture. FEC 8/12 means that any 8 of 12 packets
    give back the rest.

    A connection that is silent for 5 s, or for five intervals if they are longer, is made anew.

    \b
    Examples:
      twinbed wfb top 127.0.0.1:8003
      twinbed wfb top 10.77.0.1:8003 --once
      twinbed wfb top 10.77.0.1:8003 --json | jq .rx_ant_stats
    """
    watch = Watch(parse_server(server), profile=profile, once=once)
    with contextlib.suppress(KeyboardInterrupt):
        if as_json or once or not sys.stdout.isatty():
            _follow(watch, as_json)
        else:
            _show_live(watch)
