"""Put one order that nobody can pack before nine good ones, deal with it in five ways, and count."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import ledger
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from producer import place
from topology import DEAD, MAX_REDELIVERIES, PACKING, QUORUM, declare

ORDERS = [f"A-{number:04}" for number in range(1, 11)]
FOLDER = Path(__file__).parent
MAX_SECONDS = 60
# The broker tries again after three minutes to dead-letter what had nowhere to go.
MAX_SECONDS_UNTIL_DEAD = 240
TRIES = 1000
MAX_KILLS = 2 * MAX_REDELIVERIES
KILLED = -9
DULL = ("duplicated", "out_of_order")


@dataclass(frozen=True)
class Row(ledger.Trial):
    """A trial as a table shows it: `hidden` are columns in which there is nothing to see."""

    hidden: Sequence[str] = ()

    def counts(self) -> dict[str, int]:
        """The columns that are left."""
        return {name: count for name, count in super().counts().items() if name not in self.hidden}


def for_people(trials: Sequence[ledger.Trial]) -> list[Row]:
    """The same, narrow enough for a terminal: without what is 0 in all of them, as it should be."""
    hidden = [name for name in DULL if not any(trial.counts()[name] for trial in trials)]
    return [Row(**vars(trial), hidden=hidden) for trial in trials]


def pack(script: str, *options: str) -> tuple[int, list[str]]:
    """Run a real consumer to its end: its exit status, and the orders that it packed."""
    command = [sys.executable, str(FOLDER / script), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAX_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise click.ClickException(f"{script} does not end; see why with: python {script}") from error
    if done.returncode not in (0, KILLED):
        *_, said = f"{script} failed; see why with: python {script}\n{done.stderr}".strip().splitlines()
        raise click.ClickException(said.removeprefix("Error: "))
    for line in done.stderr.splitlines():
        if " tries in " in line:
            click.echo(line, err=True)
    lines = done.stdout.splitlines()
    return done.returncode, [line.removeprefix("packed ") for line in lines if line.startswith("packed ")]


def waiting(channel: BlockingChannel, *queues: str) -> int:
    """How many messages are ready in these queues."""
    return sum(channel.queue_declare(queue, passive=True).method.message_count for queue in queues)


def wait_for(channel: BlockingChannel, count: int, *queues: str, seconds: int = MAX_SECONDS) -> None:
    """Until so many messages are ready there: the broker moves them when it has come to it."""
    for _ in range(seconds * 10):
        if waiting(channel, *queues) == count:
            return
        channel.connection.sleep(0.1)
    raise click.ClickException(
        f"{queues[0]} does not come to rest; stop whoever else uses it, and run this again."
    )


def check_alone() -> None:
    """Say that there is no broker, or a consumer left over, before anybody has thought about the answer."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        for queue in (PACKING, QUORUM, DEAD):
            if channel.queue_declare(queue, passive=True).method.consumer_count:
                raise click.ClickException(
                    f"Somebody else consumes from {queue}; stop the consumer in the other terminal."
                )


def prepare(channel: BlockingChannel, queue: str) -> None:
    """Ten orders, the first of which cannot be packed, and no dead letters."""
    for name in (queue, DEAD):
        channel.queue_purge(name)
    for order in ORDERS:
        place(channel, queue, order, "two" if order == ORDERS[0] else 1)


def entry(
    channel: BlockingChannel, name: str, queue: str, broken: bool, packed: list[str], tries: int
) -> ledger.Trial:
    """What became of the ten. Lost is what is neither packed, nor dead, nor waiting."""
    own = {"dead": waiting(channel, DEAD), "waiting": waiting(channel, queue), "tries": tries}
    own = {"lost": len(ORDERS) - len(set(packed)) - own["dead"] - own["waiting"], **own}
    return ledger.Trial(name, broken, ORDERS, packed, own)


def requeued(channel: BlockingChannel) -> ledger.Trial:
    """It goes back to the queue each time, and the consumer gives up after so many tries."""
    prepare(channel, PACKING)
    _status, packed = pack("consumer.py", "--requeue", "--tries", str(TRIES))
    wait_for(channel, len(ORDERS) - len(packed), PACKING)
    return entry(channel, "requeue", PACKING, True, packed, TRIES)


def rejected(channel: BlockingChannel) -> ledger.Trial:
    """It is rejected, and becomes a dead letter."""
    prepare(channel, PACKING)
    _status, packed = pack("consumer.py")
    wait_for(channel, 1, DEAD)
    return entry(channel, "reject", PACKING, False, packed, 1)


def deadly(channel: BlockingChannel, name: str, broken: bool, queue: str, *options: str) -> ledger.Trial:
    """It kills each consumer that gets it, which is started again, a bounded number of times."""
    prepare(channel, queue)
    kills, status, packed = 0, KILLED, []
    while status == KILLED and kills < MAX_KILLS:
        status, packed = pack("fragile_consumer.py", *options)
        kills += status == KILLED
        # The broker has to notice that the consumer is dead, and to put back what it had.
        wait_for(channel, len(ORDERS) - len(packed), queue, DEAD)
    return entry(channel, name, queue, broken, packed, kills)


def nowhere(channel: BlockingChannel, name: str, broken: bool, queue: str, *options: str) -> ledger.Trial:
    """It is rejected while the queue for dead letters is not there; then that is there again."""
    prepare(channel, queue)
    method, _properties, _body = channel.basic_get(queue)
    channel.queue_delete(DEAD)
    channel.basic_reject(method.delivery_tag, requeue=False)
    wait_for(channel, len(ORDERS) - 1, queue)
    declare(channel)
    _status, packed = pack("consumer.py", *options)
    if not broken:
        click.echo(f"{name}: the broker tries again after three minutes", err=True)
        wait_for(channel, 1, DEAD, seconds=MAX_SECONDS_UNTIL_DEAD)
    return entry(channel, name, queue, broken, packed, 1)


def measured(patient: bool) -> list[ledger.Trial]:
    """All trials; they leave nothing behind, also when they are stopped."""
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            trials = [
                requeued(channel),
                rejected(channel),
                deadly(channel, "kills", True, PACKING),
                deadly(channel, "kills, limit", False, QUORUM, "--quorum"),
                nowhere(channel, "no DLQ", True, PACKING),
            ]
            if patient:
                trials.append(nowhere(channel, "no DLQ, safe", False, QUORUM, "--quorum"))
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise
    clear()
    return trials


def clear() -> None:
    """Remove all messages, also those that a consumer held that was just killed: with their queues."""
    with connect() as connection:
        channel = connection.channel()
        for queue in (PACKING, QUORUM, DEAD):
            channel.queue_delete(queue)
        declare(channel)


@click.command()
@click.option("--patient", is_flag=True, help="Wait for the at-least-once strategy too: three minutes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(patient: bool, as_json: bool) -> None:
    """Count what one order that nobody can pack does to nine good ones.

    Example: python experiment.py --patient
    """
    try:
        check_alone()
        guessed = ledger.guess("How many orders are lost, in all trials together", as_json)
        trials = measured(patient)
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    ledger.report("07", trials if as_json else for_people(trials), as_json)
    ledger.compare(guessed, sum(trial.counts()["lost"] for trial in trials))


if __name__ == "__main__":
    main()
