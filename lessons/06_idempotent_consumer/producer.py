"""Say that orders were placed, each as often as you like: lesson 03 showed how that happens by itself."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timezone

import click
import pika
from connection import connect
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from topology import BILLING, EXCHANGE, declare


def order_created(order_id: str) -> dict:
    """The event. Its id is given here, once: a copy of it has the same one."""
    return {
        "id": str(uuid.uuid4()),
        "type": "order.created",
        "source": "shop",
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"order_id": order_id, "amount_cents": 29_999},
    }


def publish(channel: BlockingChannel, event: dict) -> None:
    """Return when the event is safe in a queue. The channel has to be in confirm mode (lesson 03)."""
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent
    )
    try:
        channel.basic_publish(EXCHANGE, event["type"], json.dumps(event).encode(), properties, mandatory=True)
    except (amqp.UnroutableError, amqp.NackError) as error:
        raise click.ClickException(f"No queue took {event['type']}; run this again.") from error


@click.command()
@click.argument("orders", metavar="[ORDER]...", nargs=-1)
@click.option("--copies", type=click.IntRange(min=1), default=1, show_default=True, help="Say it so often.")
def main(orders: Sequence[str], copies: int) -> None:
    """Place orders; A-0001 where none is named.

    Example: python producer.py A-0001 --copies 2
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel, BILLING)
            channel.confirm_delivery()
            for event in map(order_created, orders or ["A-0001"]):
                for _copy in range(copies):
                    publish(channel, event)
                    click.echo(f"placed {event['data']['order_id']}, event {event['id']}")
    except KeyboardInterrupt:
        click.echo("stopped; what is placed stays placed", err=True)


if __name__ == "__main__":
    main()
