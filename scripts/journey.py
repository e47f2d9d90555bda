"""Run programs, and draw what they and the broker say to each other about each order.

python3 scripts/journey.py "python producer.py --count 3" "python consumer.py --limit 3"
"""

from workbench import environment

environment.enter()  # from here on pika, click and rich can be imported

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.text import Text
from workbench.broker import ensure_up
from workbench.console import console
from workbench.edge import Command
from workbench.journey.drawing import GUTTER, Drawing
from workbench.journey.mermaid import mermaid
from workbench.journey.model import Step, steps_of
from workbench.journey.performance import (
    Ended,
    Impatient,
    Performance,
    Said,
    performance_of,
)
from workbench.journey.repeats import Repeats
from workbench.journey.svg import svg
from workbench.wire import Event

MAX_EXPECTED = 4
EXAMPLE = 'Example: python3 ../../scripts/journey.py "python producer.py" "python consumer.py --limit 3"'

out = console()
status = console(stderr=True)


@dataclass
class Audience:
    """What is shown of a performance, where, and what of it is kept for a picture."""

    show: Callable[[Step], None]
    end: Callable[[], None]
    """Called when all is shown."""
    quiet: bool
    everything: bool
    only: str | None
    steps: list[Step] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    """Exit statuses of the programs that failed, as subprocess has them."""

    def watch(self, performance: Performance) -> None:
        """Follow the performance to its end."""
        with closing(performance.news()) as news:
            for step in steps_of(self._events(news, performance)):
                if self._wants(step):
                    self.steps.append(step)
                    self.show(step)
        self.end()

    def _events(
        self, news: Iterator[Event | Said | Ended | Impatient], performance: Performance
    ) -> Iterator[Event]:
        for item in news:
            if isinstance(item, Event):
                yield item
            elif isinstance(item, Said) and not self.quiet:
                status.print(Text.from_ansi(f"{item.program}: {item.line}", style="dim"), soft_wrap=True)
            elif isinstance(item, Ended) and item.failed:
                self.failed.append(item.status)
                # Whoever waits for what this one should have sent would wait for ever.
                go_on = "; the others go on, Ctrl-C stops them" if performance.others_go_on() else ""
                click.echo(f"{how_it_ended(item)}{go_on}", err=True)
            elif isinstance(item, Impatient):
                click.echo(f"{item.program} goes on without waiting: the next one starts beside it", err=True)

    def _wants(self, step: Step) -> bool:
        return (step.always or self.everything) and (self.only is None or step.concerns(self.only))


@click.command(cls=Command, epilog=EXAMPLE)
@click.argument("programs", nargs=-1, required=True, metavar="PROGRAM...")
@click.option("--only", metavar="ORDER", help="Only what concerns this order, such as A-0003.")
@click.option("--all", "everything", is_flag=True, help="Declares, consumers, prefetch, heartbeats as well.")
@click.option("--quiet", is_flag=True, help="Without what the programs print.")
@click.option("--kill", metavar="NAME", help="SIGKILL this program just as its first ack would pass.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--mermaid", "as_mermaid", is_flag=True, help="A Mermaid sequenceDiagram, for a README.")
@click.option(
    "--svg", "svg_file", type=click.Path(dir_okay=False, path_type=Path), help="Draw it into this file, too."
)
def main(
    programs: tuple[str, ...],
    only: str | None,
    everything: bool,
    quiet: bool,
    kill: str | None,
    as_json: bool,
    as_mermaid: bool,
    svg_file: Path | None,
) -> None:
    """Run each PROGRAM in this folder, and draw who said what to whom, a line for each message.

    A PROGRAM is a command line that reads AMQP_URL; its name is its script's, `consumer-2` for the second
    consumer. The next one starts when the one before has ended or waits for messages. All of them use the
    broker and the vhost that AMQP_URL names, so these are your own queues, with what is in them.

    An order is known by `order_id` in the message's JSON, or in its `data`, else by the message_id.
    An arrow that ends in x did not arrive.
    """
    if as_json and as_mermaid:
        raise click.UsageError("--json and --mermaid both want stdout: choose one")
    performance = performance_of(programs, kill, ensure_up().url, Path.cwd())
    show, end = shown_by(as_json, as_mermaid, len(programs))
    audience = Audience(show, end, quiet, everything, only)
    interrupted = stop_on_signals(performance)
    try:
        audience.watch(performance)
    finally:
        leave_pictures(audience.steps, as_mermaid, svg_file)
    if interrupted:
        click.echo("stopped; what was seen is drawn", err=True)
        if interrupted != [signal.SIGINT] * len(interrupted):
            sys.exit(128 + interrupted[-1])
    sys.exit(exit_status(audience.failed))


def shown_by(
    as_json: bool, as_mermaid: bool, programs: int
) -> tuple[Callable[[Step], None], Callable[[], None]]:
    """What is done with a step as soon as it is there, and at the end."""
    if as_json:
        return lambda step: click.echo(json.dumps(step.as_dict())), lambda: None
    if as_mermaid:
        return lambda _step: None, lambda: None
    drawing = Drawing(out.width, min(programs + 1, MAX_EXPECTED))
    repeats = Repeats(
        lambda step: out.print(*drawing.lines(step), sep="\n", soft_wrap=True),
        lambda words: out.print(f"{' ' * GUTTER}... {words}", style="dim"),
    )
    return repeats.see, repeats.end


def stop_on_signals(performance: Performance) -> list[signal.Signals]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the programs; returns those that came, as they come."""
    came: list[signal.Signals] = []

    def stop(number: int, _frame: object) -> None:
        came.append(signal.Signals(number))
        performance.stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return came


def leave_pictures(steps: Sequence[Step], as_mermaid: bool, svg_file: Path | None) -> None:
    """Print and write what is drawn at the end."""
    if as_mermaid:
        click.echo("\n".join(mermaid(steps)))
    if svg_file:
        write(svg_file, svg(steps))


def write(file: Path, text: str) -> None:
    """Write the file, or say in a sentence why not."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(
            f"cannot write {file} ({error.strerror}): name another --svg FILE"
        ) from error
    click.echo(f"drawn into {file}", err=True)


def how_it_ended(ended: Ended) -> str:
    """A failed program in a sentence: its name, its status and the last that it said."""
    status = ended.status
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"{ended.program} {how}{f': {ended.last_line}' if ended.last_line else ''}"


def exit_status(failed: Sequence[int]) -> int:
    """That of the first program that failed, as a shell has it; 0 where none did."""
    first = failed[0] if failed else 0
    return 128 - first if first < 0 else first


if __name__ == "__main__":
    main()
