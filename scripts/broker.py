"""Start, stop and look after the broker that the lessons use.

It is the one that AMQP_URL names, or one that answers already, or one of this project's own.

    python3 scripts/broker.py up
"""

from workbench import environment

environment.enter()  # from here on pika, click and rich can be imported

import json
import sys
from types import ModuleType

import click
from workbench import address, foreground
from workbench.broker import Broker, choice, current, ensure_up, leftovers
from workbench.edge import Group
from workbench.management import REFUSES, SILENT, Management, ManagementError
from workbench.typed import typed


@click.group(cls=Group, epilog="Example: python3 scripts/broker.py up")
def main() -> None:
    """Start, stop and look after the broker that the lessons use."""


@main.command(epilog="Example: python3 scripts/broker.py up --way docker")
@click.option(
    "--way",
    type=click.Choice(list(choice.OWN_WAYS)),
    help="Start it this way.  [default: the first that works]",
)
@click.option("--yes", is_flag=True, help="Install what is needed without asking.")
@click.option("--verbose", is_flag=True, help="Tell which ways were passed over, and why.")
def up(way: str | None, yes: bool, verbose: bool) -> None:
    """Make sure that a broker answers, starting one if none does."""
    broker = ensure_up(way=way, yes=yes, verbose=verbose)
    state = "is up already" if broker.was_up else "is up"
    click.echo(f"the broker {state}: {broker.words}", err=True)
    show(broker)


@main.command(epilog="Example: python3 scripts/broker.py down")
def down() -> None:
    """Stop the broker, if this project started it; what is in it stays for the next `up`."""
    module = choice.own()
    if module:
        module.stop()
        click.echo(f"stopped the broker ({module.NAME}); its durable queues are kept", err=True)
    else:
        refuse_if_foreign()
        click.echo("no broker of this project is running: nothing to stop", err=True)


@main.command(epilog="Example: python3 scripts/broker.py restart")
def restart() -> None:
    """Restart the broker, if this project started it; only what is durable and persistent survives."""
    module = own_or_refuse()
    module.restart()
    click.echo(f"restarted the broker ({module.NAME})", err=True)


@main.command(epilog="Example: python3 scripts/broker.py status --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Tell which broker this is, its version, and how long it took to answer."""
    broker = current()
    if as_json:
        click.echo(json.dumps(facts(broker)))
    else:
        show(broker)


@main.command(epilog="Example: python3 scripts/broker.py logs -f")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is added, until Ctrl-C.")
def logs(follow: bool) -> None:
    """Show the end of the broker's log, if this project started it."""
    module = own_or_refuse()
    sys.exit(foreground.run(module.log_command(follow=follow), cwd=environment.ROOT))


@main.command(epilog="Example: python3 scripts/broker.py reset --lesson 02")
@click.option("--lesson", type=click.IntRange(0, 99), metavar="NN", help="Only what this lesson made.")
@click.option("--vhosts", is_flag=True, help="Also vhosts that a check or a played page has left behind.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(lesson: int | None, vhosts: bool, yes: bool) -> None:
    """Remove the queues and exchanges that lessons made, and nothing else."""
    url = current().url
    number = None if lesson is None else f"{lesson:02}"
    found = leftovers.find(url, number) + (leftovers.find_vhosts(url, number) if vhosts else [])
    if not found:
        click.echo(f"nothing of a lesson is on {address.hidden(url)}", err=True)
        return
    for leftover in found:
        click.echo(f"{leftover.kind} {leftover.name}")
    agree_to_remove(len(found), url, yes=yes)
    leftovers.remove(url, found)
    click.echo(f"removed {len(found)}", err=True)


def agree_to_remove(count: int, url: str, *, yes: bool) -> None:
    """Go on only with consent: without it, end with status 1, or 2 where nobody can be asked."""
    if yes:
        return
    if not (sys.stdin and sys.stdin.isatty()):
        raise click.UsageError("nobody is there to be asked: add --yes to remove what is listed above")
    what = "it" if count == 1 else f"these {count}"
    question = f"Remove {what} from {address.hidden(url)}, with all messages?"
    if not click.confirm(question, err=True):
        raise click.ClickException("nothing was removed: type it again when you want it")


def own_or_refuse() -> ModuleType:
    """The way by which a broker of our own runs; raises click.ClickException where none does."""
    module = choice.own()
    if not module:
        refuse_if_foreign()
        raise click.ClickException(f"no broker of this project is running: type `{typed('broker.py up')}`")
    return module


def refuse_if_foreign() -> None:
    """Raise click.ClickException if a broker answers which this project did not start."""
    if choice.somebody_answers():
        raise click.ClickException(
            f"this project did not start the broker at {address.hidden(address.broker_url())}: "
            "stop, restart or read it the way it was started"
        )


def facts(broker: Broker) -> dict:
    """What `status` tells, for programs; there is no password in it."""
    management = Management.of(broker.url)
    state = management.state()
    return {
        "way": broker.way,
        "product": broker.answer.product,
        "version": broker.answer.version,
        "url": address.hidden(broker.url),
        "management": None if state == SILENT else management.url,
        "management_refuses": management.user if state == REFUSES else None,
        "short_of": short_of(management),
        "seconds": round(broker.answer.seconds, 4),
    }


def short_of(management: Management) -> list[str] | None:
    """What the broker has too little of, for which it blocks publishers; None where this user is not told."""
    try:
        management.get("health/checks/alarms")
    except ManagementError as error:
        if "alarms" not in error.answer:
            return None
        return sorted({alarm["resource"] for alarm in error.answer["alarms"]})
    return []


def show(broker: Broker) -> None:
    """What `status` tells, for people."""
    told = facts(broker)
    click.echo(f"broker           {told['product']} {told['version']}, {broker.words}")
    click.echo(f"URL              {told['url']}")
    refuses = f", which refuses the user {told['management_refuses']}" if told["management_refuses"] else ""
    click.echo(f"management page  {told['management'] or 'does not answer'}{refuses}")
    if told["short_of"]:
        click.echo(
            f"short of         {' and '.join(told['short_of'])}: it blocks publishers until it has more"
        )
    click.echo(f"answered in      {told['seconds'] * 1000:.0f} ms")


if __name__ == "__main__":
    main()
