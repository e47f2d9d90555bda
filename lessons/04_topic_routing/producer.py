"""Sell, and tell an exchange what happened. Who listens is not written here, and need not be."""

import json
from itertools import islice

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from shop import events_of, orders
from topology import EXCHANGE, declare_exchange


def publish(channel: BlockingChannel, event: dict) -> None:
    """Hand an event to the exchange; each queue bound with a pattern that fits its type gets a copy."""
    properties = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=event["id"],
    )
    # Not mandatory, unlike lesson 03: an event that interests nobody is no mistake of the sender's.
    channel.basic_publish(EXCHANGE, event["type"], json.dumps(event).encode(), properties)
    click.echo(f"{event['type']} {event['data']['order_id']}")


@click.command()
@click.option("--count", type=click.IntRange(min=1), help="Close after this many orders.  [default: never]")
def main(count: int | None) -> None:
    """Take orders at this terminal until Ctrl-D; Mallory cannot pay.

    Example: python producer.py --count 2
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare_exchange(channel)
            channel.confirm_delivery()
            # The connection answers heartbeats while we wait for somebody to type.
            for order_id, customer in islice(orders(connection.sleep), count):
                for event in events_of(order_id, customer):
                    publish(channel, event)
            click.echo("the shop is closed", err=True)
    except KeyboardInterrupt:
        click.echo("stopped; what was published stays published", err=True)


if __name__ == "__main__":
    main()
