"""Let the carrier be down when ten orders come, answer that in four ways, and count."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import ledger
from carrier import Carrier, server_of
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from producer import place
from topology import BOOKING, FIXED_MS, LEVELS_MS, PARKED, declare, wait_queue

ORDERS = [f"A-{number:04}" for number in range(1, 11)]
CALLS = 1000
FIXED_CALLS = 60  # it would go on as long as the carrier is down
# Just under three fixed waits, and under the shortest four levels: the broker gives nothing back too early.
SHORT_SECONDS, LONG_SECONDS = 2.9, 600
MAX_SECONDS = 60
WAIT_QUEUES = [wait_queue(wait) for wait in (FIXED_MS, *(wait for level in LEVELS_MS for wait in level))]
SAID_SECONDS = re.compile(r" in ([\d.]+) s,")
CONSUMER = Path(__file__).with_name("consumer.py")


class Some(int):
    """A count that chance decides: a table says only whether there are some."""

    def __str__(self) -> str:
        """In the table."""
        return "some" if self else "0"


@dataclass(frozen=True)
class Row(ledger.Trial):
    """A trial as a table shows it: `hidden` are columns in which there is nothing to see."""

    hidden: Sequence[str] = ()

    def counts(self) -> dict[str, int]:
        """The columns that are left."""
        return {name: count for name, count in super().counts().items() if name not in self.hidden}


def for_people(trials: Sequence[ledger.Trial]) -> list[Row]:
    """The same, narrow enough for a terminal: without `duplicated`, as long as it is 0 in all of them."""
    hidden = [] if any(trial.counts()["duplicated"] for trial in trials) else ["duplicated"]
    return [
        Row(trial.name, trial.broken, trial.published, trial.handled, with_seconds(trial.own), hidden)
        for trial in trials
    ]


def with_seconds(own: dict[str, float | None]) -> dict[str, float | str]:
    """The columns with `seconds` in words."""
    seconds = own["seconds"]
    return {**own, "seconds": "never" if seconds is None else f"~{seconds:.1f}"}


@contextmanager
def served(carrier: Carrier) -> Iterator[str]:
    """The address of the carrier's service while the block runs."""
    with server_of(carrier) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def consume(address: str, *options: str) -> str:
    """Run a real consumer to its end; what it said last."""
    command = [sys.executable, str(CONSUMER), "--quiet", *options]
    environ = {**os.environ, "CARRIER": address}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MAX_SECONDS, check=False, env=environ
        )
    except subprocess.TimeoutExpired as error:
        raise click.ClickException("consumer.py does not end; see why with: python consumer.py") from error
    *_, last = f"consumer.py failed; see why with: python consumer.py\n{done.stderr}".strip().splitlines()
    if done.returncode:
        raise click.ClickException(last.removeprefix("Error: "))
    return last


def check_alone() -> None:
    """Say that there is no broker, or a consumer left over, before anybody has thought about the answer."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        for queue in (*WAIT_QUEUES, BOOKING, PARKED):
            if channel.queue_declare(queue, passive=True).method.consumer_count:
                raise click.ClickException(
                    f"Somebody else consumes from {queue}; stop the consumer in the other terminal."
                )


def prepare(channel: BlockingChannel) -> None:
    """Ten orders, and nothing else anywhere."""
    for queue in (*WAIT_QUEUES, BOOKING, PARKED):
        channel.queue_purge(queue)
    for order in ORDERS:
        place(channel, order)


def ready(channel: BlockingChannel, queue: str) -> int:
    """How many orders are ready in this queue."""
    return channel.queue_declare(queue, passive=True).method.message_count


def wait_until_settled(channel: BlockingChannel, booked: int) -> None:
    """Until the broker has taken back what a consumer held when it ended."""
    for _ in range(MAX_SECONDS * 10):
        if booked + ready(channel, PARKED) + ready(channel, BOOKING) == len(ORDERS):
            return
        channel.connection.sleep(0.1)
    raise click.ClickException(f"{BOOKING} does not come to rest; stop whoever else uses it, and repeat.")


def trial(
    channel: BlockingChannel, name: str, broken: bool, down: float, answer: str, *options: str
) -> ledger.Trial:
    """Ten orders, a carrier that is down for so many seconds, and one answer to that."""
    prepare(channel)
    carrier = Carrier(down)
    with served(carrier) as address:
        said = consume(address, "--answer", answer, *options)
        click.echo(f"{name}: {said}", err=True)
    booked = [json.loads(body)["order_id"] for body in carrier.booked]
    wait_until_settled(channel, len(set(booked)))
    counted = ledger.Trial(name, broken, ORDERS, booked).counts()
    own = {"calls": carrier.calls, "parked": ready(channel, PARKED), "waiting": ready(channel, BOOKING)}
    # How long until each order was booked or parked; none where some are still waiting.
    own["seconds"] = None if own["waiting"] else float(SAID_SECONDS.search(said)[1])
    own["out_of_order"] = Some(counted["out_of_order"])
    own = {"lost": len(ORDERS) - len(set(booked)) - own["parked"] - own["waiting"], **own}
    return ledger.Trial(name, broken, ORDERS, booked, own)


def measured() -> list[ledger.Trial]:
    """All trials; they leave nothing behind, also when they are stopped."""
    all_done = ("--limit", str(len(ORDERS)))
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            trials = [
                trial(channel, "at once", True, LONG_SECONDS, "requeue", "--calls", str(CALLS)),
                trial(channel, "park", True, SHORT_SECONDS, "park", *all_done),
                trial(channel, "fixed", False, SHORT_SECONDS, "fixed", *all_done),
                trial(channel, "levels", False, SHORT_SECONDS, "levels", *all_done),
                trial(channel, "fixed, long", True, LONG_SECONDS, "fixed", "--calls", str(FIXED_CALLS)),
                trial(channel, "levels, long", False, LONG_SECONDS, "levels", *all_done),
            ]
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise
    clear()
    return trials


def clear() -> None:
    """Remove all orders, also those that a consumer held that was just killed: with their queues."""
    with connect() as connection:
        channel = connection.channel()
        for queue in (*WAIT_QUEUES, BOOKING, PARKED):
            channel.queue_delete(queue)
        declare(channel)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(as_json: bool) -> None:
    """Compare four answers to a service that is down.

    Example: python experiment.py --json
    """
    question = "fixed: how many calls until all ten orders are booked"
    try:
        check_alone()
        guessed = ledger.guess(question, as_json)
        trials = measured()
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    ledger.report("08", trials if as_json else for_people(trials), as_json)
    ledger.compare(guessed, trials[2].own["calls"])


if __name__ == "__main__":
    main()
