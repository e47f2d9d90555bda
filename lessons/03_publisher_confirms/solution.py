"""Exercise 03, solved: schedule, announce with confirms, and only then acknowledge."""

import json

import click
import pika
from announcements import ANNOUNCEMENTS, ORDERS, SHIPMENT_SCHEDULED, declare
from connection import connect
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from shipping import schedule_shipment


def announce(channel: BlockingChannel, order_id: str) -> None:
    """Return when the announcement is safe in every queue that is bound for it."""
    event = {"type": SHIPMENT_SCHEDULED, "order_id": order_id}
    properties = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
        # The same id each time that we say it: whoever hears it twice can tell.
        message_id=f"{SHIPMENT_SCHEDULED}/{order_id}",
    )
    body = json.dumps(event).encode()
    channel.basic_publish(ANNOUNCEMENTS, SHIPMENT_SCHEDULED, body, properties, mandatory=True)


@click.command()
def main() -> None:
    """Schedule shipments and announce them until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            for method, _properties, body in channel.consume(ORDERS):
                order_id = json.loads(body)["order_id"]
                schedule_shipment(order_id)
                announce(channel, order_id)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"announced {order_id}")
    except (amqp.UnroutableError, amqp.NackError) as error:
        # The order is not acknowledged: started again, we say it again.
        raise click.ClickException(
            "Nobody could take an announcement; start again when somebody can."
        ) from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
