"""Place orders in the queue `lesson02.orders`."""

import json

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from topology import QUEUE, declare


def place(channel: BlockingChannel, order_id: str) -> None:
    """Publish one order."""
    order = {"type": "order.created", "order_id": order_id, "customer": "Alice", "amount_cents": 29_999}
    channel.basic_publish(
        exchange="",
        routing_key=QUEUE,
        body=json.dumps(order).encode(),
        properties=pika.BasicProperties(content_type="application/json"),
    )


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=4, show_default=True, help="Orders to place.")
def main(count: int) -> None:
    """Place orders, numbered from A-0001.

    Example: python producer.py --count 4
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            for number in range(1, count + 1):
                place(channel, f"A-{number:04}")
                click.echo(f"placed A-{number:04}")
    except KeyboardInterrupt:
        click.echo("stopped; what is placed stays placed", err=True)


if __name__ == "__main__":
    main()
