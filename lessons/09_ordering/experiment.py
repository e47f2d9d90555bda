"""Let workers share 400 events in nine ways, end one of them in the middle; measure order beside speed."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import click
import ledger
from books import open_books
from connection import connect
from picture import picture_of
from pika.adapters.blocking_connection import BlockingChannel
from producer import life_of_item, life_of_trip, publish
from topology import BY_KEY, SHARED, SINGLE, declare, queue_for

ITEMS = [f"item-{number:02}" for number in range(1, 51)]
TRIPS = [f"A-{number:04}" for number in range(1, 51)]
PAIRS = zip(ITEMS, TRIPS, strict=True)
EVENTS = [event for item, trip in PAIRS for event in (*life_of_item(item), *life_of_trip(trip))]
BEFORE_THE_END = 296  # events handled: then one worker ends, with the first event of an item in hand
MAX_SECONDS = 60
MAX_SECONDS_ALONE = 10  # so long may the broker take to notice that the last trial's workers were killed
LOOK_SECONDS = 0.005
BOOKS = "books.sqlite"
CONSUMER = Path(__file__).with_name("consumer.py")

FAILING, HOLDING = ("--fail", "0.1"), ("--prefetch", "10")
LEAVING = ("--leave-at", str(BEFORE_THE_END + 1))
DISORDER = ("out_of_order", "oversold", "trips_wrong")


@dataclass(frozen=True)
class Team:
    """The queue of each worker, and the options of all. The first is killed, unless it has options to leave.

    `successor` is the queue of one who comes only then; `suffers` are the columns in which chance decides how
    bad it gets: where nothing is meant to suffer there are none.
    """

    queues: Sequence[str]
    options: Sequence[str] = ()
    leaving: Sequence[str] = ()
    successor: str | None = None
    suffers: Sequence[str] = ()


TEAMS = {
    "one": Team([SHARED], successor=SHARED),
    "four": Team([SHARED] * 4, suffers=DISORDER),
    "requeues": Team([SHARED] * 4, FAILING, suffers=DISORDER),
    "single": Team([SINGLE] * 4, FAILING),
    "prefetch": Team([SINGLE] * 4, (*FAILING, *HOLDING), suffers=DISORDER),
    "closes": Team([SINGLE] * 4, HOLDING, leaving=LEAVING, suffers=DISORDER),
    "by key": Team([*BY_KEY, BY_KEY[0]]),
    "guard": Team([SHARED] * 4, ("--way", "guard"), suffers=("handled", "lost", "oversold")),
    "buffer": Team([SHARED] * 4, ("--way", "buffer")),
}


class About(int):
    """A number that chance has a part in."""

    def __str__(self) -> str:
        """In the table."""
        return f"~{int(self)}"


class Times(int):
    """A speed in per cent of one worker's."""

    def __str__(self) -> str:
        """In the table."""
        return f"~{self / 100:.1f}x"


@dataclass(frozen=True)
class Entry:
    """A line of the books' log; `at` is in seconds since 1970."""

    event_id: str
    carried_out: bool
    state: int | str | None
    at: float


@contextmanager
def worker(folder: Path, queue: str, *options: str) -> Iterator[subprocess.Popen]:
    """A real worker process; it is killed (SIGKILL) at the end of the block."""
    command = [sys.executable, str(CONSUMER), "--queue", queue.removeprefix("lesson09."), *options]
    environ = {**os.environ, "LEDGER": str(folder / BOOKS)}
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environ, **output) as process:
        try:
            yield process
        finally:
            process.kill()


def books_in(folder: Path) -> closing[sqlite3.Connection]:
    """The books that the workers of this folder keep, open for a block."""
    return closing(open_books(str(folder / BOOKS)))


