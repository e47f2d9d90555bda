"""Place orders for the packing service, which may be one worker or many: nothing here knows."""

import json
import uuid
from datetime import datetime, timezone

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from topology import EXCHANGE, declare


def order_created(order_id: str) -> dict:
    """Say that an order was placed, in the envelope of lesson 04."""
    return {
        "id": str(uuid.uuid4()),
        "type": "order.created",
        "source": "shop",
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"order_id": order_id, "amount_cents": 29_999},
    }


def publish(channel: BlockingChannel, event: dict) -> None:
    """Hand an event to the exchange."""
    properties = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=event["id"],
    )
    channel.basic_publish(EXCHANGE, event["type"], json.dumps(event).encode(), properties)


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=6, show_default=True, help="Orders to place.")
def main(count: int) -> None:
    """Place orders, numbered from A-0001.

    Example: python producer.py --count 6
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            for number in range(1, count + 1):
                publish(channel, order_created(f"A-{number:04}"))
            click.echo(f"placed A-0001 to A-{count:04}")
    except KeyboardInterrupt:
        click.echo("stopped; what is placed stays placed", err=True)


if __name__ == "__main__":
    main()
