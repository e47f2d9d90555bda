"""Run the tests on a real broker: all of them, or those of some lessons.

python3 scripts/run_tests.py 01 02 -x
"""

from workbench import environment

environment.enter("requirements.txt", "tests/requirements.txt")  # from here on all that tests need is here

import os
import sys

import click
from workbench import foreground
from workbench.broker import Broker, ensure_up
from workbench.edge import Command
from workbench.typed import typed

# Tests spend their time waiting for processes and brokers, each on a vhost of its own. A later -n wins.
AT_ONCE = ["-n", "4"]


@click.command(
    cls=Command,
    epilog="Example: python3 scripts/run_tests.py 01 02 -x",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[NN]... [PYTEST ARGUMENTS]...")
def main(arguments: tuple[str, ...]) -> None:
    """Run the tests of the lessons NN, or all tests; what follows the numbers goes to pytest."""
    broker = ensure_up(yes="--yes" in arguments)
    command = [sys.executable, "-m", "pytest", *pytest_arguments(arguments)]
    status = foreground.run(command, cwd=environment.ROOT, environ=os.environ | {"AMQP_URL": broker.url})
    tell_what_stays(broker)
    sys.exit(status)


def pytest_arguments(arguments: tuple[str, ...]) -> list[str]:
    """The numbers at the beginning as pytest's option --lesson, the others as they are."""
    lessons = []
    rest = list(arguments)
    while rest and rest[0].isdecimal():
        lessons += ["--lesson", f"{int(rest.pop(0)):02}"]
    return [*AT_ONCE, *lessons, *(argument for argument in rest if argument != "--yes")]


def tell_what_stays(broker: Broker) -> None:
    """Say how to stop a broker that was started for the tests."""
    if not broker.was_up:
        click.echo(f"the broker is still up ({broker.words}): `{typed('broker.py down')}` stops it", err=True)


if __name__ == "__main__":
    main()
