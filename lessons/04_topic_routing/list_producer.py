"""Sell, and tell each service on a list what happened. Whoever is not on the list hears nothing."""

import json
from itertools import islice

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from shop import events_of, orders
from topology import declare_queue

# Who wants to hear of something else has to be written here, and the shop closed and opened again.
LISTENERS = {
    "order.created": ["inventory"],
    "payment.completed": ["billing", "shipping"],
    "payment.failed": ["billing"],
}


def publish(channel: BlockingChannel, event: dict) -> None:
    """Put a copy of the event into the queue of each service on the list."""
    properties = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=event["id"],
    )
    for service in LISTENERS[event["type"]]:
        # The default exchange again, whose routing key is the name of a queue.
        channel.basic_publish(
            "", f"lesson04.{service}", json.dumps(event).encode(), properties, mandatory=True
        )
    click.echo(f"{event['type']} {event['data']['order_id']}")


@click.command()
@click.option("--count", type=click.IntRange(min=1), help="Close after this many orders.  [default: never]")
def main(count: int | None) -> None:
    """Take orders at this terminal until Ctrl-D; Mallory cannot pay.

    Example: python list_producer.py --count 2
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            for service in sorted(set().union(*LISTENERS.values())):
                declare_queue(channel, service, patterns=[])
            channel.confirm_delivery()
            for order_id, customer in islice(orders(connection.sleep), count):
                for event in events_of(order_id, customer):
                    publish(channel, event)
            click.echo("the shop is closed", err=True)
    except KeyboardInterrupt:
        click.echo("stopped; what was published stays published", err=True)


if __name__ == "__main__":
    main()
