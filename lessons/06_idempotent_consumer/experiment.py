"""Let the same event come twice: three faults, six ways. Count what is charged twice, and what never."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import ledger
from billing import WAYS
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from power import MOMENTS
from producer import order_created, publish
from rich.text import Text
from topology import BILLING, declare

ORDERS = ["A-0001", "A-0002", "A-0003"]
MAX_SECONDS = 30
# So long may the broker take to notice that a consumer is dead. One that stays longer is somebody else's.
NOTICE_SECONDS = 10
LEFT_OVER_SECONDS = 1
FOLDER = Path(__file__).resolve().parent
# What a consumer says last before it needs the books: these two look and write in one step.
HAS_LOOKED = {"record-first": "received", "transaction": "received"}


@contextmanager
def running(folder: Path, script: str, *options: str) -> Iterator[subprocess.Popen]:
    """A real process, with its books in that folder.

    It is killed (SIGKILL) at the end of the block, or when it takes too long.
    """
    command = [sys.executable, str(FOLDER / script), *options]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    environ = {**os.environ, "LEDGER": "billing.sqlite"}
    with subprocess.Popen(command, cwd=folder, env=environ, **output) as process:
        too_long = threading.Timer(MAX_SECONDS, process.kill)
        too_long.start()
        try:
            yield process
        finally:
            too_long.cancel()
            process.kill()


def line_of(process: subprocess.Popen, *beginnings: str) -> str:
    """Wait until the process prints a line that begins so; that line."""
    last = "nothing"
    for line in process.stdout:
        last = line.strip()
        if last.startswith(beginnings):
            return last
    raise click.ClickException(f"Waited for a line that begins with {beginnings[0]!r}, and read: {last}")


def finish(process: subprocess.Popen) -> None:
    """Wait until the process has ended, as it should."""
    lines = process.stdout.read().splitlines()
    if process.wait() != 0:
        raise click.ClickException(f"A consumer failed, saying: {(lines or ['nothing'])[-1]}")


@contextmanager
def locked(books: Path) -> Iterator[None]:
    """Nobody can write into these books meanwhile; everybody can read."""
    with closing(sqlite3.connect(books, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@dataclass(frozen=True)
class Stage:
    """Where one trial takes place: a way of charging, an empty queue, and empty books."""

    way: str
    channel: BlockingChannel
    folder: Path

    @property
    def books(self) -> Path:
        """Whoever takes the money writes it there."""
        return self.folder / ("gateway.sqlite" if self.way == "key" else "billing.sqlite")

    @contextmanager
    def consumer(self, *options: str) -> Iterator[subprocess.Popen]:
        """A consumer that waits for orders."""
        with running(self.folder, "consumer.py", "--way", self.way, *options) as process:
            line_of(process, "waiting")
            yield process

    def place(self, order: str, copies: int) -> None:
        """Publish an order, in so many copies of one event."""
        event = order_created(order)
        for _copy in range(copies):
            publish(self.channel, event)

    def charged(self) -> list[str]:
        """The order of each charge."""
        with closing(sqlite3.connect(self.books)) as books:
            return [row[0] for row in books.execute("SELECT order_id FROM charges ORDER BY rowid")]


def twice(stage: Stage) -> None:
    """Each event is published twice."""
    for order in ORDERS:
        stage.place(order, copies=2)
    with stage.consumer("--limit", "6") as consumer:
        finish(consumer)


def killed(stage: Stage) -> None:
    """Each time that it is started, the consumer is killed at another moment of another order."""
    for order in ORDERS:
        stage.place(order, copies=1)
    for order, moment in zip(ORDERS, MOMENTS, strict=True):
        with stage.consumer("--die-at", moment, order) as consumer:
            line_of(consumer, "the power fails")
        # Until the broker knows of its death, it keeps what the dead one held.
        wait_until_alone(stage.channel, NOTICE_SECONDS)
    with stage.consumer("--limit", "1") as consumer:
        finish(consumer)


def at_once(stage: Stage) -> None:
    """Two consumers hold a copy each. The books are locked until both have looked whether it is new."""
    with stage.consumer("--limit", "3") as one, stage.consumer("--limit", "3") as other:
        for order in ORDERS:
            with locked(stage.books):
                stage.place(order, copies=2)
                for consumer in (one, other):
                    line_of(consumer, f"{HAS_LOOKED.get(stage.way, 'charging')} {order}")
            for consumer in (one, other):
                line_of(consumer, f"charged {order}", f"skipped {order}")
        for consumer in (one, other):
            finish(consumer)


def wait_until_alone(channel: BlockingChannel, seconds: float) -> None:
    """Until the broker knows of no consumer, and no longer than that."""
    deadline = time.monotonic() + seconds
    while channel.queue_declare(BILLING, passive=True).method.consumer_count:
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"Somebody else consumes from {BILLING}; stop the consumer in the other terminal."
            )
        channel.connection.sleep(0.1)


def check_alone() -> None:
    """Say that there is no broker, or another consumer, before anybody has thought about the answer."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel, BILLING)
        wait_until_alone(channel, LEFT_OVER_SECONDS)


