"""Let fraud detection join a shop that is open, in three ways, and count which orders it hears of."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import ledger
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel

FOLDER = Path(__file__).parent
ORDERS = [f"A-{number:04}" for number in range(1, 11)]
BEFORE, SINCE = ORDERS[:4], ORDERS[4:]
QUEUES = [f"lesson04.{service}" for service in ("inventory", "billing", "shipping", "fraud")]
MAX_SECONDS = 30
KILLED = -signal.SIGKILL
# So often we look whether all is as it should be; a service left over stays longer.
LOOKS, LOOKS_LEFT_OVER, LOOK_SECONDS = 200, 20, 0.05


@contextmanager
def process(script: str, *options: str) -> Iterator[subprocess.Popen]:
    """A real process; it is killed (SIGKILL) at the end of the block, or when it takes too long."""
    command = [sys.executable, str(FOLDER / script), *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, text=True) as running:
        too_long = threading.Timer(MAX_SECONDS, running.kill)
        too_long.start()
        try:
            yield running
        finally:
            too_long.cancel()
            running.kill()


def place(sender: subprocess.Popen, order: str) -> None:
    """Type a customer's name into the shop, and wait until all is published."""
    print("Alice", file=sender.stdin, flush=True)
    for line in sender.stdout:
        if line.strip() == f"payment.completed {order}":
            return
    raise click.ClickException("The shop closed too early; see why with: python producer.py")


def until(
    channel: BlockingChannel, queue: str, consumers: int, empty: bool = False, looks: int = LOOKS
) -> None:
    """Until the broker knows of so many consumers of this queue and, if wanted, has sent them everything."""
    for _ in range(looks):
        now = channel.queue_declare(queue, durable=True).method
        if now.consumer_count == consumers and not (empty and now.message_count):
            return
        channel.connection.sleep(LOOK_SECONDS)
    if now.consumer_count > consumers:
        raise click.ClickException(
            f"Somebody else consumes from {queue}; stop the service in the other terminal."
        )
    raise click.ClickException(f"{queue} did not come to {consumers} consumers; run this again.")


def delete_queues(channel: BlockingChannel, looks: int = LOOKS) -> None:
    """Nobody listens, and nothing is left over."""
    for queue in QUEUES:
        until(channel, queue, consumers=0, looks=looks)
        channel.queue_delete(queue)


def check_alone() -> None:
    """Say that there is no broker, or a service left over, before anybody has thought about the answer."""
    with connect() as connection:
        delete_queues(connection.channel(), LOOKS_LEFT_OVER)


def heard(channel: BlockingChannel, queue: str, services: Sequence[subprocess.Popen]) -> list[list[str]]:
    """The orders that each service of this queue heard of.

    When all is sent the queue is deleted: then they finish what they have, and end.
    """
    until(channel, queue, len(services), empty=True)
    channel.queue_delete(queue)
    orders = [[line.split()[-1] for line in service.stdout] for service in services]
    if any(service.wait() == KILLED for service in services):
        raise click.ClickException("A service did not end in time; run this again on a quieter machine.")
    return orders


def trial(name: str, broken: bool, script: str, fraud_as: str = "fraud") -> ledger.Trial:
    """Four orders, then fraud detection joins as this service, then six more; nobody else is stopped."""
    with connect() as connection, ExitStack() as stack:
        channel = connection.channel()
        delete_queues(channel)
        listening: dict[str, list[subprocess.Popen]] = {}

        def join(service: str) -> None:
            services = listening.setdefault(f"lesson04.{service}", [])
            services.append(stack.enter_context(process("consumer.py", service, "order.*")))
            until(channel, f"lesson04.{service}", len(services))

        join("inventory")
        sender = stack.enter_context(process(script, "--count", str(len(ORDERS))))
        for order in BEFORE:
            place(sender, order)
        join(fraud_as)
        click.echo(f"{name}: fraud detection has joined", err=True)
        for order in SINCE:
            place(sender, order)
        by_inventory, by_fraud = [
            orders for queue, services in listening.items() for orders in heard(channel, queue, services)
        ]
        delete_queues(channel)
    own = {"missed": len(set(BEFORE) - set(by_fraud)), "others_lost": len(set(ORDERS) - set(by_inventory))}
    return ledger.Trial(name, broken, SINCE, by_fraud, own)


def measured() -> list[ledger.Trial]:
    """All trials; they leave no orders behind, also when they are stopped."""
    try:
        return [
            trial("list in sender", True, "list_producer.py"),
            trial("shared queue", True, "producer.py", fraud_as="inventory"),
            trial("topic exchange", False, "producer.py"),
        ]
    except (KeyboardInterrupt, click.ClickException):
        with connect() as connection:
            delete_queues(connection.channel())
        raise


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(as_json: bool) -> None:
    """Count what a service hears that joins while the shop is open.

    Example: python experiment.py --json
    """
    try:
        check_alone()
        guessed = ledger.guess("shared queue: how many of six orders does inventory not hear of", as_json)
        trials = measured()
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    ledger.report("04", trials, as_json)
    ledger.compare(guessed, trials[1].own["others_lost"])


if __name__ == "__main__":
    main()
