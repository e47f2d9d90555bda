"""The first step into the course: a broker, the packages, and lesson 01 played for real.

python3 scripts/start.py
"""

from workbench import environment

environment.enter()  # from here on pika, click and rich can be imported

import os
import sys

import click
from workbench import foreground
from workbench.broker import ensure_up
from workbench.edge import Command
from workbench.typed import typed

NEXT = {
    "lesson.py show 01": "its page: try it yourself, in two terminals",
    "lesson.py list": "all lessons",
    "broker.py status": "which broker this was; `down` stops it",
}


@click.command(cls=Command, epilog="Example: python3 scripts/start.py --yes")
@click.option("--yes", is_flag=True, help="Install what is needed without asking.")
def main(yes: bool) -> None:
    """Bring a broker up, play lesson 01 on it, and tell what comes next."""
    broker = ensure_up(yes=yes)
    click.echo(f"the broker: {broker.answer.product} {broker.answer.version}, {broker.words}", err=True)
    status = play_first_lesson(broker.url)
    if status == 0:
        tell_what_comes_next()
    sys.exit(status)


def tell_what_comes_next() -> None:
    """The commands to go on with, each with what it does."""
    width = max(len(typed(command)) for command in NEXT)
    click.echo("\nNext:", err=True)
    for command, does in NEXT.items():
        click.echo(f"  {typed(command):{width}}   {does}", err=True)


def play_first_lesson(url: str) -> int:
    """Run lesson 01 on this broker; returns its exit status."""
    command = [sys.executable, str(environment.ROOT / "scripts" / "lesson.py"), "run", "01"]
    return foreground.run(command, cwd=environment.ROOT, environ=os.environ | {"AMQP_URL": url})


if __name__ == "__main__":
    main()
