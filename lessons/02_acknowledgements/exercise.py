"""Exercise 02: the shipping service again. Whoever dies when, no order may be lost."""

import json

import click
from connection import connect
from shipping import schedule_shipment
from topology import QUEUE, declare


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            # TODO: this service loses orders when it dies, when its connection does, and when a truck is
            # not to be had (schedule_shipment raises sqlite3.Error). It is started again each time it ends.
            for _method, _properties, body in channel.consume(QUEUE, auto_ack=True):
                order_id = json.loads(body)["order_id"]
                schedule_shipment(order_id)
                click.echo(f"scheduled {order_id}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
