"""Place orders for which a truck has to be booked."""

import json
from datetime import datetime, timezone

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from topology import BOOKING, declare


def order_created(order_id: str) -> dict:
    """The event, in its envelope. Its id is made of what happened: said twice, it is the same."""
    return {
        "id": f"order.created/{order_id}",
        "type": "order.created",
        "source": "shop",
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "data": {"order_id": order_id, "amount_cents": 29_999},
    }


def place(channel: BlockingChannel, order_id: str) -> None:
    """Publish one order; return when it is safe."""
    event = order_created(order_id)
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=event["id"], type=event["type"]
    )
    channel.basic_publish("", BOOKING, json.dumps(event).encode(), properties, mandatory=True)


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=2, show_default=True, help="Orders to place.")
def main(count: int) -> None:
    """Place orders, numbered from A-0001.

    Example: python producer.py --count 2
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            for number in range(1, count + 1):
                place(channel, f"A-{number:04}")
                click.echo(f"placed A-{number:04}")
    except KeyboardInterrupt:
        click.echo("stopped; what is placed stays placed", err=True)


if __name__ == "__main__":
    main()
