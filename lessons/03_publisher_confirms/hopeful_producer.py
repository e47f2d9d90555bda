"""Place orders and hope: four things can go wrong here, and this program notices none of them in time."""

import json

import click
import pika
from connection import connect
from topology import EXCHANGE, KEY, declare


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="Orders to place.")
@click.option("--exchange", default=EXCHANGE, show_default=True, help="Where to publish.")
@click.option("--key", default=KEY, show_default=True, help="The routing key.")
def main(count: int, exchange: str, key: str) -> None:
    """Place orders without asking whether they arrived.

    Example: python hopeful_producer.py --count 3 --key order.craeted
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            for number in range(1, count + 1):
                order = {"type": "order.created", "order_id": f"A-{number:04}", "amount_cents": 29_999}
                channel.basic_publish(
                    exchange=exchange,
                    routing_key=key,
                    body=json.dumps(order).encode(),
                    properties=pika.BasicProperties(content_type="application/json"),
                )
                click.echo(f"placed {order['order_id']}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
