"""Kill a consumer in the middle of the fourth of ten orders, start it again, and count what is packed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import ledger
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from producer import place
from topology import QUEUE, declare

ORDERS = [f"A-{number:04}" for number in range(1, 11)]
KILLED_AT, LAST = ORDERS[3], ORDERS[-1]
MAX_SECONDS = 30
# So often we look whether the broker has noticed that a consumer is dead; one left over stays longer.
LOOKS, LOOKS_LEFT_OVER, LOOK_SECONDS = 100, 10, 0.1
CONSUMER = Path(__file__).with_name("consumer.py")


@contextmanager
def consumer(*options: str) -> Iterator[subprocess.Popen]:
    """A real consumer process; it is killed (SIGKILL) at the end of the block, or when it takes too long."""
    command = [sys.executable, str(CONSUMER), "--seconds", "0.1", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        too_long = threading.Timer(MAX_SECONDS, process.kill)
        too_long.start()
        try:
            yield process
        finally:
            too_long.cancel()
            process.kill()


def lines_until(process: subprocess.Popen, last: str) -> list[str]:
    """What the consumer prints, up to and with the line `last`."""
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1] == last:
            return lines
    raise click.ClickException(f"The consumer did not come to {last!r}; see why with: python consumer.py")


def wait_until_alone(channel: BlockingChannel, looks: int = LOOKS) -> None:
    """Until the broker knows of no consumer: it sends orders to a dead one until its connection ends."""
    for _ in range(looks):
        if not channel.queue_declare(QUEUE, passive=True).method.consumer_count:
            return
        channel.connection.sleep(LOOK_SECONDS)
    raise click.ClickException(
        f"Somebody else consumes from {QUEUE}; stop the consumer in the other terminal."
    )


def check_alone() -> None:
    """Say that there is no broker, or a consumer left over, before anybody has thought about the answer."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        wait_until_alone(channel, LOOKS_LEFT_OVER)


def trial(name: str, broken: bool, *options: str) -> ledger.Trial:
    """Nine orders wait; the consumer is killed in the fourth; the tenth is placed once it runs again.

    The queue keeps its order, so when the tenth is packed, all that was left before it has been packed too.
    """
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        wait_until_alone(channel)
        channel.queue_purge(QUEUE)
        for order in ORDERS[:-1]:
            place(channel, order)
        with consumer(*options) as first:
            lines = lines_until(first, f"packing {KILLED_AT}")
        wait_until_alone(channel)
        click.echo(f"{name}: killed while packing {KILLED_AT}, and started again", err=True)
        with consumer(*options) as second:
            place(channel, LAST)
            lines += lines_until(second, f"packed {LAST}")
        # It was killed before it could acknowledge the last one, which would come again in the next trial.
        wait_until_alone(channel)
        channel.queue_purge(QUEUE)
    packed = [line.removeprefix("packed ") for line in lines if line.startswith("packed ")]
    redelivered = sum(line.startswith("redelivered") for line in lines)
    return ledger.Trial(name, broken, ORDERS, packed, {"redelivered": redelivered})


def measured() -> list[ledger.Trial]:
    """Both trials; they leave no orders behind, also when they are stopped."""
    try:
        return [trial("automatic ack", True, "--auto-ack"), trial("manual ack", False)]
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise


def clear() -> None:
    """Remove all orders, also those that a consumer held that was just killed: with their queue."""
    with connect() as connection:
        channel = connection.channel()
        channel.queue_delete(QUEUE)
        declare(channel)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(as_json: bool) -> None:
    """Compare automatic with manual acknowledgement when a consumer is killed.

    Example: python experiment.py --json
    """
    try:
        check_alone()
        guessed = ledger.guess("Of ten orders, how many does automatic acknowledgement lose", as_json)
        automatic, manual = measured()
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    ledger.report("02", [automatic, manual], as_json)
    ledger.compare(guessed, automatic.counts()["lost"])


if __name__ == "__main__":
    main()