def until(channel: BlockingChannel, condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so; `what` says what, should it never be."""
    if not comes_true(channel, condition, MAX_SECONDS):
        raise click.ClickException(f"Waited {MAX_SECONDS} s until {what}; see why with: python consumer.py")


def comes_true(channel: BlockingChannel, condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it is so within so many seconds."""
    for _ in range(int(seconds / LOOK_SECONDS)):
        if condition():
            return True
        channel.connection.sleep(LOOK_SECONDS)
    return condition()


def has_consumers(channel: BlockingChannel, queue: str, count: int) -> bool:
    """Whether the broker knows of so many."""
    return channel.queue_declare(queue, passive=True).method.consumer_count == count


def begin(channel: BlockingChannel) -> None:
    """Empty queues that are ours alone."""
    declare(channel)
    for queue in (SHARED, SINGLE, *BY_KEY):
        if not comes_true(channel, lambda q=queue: has_consumers(channel, q, 0), MAX_SECONDS_ALONE):
            raise click.ClickException(
                f"Somebody else consumes from {queue}; stop the consumer in the other terminal."
            )
        channel.queue_purge(queue)


def check_alone() -> None:
    """Say that there is no broker, or another consumer, before anybody has thought about the answer."""
    with connect() as connection:
        begin(connection.channel())


def logged(books: sqlite3.Connection) -> int:
    """How many events have changed the books, or were dropped."""
    return books.execute("SELECT count(*) FROM log").fetchone()[0]


def share(channel: BlockingChannel, team: Team, folder: Path, books: sqlite3.Connection) -> None:
    """Start the team, publish all events, end the first worker in the middle; return when all is done."""
    begin(channel)
    first, *others = team.queues
    with ExitStack() as workers:
        leaver = workers.enter_context(worker(folder, first, *team.options, *team.leaving))
        until(channel, lambda: has_consumers(channel, first, 1), "the first worker is there")
        for queue in others:
            workers.enter_context(worker(folder, queue, *team.options))
        for queue, count in Counter(team.queues).items():
            until(channel, lambda q=queue, c=count: has_consumers(channel, q, c), "all workers are there")
        for event in EVENTS:
            # Not confirmed one by one: four workers are faster than that (lesson 16). A loss would be seen.
            publish(channel, event, queue_for(event["subject"]) if first in BY_KEY else first)
        until(channel, lambda: logged(books) >= BEFORE_THE_END, "most events are handled")
        if not team.leaving:
            leaver.kill()
        if team.successor:
            workers.enter_context(worker(folder, team.successor, *team.options))
        until(channel, lambda: logged(books) == len(EVENTS), "all events are handled")


def out_of_order(entries: Sequence[Entry]) -> int:
    """How many were carried out after a later one of the same subject."""
    newest: Counter[str] = Counter()
    late = 0
    for entry in entries:
        subject, _slash, number = entry.event_id.rpartition("/")
        if entry.carried_out:
            late += int(number) < newest[subject]
            newest[subject] = max(newest[subject], int(number))
    return late


def entry(name: str, team: Team, books: sqlite3.Connection) -> ledger.Trial:
    """What the books tell of a trial."""
    rows = books.execute("SELECT event_id, carried_out, state, at FROM log ORDER BY rowid")
    entries = [Entry(*row) for row in rows]
    before, after = entries[:BEFORE_THE_END], entries[BEFORE_THE_END - 1 :]
    handled = [entry.event_id for entry in entries if entry.carried_out]
    states = dict(books.execute("SELECT subject, state FROM subjects"))
    own = {
        "out_of_order": out_of_order(entries),
        "oversold": sum(isinstance(entry.state, int) and entry.state < 0 for entry in entries),
        "trips_wrong": sum(states[trip] != "trip.completed" for trip in TRIPS),
        "per_second": round(len(before) / (before[-1].at - before[0].at)),
        "late_after_the_end": out_of_order(entries) - out_of_order(before),
        "pause_ms": round(1000 * max(two.at - one.at for one, two in pairwise(after))),
    }
    late = (About if "out_of_order" in team.suffers else int)(own["late_after_the_end"])
    click.echo(
        f"{name}: ~{own['per_second']}/s; when one ends, idle ~{own['pause_ms']} ms,"
        f" then {late} out of order",
        err=True,
    )
    return ledger.Trial(name, bool(team.suffers), [event["id"] for event in EVENTS], handled, own)


def measured() -> list[ledger.Trial]:
    """All trials; they leave no events behind, also when they are stopped."""
    try:
        with connect() as connection:
            return list(trials(connection.channel()))
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise


def clear() -> None:
    """Remove all events, also those that a worker held that was just killed: with their queues."""
    with connect() as connection:
        channel = connection.channel()
        for queue in (SHARED, SINGLE, *BY_KEY):
            channel.queue_delete(queue)
        declare(channel)


def trials(channel: BlockingChannel) -> Iterator[ledger.Trial]:
    """Each with empty books; the speed of the first is what the others are compared with."""
    of_one = None
    for name, team in TEAMS.items():
        with tempfile.TemporaryDirectory(prefix="lesson09-") as folder, books_in(Path(folder)) as books:
            share(channel, team, Path(folder), books)
            trial = entry(name, team, books)
        of_one = of_one or trial.own["per_second"]
        percent = round(100 * trial.own["per_second"] / of_one)
        yield replace(trial, own={**trial.own, "percent_of_one": percent})


def for_the_table(trial: ledger.Trial) -> ledger.Trial:
    """What was told while it ran left out, and what chance has a part in marked."""
    by_chance = TEAMS[trial.name].suffers
    shown = {
        column: About(count) if column in by_chance else count for column, count in trial.counts().items()
    }
    own = {column: shown[column] for column in ("handled", "lost", "out_of_order")}
    own |= {"over_sold": shown["oversold"], "trips_wrong": shown["trips_wrong"]}
    return replace(trial, own={**own, "speed": Times(shown["percent_of_one"])})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@click.option("--svg", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Draw it, too.")
def main(as_json: bool, svg: Path | None) -> None:
    """Compare nine ways to share events whose order matters.

    Example: python experiment.py --svg ordering.svg
    """
    if svg and not os.access(svg.parent, os.W_OK):
        raise click.ClickException(f"{svg} cannot be written; name a file in another folder.")
    question = "guard: how often does an item's stock go below zero"
    try:
        check_alone()
        guessed = ledger.guess(question, as_json)
        done = measured()
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    ledger.report("09", done if as_json else [for_the_table(each) for each in done], as_json)
    if svg:
        svg.write_text(picture_of(done), encoding="utf-8")
    ledger.compare(guessed, About(done[list(TEAMS).index("guard")].own["oversold"]))


if __name__ == "__main__":
    main()
