"""Place orders: each becomes an event in the queue `lesson01.orders`.

The producer does not know who packs them, nor whether anybody does yet.
"""

import json

import click
import pika
from connection import connect

QUEUE = "lesson01.orders"
CUSTOMERS = ["Alice", "Bob", "Carol"]


def order_created(number: int) -> dict:
    """Say what happened, in the past tense. Money is whole cents: 0.1 + 0.2 is not 0.3."""
    return {
        "type": "order.created",
        "order_id": f"A-{number:04}",
        "customer": CUSTOMERS[(number - 1) % len(CUSTOMERS)],
        "amount_cents": 29_999,
    }


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="Orders to place.")
def main(count: int) -> None:
    """Place orders, numbered from A-0001.

    Example: python producer.py --count 5
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            # Whoever comes first creates the queue. Durable: it is still there when the broker has restarted.
            channel.queue_declare(QUEUE, durable=True)
            for number in range(1, count + 1):
                order = order_created(number)
                channel.basic_publish(
                    exchange="",  # straight to the queue of that name; what else can stand here: lesson 03
                    routing_key=QUEUE,
                    body=json.dumps(order).encode(),
                    properties=pika.BasicProperties(content_type="application/json"),
                )
                # We have sent it. Whether the broker has it, nobody told us: lesson 03.
                click.echo(f"placed {order['order_id']}")
    except KeyboardInterrupt:
        click.echo("stopped; what is placed stays placed", err=True)


if __name__ == "__main__":
    main()
