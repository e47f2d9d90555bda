"""Exercise 01: a service of your own that hears each order, and schedules a shipment for it."""

import json

import click
from connection import connect
from shipping import schedule_shipment

QUEUE = "lesson01.orders"


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True)
            for method, _properties, body in channel.consume(QUEUE):
                order_id = json.loads(body)["order_id"]
                click.echo(f"heard of {order_id}")
                # TODO: schedule a shipment for this order; when that is done, tell the broker so.
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
