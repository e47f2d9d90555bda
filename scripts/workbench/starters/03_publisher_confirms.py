"""Exercise 03: announce each shipment, so that a cut at any moment loses no announcement."""

import json

import click
import pika
from announcements import ANNOUNCEMENTS, ORDERS, SHIPMENT_SCHEDULED, declare
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from shipping import schedule_shipment


def announce(channel: BlockingChannel, order_id: str) -> None:
    """Tell the shop that a shipment is scheduled."""
    event = {"type": SHIPMENT_SCHEDULED, "order_id": order_id}
    # TODO: make sure that the announcement is safe before you go on, and that it has the same message_id
    # each time it is made. The service is started again each time it ends.
    channel.basic_publish(
        exchange=ANNOUNCEMENTS,
        routing_key=SHIPMENT_SCHEDULED,
        body=json.dumps(event).encode(),
        properties=pika.BasicProperties(content_type="application/json"),
    )


@click.command()
def main() -> None:
    """Schedule shipments and announce them until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            for method, _properties, body in channel.consume(ORDERS):
                order_id = json.loads(body)["order_id"]
                schedule_shipment(order_id)
                announce(channel, order_id)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"announced {order_id}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
