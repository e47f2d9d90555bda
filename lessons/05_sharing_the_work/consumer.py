"""Be one worker of the packing service, fast or slow. How many orders may it have in its hands at once?"""

import json

import click
import pika
from connection import connect
from topology import QUEUE, declare


def order_in(body: bytes) -> str:
    """Read a message. One that is no order stops us, and stays in the queue: lesson 07 does better."""
    try:
        return json.loads(body)["data"]["order_id"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.ClickException(
            f"The next message in {QUEUE} is not an order ({body[:40]!r}); empty the queue, in the"
            " project's folder: python3 scripts/broker.py reset --lesson 05"
        ) from error


def pack(worker: str, order_id: str, seconds: float, connection: pika.BlockingConnection) -> None:
    """Take some time over an order; it is packed when this returns."""
    click.echo(f"{worker} packing {order_id}")
    connection.sleep(seconds)
    click.echo(f"{worker} packed {order_id}")


@click.command()
@click.option("--name", default="worker", show_default=True, help="What this worker calls itself.")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=0.1, show_default=True, help="Time per order."
)
@click.option(
    "--prefetch",
    type=click.IntRange(0, 65535),
    default=1,
    show_default=True,
    help="How many orders it may hold that are not acknowledged; 0 is no limit.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many orders.  [default: never]")
def main(name: str, seconds: float, prefetch: int, limit: int | None) -> None:
    """Pack orders beside other workers.

    Example: python consumer.py --name slow --seconds 60 --prefetch 1
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            # Before we consume: the limit holds for consumers that come after it.
            channel.basic_qos(prefetch_count=prefetch)
            click.echo(f"waiting for orders as {name}; Ctrl-C to stop", err=True)
            for number, (method, _properties, body) in enumerate(channel.consume(QUEUE), 1):
                pack(name, order_in(body), seconds, connection)
                channel.basic_ack(method.delivery_tag)  # only now may the broker send us one more
                if number == limit:
                    break
            else:
                raise click.ClickException(f"Somebody deleted {QUEUE}; start again with: python consumer.py")
    except KeyboardInterrupt:
        click.echo("stopped; what we held goes back to the queue", err=True)


if __name__ == "__main__":
    main()
