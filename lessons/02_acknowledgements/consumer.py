"""Kill this consumer in the middle of an order, and see whether the order comes back."""

import json
import os

import click
import pika
from connection import connect
from topology import QUEUE, declare


def order_in(body: bytes) -> dict:
    """Read a message. One that is no order stops us, and stays in the queue: lesson 07 does better."""
    try:
        order = json.loads(body)
        return {"order_id": order["order_id"], "customer": order["customer"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.ClickException(
            f"The next message in {QUEUE} is not an order ({body[:40]!r}); empty the queue, in the"
            " project's folder: python3 scripts/broker.py reset --lesson 02"
        ) from error


def pack(order: dict, seconds: float, connection: pika.BlockingConnection) -> None:
    """Take some time over an order, as real work does. The order is packed when this returns."""
    click.echo(f"packing {order['order_id']}")
    connection.sleep(seconds)  # not time.sleep: meanwhile the broker must hear that we are alive
    click.echo(f"packed {order['order_id']}")


@click.command()
@click.option("--auto-ack", is_flag=True, help="An order leaves the queue as soon as it is sent to us.")
@click.option("--seconds", type=click.FloatRange(min=0), default=1, show_default=True, help="Time per order.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many orders.  [default: never]")
def main(auto_ack: bool, seconds: float, limit: int | None) -> None:
    """Pack orders, slowly enough to be killed.

    Example: python consumer.py --auto-ack --seconds 20
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            click.echo(f"waiting for orders as process {os.getpid()}; Ctrl-C to stop", err=True)
            # Without a limit of its own the broker sends at once all that it has: lesson 05.
            deliveries = channel.consume(QUEUE, auto_ack=auto_ack)
            for number, (method, _properties, body) in enumerate(deliveries, 1):
                if method.redelivered:
                    click.echo("redelivered: somebody had this one before, and did not acknowledge it")
                pack(order_in(body), seconds, connection)
                if not auto_ack:
                    # Killed just before this line, we pack the order twice: lesson 06.
                    channel.basic_ack(method.delivery_tag)
                if number == limit:
                    break
            else:
                raise click.ClickException(f"Somebody deleted {QUEUE}; start again with: python consumer.py")
    except KeyboardInterrupt:
        rest = "is gone with us" if auto_ack else "goes back to the queue"
        click.echo(f"stopped; what we had and had not packed {rest}", err=True)


if __name__ == "__main__":
    main()