@contextmanager
def staged(way: str, channel: BlockingChannel) -> Iterator[Stage]:
    """An empty queue that is ours alone, empty books, and a gateway where the way needs one."""
    declare(channel, BILLING)
    wait_until_alone(channel, NOTICE_SECONDS)
    channel.queue_purge(BILLING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lesson06-")))
        if way == "key":
            gateway = stack.enter_context(running(folder, "gateway.py"))
            line_of(gateway, "charging cards at")
        yield Stage(way, channel, folder)


# The faults, and the ways in which each of them is meant to do harm.
FAULTS: dict[Callable[[Stage], None], set[str]] = {
    twice: {"naive"},
    killed: {"naive", "memory", "record-last", "record-first"},
    at_once: {"naive", "memory", "record-last"},
}
HEADINGS = ["published twice", "killed", "two at once"]
WIDTH = 17


def trial(way: str, fault: Callable[[Stage], None], channel: BlockingChannel) -> ledger.Trial:
    """One fault in one way. What counts as handled is a charge."""
    with staged(way, channel) as stage:
        fault(stage)
        charged = stage.charged()
    name = f"{way}, {fault.__name__.replace('_', ' ')}"
    charged_twice = sum(times > 1 for times in Counter(charged).values())
    return ledger.Trial(name, way in FAULTS[fault], ORDERS, charged, {"charged_twice": charged_twice})


def trials_of(way: str, channel: BlockingChannel, as_json: bool) -> list[ledger.Trial]:
    """All faults in one way, which takes a second or two; then its row of the grid, for people."""
    trials = [trial(way, fault, channel) for fault in FAULTS]
    if not as_json:
        print_row(Text(way), *map(cell, trials))
    return trials


def cell(trial: ledger.Trial) -> Text:
    """What came of the orders in one trial."""
    harms = {"lost": trial.counts()["lost"], "charged twice": trial.own["charged_twice"]}
    words = ", ".join(f"{count} {harm}" for harm, count in harms.items() if count)
    return Text(words, style="bold red") if words else Text("once each")


def print_row(*cells: Text) -> None:
    """One line of the grid."""
    for each in cells[:-1]:
        each.pad_right(WIDTH - len(each))
    ledger.console().print(Text.assemble(*cells))


def measured(as_json: bool) -> list[ledger.Trial]:
    """All trials; they leave no orders behind, also when they are stopped."""
    if not as_json:
        print_row(*map(Text, ["", *HEADINGS]))
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            return [each for way in WAYS for each in trials_of(way, channel, as_json)]
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise


def clear() -> None:
    """Remove all orders, also those that a consumer held that was just killed: with their queue."""
    with connect() as connection:
        channel = connection.channel()
        channel.queue_delete(BILLING)
        declare(channel, BILLING)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(as_json: bool) -> None:
    """Compare six ways of charging for events that come more than once.

    Example: python experiment.py --json
    """
    question = "killed: of 3 orders, how many does record-first lose or charge twice"
    try:
        check_alone()
        guessed = ledger.guess(question, as_json)
        trials = measured(as_json)
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    if as_json:
        ledger.report("06", trials, as_json)
    in_question = next(each for each in trials if each.name == "record-first, killed")
    ledger.compare(guessed, in_question.own["charged_twice"] + in_question.counts()["lost"])


if __name__ == "__main__":
    main()
